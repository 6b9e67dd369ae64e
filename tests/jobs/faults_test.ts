import { Buffer } from "node:buffer";
import { assert, assertEquals } from "@std/assert";
import { beforeEach, it } from "@std/testing/bdd";
import { createClient } from "redis";
import type { Agent, Outcome } from "../../lib/agent/agent.ts";
import { encodeResult } from "../../lib/arq/wire.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import type { Services } from "../../lib/services.ts";
import { readTask, retryTask } from "../../lib/task/task.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { createWorker, work } from "../../lib/work/work.ts";
import { fromHex, readVectors } from "../arq/vectors.ts";
import { slowAgent } from "./contract.ts";
import { openOtto, type Otto } from "../otto.ts";
import { openPlace } from "../place.ts";
import { ask, messageOf, takeOnce } from "../queue/contract.ts";
import { describeWith, startProcess, until } from "../servers/mod.ts";

/** Section 6: a killed worker's work starts elsewhere. */
const TAKEOVER_MS = 10_000;
const DRAIN_MS = 30_000;

/** An agent that takes a moment. */
const briefAgent: Agent = {
  name: "brief",
  run: async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { status: "completed", text: "done", data: null } as Outcome;
  },
};

async function makeTasks(services: Services, count: number): Promise<void> {
  const made = Array.from(
    { length: count },
    (_, n) => messageOf({ body: `{"n":${n}}` }),
  );
  await storeMessages(services.database, made);
  const worker = createWorker(services);
  while (await takeOnce(worker) > 0);
}

/** Waits until all tasks are completed, each with one end and one notification. */
async function allDone(services: Services, count: number): Promise<void> {
  await until(async () => {
    const [{ n }] = await ask<{ n: number }>(
      services,
      (sql) => sql`select count(*)::int as n from tasks where status = 'completed'`,
    );
    return n === count;
  }, { what: "all tasks to be completed", timeoutMs: DRAIN_MS });
  const [row] = await ask(services, (sql) =>
    sql`
      select (select count(*)::int from task_events where kind in ('completed', 'failed')) as ends,
        (select count(*)::int from notifications) as notifications`);
  assertEquals(row, { ends: count, notifications: count });
}

describeWith(
  { postgres: true, redis: "own" },
  "jobs while Redis fails",
  (servers) => {
    const open = async () => ({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    });

    const faults: [what: string, fault: () => Promise<void>][] = [
      ["is flushed", () => servers.redis.flush()],
      ["is killed and comes back empty", async () => {
        await servers.redis.kill();
        await servers.redis.restart();
      }],
      ["is frozen for a while", async () => {
        await servers.redis.freeze();
        await new Promise((resolve) => setTimeout(resolve, 4_000));
        await servers.redis.thaw();
      }],
    ];
    for (const [what, fault] of faults) {
      it(`loses and doubles nothing when it ${what}`, async () => {
        await using place = await openPlace(await open());
        const [here, there] = place.processes;
        await makeTasks(here, 120);
        const stop = new AbortController();
        const working = [here, there].map((services) =>
          work({ ...services, agent: briefAgent }, stop.signal)
        );
        try {
          await until(
            async () =>
              (await searchTasks(here.database, { status: "completed" }, 20)).items
                .length >= 10,
            {
              what: "some tasks to be done",
              timeoutMs: DRAIN_MS,
            },
          );
          await fault();
          await makeTasks(here, 20);
          await allDone(here, 140);
        } finally {
          stop.abort();
          await Promise.all(working);
        }
      });
    }

    it("leaves nothing in Redis but results when all is done", async () => {
      await servers.redis.flush();
      await using place = await openPlace(await open());
      const [here] = place.processes;
      await makeTasks(here, 20);
      const stop = new AbortController();
      const working = work({ ...here, agent: briefAgent }, stop.signal);
      await allDone(here, 20);
      stop.abort();
      await working;
      const redis = createClient({ url: servers.redis.url });
      await redis.connect();
      const kinds = new Set(
        (await redis.keys("*")).map((key) => key.replace(/[0-9a-f-]{36}.*/, "")),
      );
      redis.destroy();
      assertEquals(
        [...kinds].filter((kind) => kind.startsWith("arq:")),
        ["arq:result:"],
      );
    });

    it("are taken over in time from a worker that is killed", async () => {
      await servers.redis.flush();
      const env = await open();
      await using place = await openPlace(env);
      const [here] = place.processes;
      await makeTasks(here, 3);
      const first = startProcess([
        "-A",
        "tests/servers/pausing_worker.ts",
        "600000",
      ], env);
      await until(
        async () =>
          (await searchTasks(here.database, { status: "running" }, 10)).items
            .length === 3,
        {
          what: "the first worker to start",
          timeoutMs: 20_000,
        },
      );
      const { agent, runs } = slowAgent();
      const stop = new AbortController();
      const working = work({ ...here, agent }, stop.signal);
      await first.kill("SIGKILL");
      await until(() => runs.length === 3, {
        what: "another to take over",
        timeoutMs: TAKEOVER_MS,
      });
      for (const run of runs) {
        run.end("done");
      }
      await allDone(here, 3);
      stop.abort();
      await working;
    });
  },
);

