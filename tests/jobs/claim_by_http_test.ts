import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { it } from "@std/testing/bdd";
import { createClient } from "redis";
import { decodePickle } from "../../lib/arq/pickle/decode.ts";
import { toJson } from "../../lib/arq/pickle/json.ts";
import { asBytes } from "../../lib/store/redis.ts";
import { cancelTask, listTaskEvents, readTask, retryTask } from "../../lib/task/task.ts";
import { createWorker } from "../../lib/work/work.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";

interface JobInRedis {
  f: string;
  a: [string];
  k: { title: string; source: string; url: string; token: string };
}

describeWith(
  { postgres: true, redis: true },
  "an external agent over HTTP",
  (servers) => {
    async function startOtto(): Promise<Otto> {
      await servers.redis.flush();
      return await openOtto({
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
        AGENT: "external",
        ADMIN_TOKEN: "the admin's own token",
        PUBLIC_URL: "https://otto.example.com",
      });
    }

    /** A task and the job of it that a worker would get. */
    async function submitTask(otto: Otto, round = 1) {
      const worker = createWorker(otto.services);
      await worker.takeMessages(0, new AbortController().signal);
      await worker.collect();
      const [{ id }] = await otto.services.database.query(
        "find the task",
        (sql) => sql<{ id: string }[]>`select id from tasks`,
      );
      const redis = createClient({ url: servers.redis.url }).withTypeMapping(
        asBytes,
      );
      await redis.connect();
      const bytes = await redis.get(
        `arq:job:${id}${round === 1 ? "" : `:${round}`}`,
      );
      redis.destroy();
      return {
        id,
        job: toJson(
          decodePickle(bytes as unknown as Uint8Array),
        ) as unknown as JobInRedis,
      };
    }

    const post = (
      otto: Otto,
      id: string,
      step: string,
      token: string,
      body: unknown,
    ) =>
      otto.ask(`/api/tasks/${id}/${step}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        },
        body: JSON.stringify(body),
      });

    it("gets a job with what it needs, and nothing of the payload", async () => {
      await using otto = await startOtto();
      await otto.send("test", `{"title":"hello","secret":"of the sender"}`);
      const { id, job } = await submitTask(otto);
      assertEquals([job.f, job.a], ["run_task", [id]]);
      assertEquals(job.k.url, `https://otto.example.com/api/tasks/${id}`);
      assertEquals(job.k.source, "generic");
      assert(!JSON.stringify(job).includes("of the sender"));
    });

    it("claims, tells, and ends a task", async () => {
      await using otto = await startOtto();
      await otto.send("test", `{"title":"hello"}`);
      const { id, job: { k: { token } } } = await submitTask(otto);
      const claim = await json(
        await post(otto, id, "claim", token, { try: 1, worker: "me" }),
      );
      assertEquals(claim.payload, { title: "hello" });
      assertEquals([claim.task_id, claim.webhook_type, claim.verified], [
        id,
        "test",
        false,
      ]);
      const { epoch } = claim;
      await json(
        await post(otto, id, "events", token, { epoch, text: "half way" }),
      );
      const result = {
        epoch,
        status: "completed",
        text: "all done",
        data: { n: 1 },
      };
      const ended = await json(await post(otto, id, "result", token, result));
      assertEquals([ended.status, ended.result], ["completed", {
        text: "all done",
        data: { n: 1 },
      }]);
      // The answer was lost on the way: the same again is no error, and changes nothing.
      await json(await post(otto, id, "result", token, result));
      const events = await listTaskEvents(otto.services.database, id);
      assertEquals(events.map(({ kind }) => kind), [
        "created",
        "claimed",
        "progress",
        "completed",
      ]);
      assertEquals(events[1].actor, "me");
      const other = await post(otto, id, "result", token, {
        ...result,
        status: "failed",
        error: { message: "no" },
      });
      assertEquals((await json(other, 409)).error.code, "task_stale");
    });

    it("takes over by each claim from the one before, but not from a later try", async () => {
      await using otto = await startOtto();
      await otto.send("test", `{"title":"hello"}`);
      const { id, job: { k: { token } } } = await submitTask(otto);
      const lost = await json(await post(otto, id, "claim", token, { try: 1 }));
      // The same try once more: the answer to its first claim was lost.
      const first = await json(await post(otto, id, "claim", token, { try: 1 }));
      const unheard = { epoch: lost.epoch, text: "from nobody" };
      await json(await post(otto, id, "events", token, unheard), 409);
      await json(await post(otto, id, "events", token, { ...unheard, epoch: first.epoch }));
      const second = await json(
        await post(otto, id, "claim", token, { try: 2 }),
      );
      const earlier = await json(await post(otto, id, "claim", token, { try: 1 }), 409);
      assertEquals(earlier.error.code, "task_taken");
      const overtaken = { epoch: first.epoch, status: "completed", text: "late" };
      assertEquals(
        (await json(await post(otto, id, "result", token, overtaken), 409)).error
          .code,
        "task_stale",
      );
      await json(
        await post(otto, id, "events", token, {
          epoch: first.epoch,
          text: "late",
        }),
        409,
      );
      await json(
        await post(otto, id, "result", token, {
          ...overtaken,
          epoch: second.epoch,
          text: "good",
        }),
      );
      assertEquals(
        (await readTask(otto.services.database, id))!.result!.text,
        "good",
      );
    });

    it("may be claimed by the first try again when ARQ has forgotten the tries before", async () => {
      await using otto = await startOtto();
      await otto.send("test", `{"title":"hello"}`);
      const { id, job: { k: { token } } } = await submitTask(otto);
      await json(await post(otto, id, "claim", token, { try: 3 }));
      await json(await post(otto, id, "claim", token, { try: 1 }), 409);
      // Its worker has died, and the next one is started after a weekend.
      const { database } = otto.services;
      await database.query("let time pass", (sql) =>
        sql`
          alter table task_events disable trigger all;
          update task_events set at = at - interval '2 days';
          alter table task_events enable trigger all`.simple());
      await json(await post(otto, id, "claim", token, { try: 1 }));
    });

    it("may send a step again, which is one step, and others between", async () => {
      await using otto = await startOtto();
      await otto.send("test", `{"title":"hello"}`);
      const { id, job: { k: { token } } } = await submitTask(otto);
      const { epoch } = await json(await post(otto, id, "claim", token, { try: 1 }));
      for (const text of ["looks", "looks", "writes", "looks"]) {
        await json(await post(otto, id, "events", token, { epoch, text, data: { n: 1 } }));
      }
      const events = await listTaskEvents(otto.services.database, id);
      const steps = events.filter(({ kind }) => kind === "progress");
      assertEquals(steps.map(({ data }) => (data as { text: string }).text), [
        "looks",
        "writes",
        "looks",
      ]);
    });

    it("is refused with the token of an earlier round, another task or the admin", async () => {
      await using otto = await startOtto();
      const { database } = otto.services;
      await otto.send("test", `{"title":"hello"}`);
      const { id, job: { k: { token } } } = await submitTask(otto);
      await cancelTask(database, { id, actor: "somebody" });
      assertEquals(
        (await json(await post(otto, id, "claim", token, {}), 409)).error.code,
        "task_stale",
      );
      await createWorker(otto.services).collect();
      await retryTask(database, { id, actor: "somebody" });
      const { job } = await submitTask(otto, 2);
      assert(job.k.token !== token);
      await json(await post(otto, id, "claim", token, {}), 409);
      const { epoch } = await json(
        await post(otto, id, "claim", job.k.token, {}),
      );
      const stolen = { epoch, status: "completed", text: "not mine" };
      await json(await post(otto, id, "result", token, stolen), 409);
      for (
        const wrong of [
          "",
          "1.x",
          `${token}x`,
          token.replace(/.$/, "-"),
          "the admin's own token",
        ]
      ) {
        await json(await post(otto, id, "claim", wrong, {}), 401);
      }
    });

    it("is told what is wrong with what it sends", async () => {
      await using otto = await startOtto();
      await otto.send("test", `{"title":"hello"}`);
      const { id, job: { k: { token } } } = await submitTask(otto);
      const { error } = await json(
        await post(otto, id, "result", token, { status: "done" }),
        400,
      );
      assertStringIncludes(error.message, "status");
      await json(await post(otto, id, "claim", token, { try: 0 }), 400);
      const { epoch } = await json(await post(otto, id, "claim", token, { try: 1 }));
      const nested = (deep: number) => JSON.parse("[".repeat(deep) + "]".repeat(deep));
      for (const step of [{ text: "step" }, { status: "completed", text: "done" }]) {
        const path = "status" in step ? "result" : "events";
        const deep = await post(otto, id, path, token, { ...step, epoch, data: nested(5_000) });
        assertStringIncludes((await json(deep, 400)).error.message, "nested over 200 deep");
        await json(await post(otto, id, path, token, { ...step, epoch, data: nested(200) }));
      }
      const large = await post(otto, id, "events", token, { epoch, text: "x".repeat(1_100_000) });
      assertStringIncludes((await json(large, 413)).error.message, "larger than 1048576 bytes");
    });
  },
);