describeWith(
  { postgres: true, redis: true },
  "jobs of an external agent",
  (servers) => {
    let raw: ReturnType<typeof createClient>;
    beforeEach(async () => {
      await servers.redis.flush();
      raw = createClient({ url: servers.redis.url });
      raw.on("error", () => {});
      await raw.connect();
    });

    async function startOtto(more: Record<string, string> = {}) {
      const otto = await openOtto({
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
        AGENT: "external",
        ...more,
      });
      return {
        ...otto,
        async [Symbol.asyncDispose]() {
          raw.destroy();
          await otto[Symbol.asyncDispose]();
        },
      };
    }
    const collect = ({ services }: Otto) => createWorker(services).collect();
    async function submit(otto: Otto, count = 1): Promise<string[]> {
      await makeTasks(otto.services, count);
      await collect(otto);
      const tasks = (await searchTasks(otto.services.database, {}, 200)).items;
      return tasks.map(({ id }) => id).reverse();
    }
    const theTask = async (otto: Otto, id: string) => (await readTask(otto.services.database, id))!;

    /** What Python's worker does when it starts a job, and when it ends one. */
    const startInPython = (id: string) => raw.set(`arq:in-progress:${id}`, "1", { PX: 310_000 });
    async function forget(id: string): Promise<void> {
      await raw.del([
        `arq:job:${id}`,
        `arq:in-progress:${id}`,
        `arq:retry:${id}`,
      ]);
      await raw.zRem("arq:interactive", id);
    }
    async function endInPython(id: string, vector: string): Promise<void> {
      const { pickle_hex } = readVectors().find(({ name }) => name === vector)!;
      await forget(id);
      await raw.set(
        `arq:result:${id}`,
        Buffer.from(fromHex(pickle_hex)),
        { PX: 3_600_000 },
      );
    }
    /** As if all jobs had been inspected so many hours ago. */
    const beAway = (otto: Otto, hours: number) =>
      ask(otto.services, (sql) =>
        sql`
        with passed as (
          update tasks set job_submitted_at = job_submitted_at - make_interval(hours => ${hours})
        )
        update settings set value = jsonb_set(value::jsonb, '{at}',
          to_jsonb((value::jsonb ->> 'at')::timestamptz - make_interval(hours => ${hours})))::text
        where name = 'jobs_watched'`);

    it("end with what Python returned or raised", async () => {
      await using otto = await startOtto();
      const ends: [vector: string, end: unknown][] = [
        ["result-str", { text: "ok", data: null }],
        ["result-none", { text: "", data: null }],
        ["result-set", {
          text: "    [\n      1,\n      2,\n      3\n    ]",
          data: [1, 2, 3],
        }],
        ["result-exc-ValueError", "ValueError: boom"],
        ["result-exc-custom", `pyworker.MyError: custom, {"code":7}`],
        [
          "result-timeout",
          "TimeoutError: its work took longer than the worker's `job_timeout`, or waited too long " +
          "for something",
        ],
        [
          "result-unserializable",
          "unable to serialize result: what the agent returned or raised cannot be pickled, so " +
          "nobody knows whether its work was done. Let its function return plain data, " +
          "and raise exceptions that hold no open things",
        ],
      ];
      const ids = await submit(otto, ends.length);
      for (const [at, [vector]] of ends.entries()) {
        await endInPython(
          ids[at],
          vector,
        );
      }
      await collect(otto);
      for (const [at, [, end]] of ends.entries()) {
        const task = await theTask(otto, ids[at]);
        if (typeof end === "string") {
          assertEquals(task.error, {
            code: "agent_failed",
            message: end,
          });
        } else assertEquals(task.result, end);
      }
      assertEquals(
        (await searchNotifications(otto.services.database, {}, 50)).items.length,
        ends.length,
      );
    });

    it("end when their results together are more than is held in memory", async () => {
      await using otto = await startOtto();
      const ids = await submit(otto, 4);
      const MIB = 1024 * 1024;
      for (const [at, id] of ids.entries()) {
        await forget(id);
        const result = encodeResult({
          tries: 1,
          function: "run_task",
          args: [],
          kwargs: new Map(),
          enqueuedAt: 1,
          success: true,
          value: String(at).repeat(7 * MIB),
          startedAt: 1,
          finishedAt: 1,
          queue: "arq:interactive",
          id,
        });
        await raw.set(`arq:result:${id}`, Buffer.from(result));
      }
      const ended = async () =>
        (await searchTasks(otto.services.database, { status: "completed" }, 10)).items.length;
      await collect(otto);
      assertEquals(await ended(), 2);
      await collect(otto);
      assertEquals(await ended(), 4);
    });

    it("keep no secret that an external agent has sent", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      await forget(id);
      const result = encodeResult({
        tries: 1,
        function: "run_task",
        args: [],
        kwargs: new Map(),
        enqueuedAt: 1,
        success: true,
        value: new Map([["text", `used ghp_${"a".repeat(36)}`]]),
        startedAt: 1,
        finishedAt: 1,
        queue: "arq:interactive",
        id,
      });
      await raw.set(`arq:result:${id}`, Buffer.from(result));
      await collect(otto);
      assertEquals((await theTask(otto, id)).result, {
        text: "used •••",
        data: { text: "used •••" },
      });
    });

    it("fail with the reason when a result cannot be read", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      await endInPython(id, "neg-truncated");
      await collect(otto);
      assertEquals((await theTask(otto, id)).error?.code, "result_unreadable");
    });

    it("show that Python has started them", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      await startInPython(id);
      await collect(otto);
      assertEquals((await theTask(otto, id)).status, "running");
      await endInPython(id, "result-str");
      await collect(otto);
      assertEquals((await theTask(otto, id)).status, "completed");
    });

    it("are not run again when one that keeps no results was quick", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      // With keep_result=0, which nobody saw begin.
      await forget(id);
      await collect(otto);
      assertEquals(await raw.zCard("arq:interactive"), 0);
      assertEquals((await theTask(otto, id)).error?.code, "outcome_unknown");
    });

    it("are submitted again under the same id when lost before their start", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      assertEquals(await raw.exists(`arq:job:${id}`), 1);
      await servers.redis.flush();
      await collect(otto);
      assertEquals(await raw.zCard("arq:interactive"), 1);
      assertEquals(await raw.exists(`arq:job:${id}`), 1);
      assertEquals((await theTask(otto, id)).status, "pending");
    });

    it("are submitted again when Redis has lost everything between two inspections", async () => {
      await using otto = await startOtto();
      const ids = await submit(otto, 3);
      await servers.redis.flush();
      await ask(
        otto.services,
        (sql) => sql`update tasks set job_submitted_at = now() - interval '10 minutes'`,
      );
      await collect(otto);
      assertEquals((await raw.zRange("arq:interactive", 0, -1)).sort(), ids);
    });

    it("are submitted again however long and often they were lost when nobody but Otto works", async () => {
      await using otto = await startOtto({ AGENT: "builtin" });
      const [id] = await submit(otto);
      for (let n = 0; n < 5; n++) {
        await beAway(otto, 24);
        await servers.redis.flush();
        await collect(otto);
        assertEquals((await theTask(otto, id)).status, "pending");
        assertEquals(await raw.zRange("arq:interactive", 0, -1), [id]);
      }
    });

    it("fail as unknown when lost after more than an hour while Python works, too", async () => {
      await using otto = await startOtto({ AGENT: "builtin" });
      await raw.set("arq:interactive:health-check", "Nov-23 21:07:03 j_complete=4 j_failed=0");
      const [id] = await submit(otto);
      await beAway(otto, 2);
      await servers.redis.flush();
      await collect(otto);
      assertEquals((await theTask(otto, id)).error?.code, "outcome_unknown");
    });

    it("fail as unknown when gone after their start", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      await startInPython(id);
      await collect(otto);
      await forget(id);
      await collect(otto);
      const task = await theTask(otto, id);
      assertEquals([task.status, task.error?.code], [
        "failed",
        "outcome_unknown",
      ]);
      // A person may retry it, which makes another job.
      await retryTask(otto.services.database, { id, actor: "somebody" });
      await collect(otto);
      await collect(otto);
      assertEquals(await raw.zRange("arq:interactive", 0, -1), [`${id}:2`]);
      await endInPython(`${id}:2`, "result-str");
      await collect(otto);
      assertEquals((await theTask(otto, id)).result?.text, "ok");
    });

    it("fail as unknown, not as never started, when not inspected for longer than results are kept", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      await beAway(otto, 2);
      await forget(id);
      await using later = await openOtto({
        DATABASE_URL: otto.services.config.databaseUrl!,
        REDIS_URL: servers.redis.url,
        AGENT: "external",
      });
      await collect(later);
      assertEquals((await theTask(otto, id)).error?.code, "outcome_unknown");
      assertEquals(await raw.zCard("arq:interactive"), 0);
    });

    it("are never submitted again because of time", async () => {
      await using otto = await startOtto();
      const ids = await submit(otto, 2);
      await startInPython(ids[0]);
      await collect(otto);
      await beAway(otto, 1_000);
      const before = await Promise.all(
        ids.map((id) => raw.dump(`arq:job:${id}`)),
      );
      await collect(otto);
      assertEquals(
        await Promise.all(ids.map((id) => raw.dump(`arq:job:${id}`))),
        before,
      );
      assertEquals((await theTask(otto, ids[0])).status, "running");
      assertEquals((await theTask(otto, ids[1])).status, "pending");
    });

    it("are told of when nobody starts them, once, and in the health", async () => {
      await using otto = await startOtto({ AGENT_START_DEADLINE: "60" });
      await submit(otto, 2);
      const health = async () => {
        const { status, checks } = await checkHealth(otto.services);
        return { status, agent: checks.find(({ name }) => name === "agent")! };
      };
      assertEquals((await health()).agent.status, "ok");
      await ask(
        otto.services,
        (sql) => sql`update tasks set job_submitted_at = now() - interval '5 minutes'`,
      );
      await collect(otto);
      await collect(otto);
      const notifications = (await searchNotifications(otto.services.database, {}, 10)).items;
      assertEquals(notifications.map(({ kind }) => kind), ["not_started"]);
      assert(
        /No agent has started this for 5 minutes: .* \(and 1 more wait\)/.test(
          notifications[0].text,
        ),
        notifications[0].text,
      );
      const { status, agent } = await health();
      assertEquals([status, agent.status], ["degraded", "degraded"]);
      assert(
        agent.detail.startsWith("2 tasks wait for an agent"),
        agent.detail,
      );
    });

    it("leave the queue when their task is cancelled", async () => {
      await using otto = await startOtto();
      const [waiting, running] = await submit(otto, 2);
      await startInPython(running);
      await collect(otto);
      for (const id of [waiting, running]) {
        await otto.post(`/api/tasks/${id}/cancel`);
      }
      await collect(otto);
      assertEquals(await raw.zRange("arq:interactive", 0, -1), [running]);
      assertEquals(await raw.zRange("arq:abort", 0, -1), [running]);
      await endInPython(running, "result-str");
      await collect(otto);
      assertEquals((await theTask(otto, running)).status, "cancelled");
    });

    it("are never taken by Otto's own workers", async () => {
      await using otto = await startOtto();
      const [id] = await submit(otto);
      assertEquals(
        await createWorker(otto.services).runTasks(
          new AbortController().signal,
        ),
        0,
      );
      assertEquals(await raw.exists(`arq:in-progress:${id}`), 0);
    });
  },
);
