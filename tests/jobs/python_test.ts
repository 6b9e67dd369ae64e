import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "redis";
import { serve } from "../../lib/process/serve.ts";
import { listTaskEvents, readTask } from "../../lib/task/task.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { newId } from "../../lib/store/id.ts";
import { work } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";
import { slowAgent } from "./contract.ts";
import { describeWith, freePort, ROOT, startProcess, until } from "../servers/mod.ts";
import { arqInWords, askPython, findPython, startPython } from "../servers/python.ts";

const python = findPython();
const FOLDER = join(ROOT, "tests/python");

console.warn(arqInWords(python));
if (!python) {
  describe.skip("Python's ARQ", () => {});
} else {
  describeWith({ postgres: true, redis: "own" }, "Python's ARQ", (servers) => {
    /** Otto on a port, working, with a database and an empty Redis. */
    async function startOtto(more: Record<string, string>) {
      await servers.redis.flush();
      const port = await freePort();
      const env = {
        DATABASE_URL: await servers.postgres.createDatabase(),
        REDIS_URL: servers.redis.url,
        PORT: String(port),
        ...more,
      };
      const otto = await openOtto(env);
      const server = await serve({
        port,
        host: "127.0.0.1",
        answer: otto.app.fetch,
      });
      let stop = new AbortController();
      let working: Promise<void> = Promise.resolve();
      const startWork = (services = otto.services) => {
        stop = new AbortController();
        working = work(services, stop.signal);
      };
      const stopWork = async () => {
        stop.abort();
        await working;
      };
      return {
        ...otto,
        env,
        startWork,
        stopWork,
        async [Symbol.asyncDispose]() {
          await stopWork();
          await server.close();
          await otto[Symbol.asyncDispose]();
        },
      };
    }
    const startWorker = (more: Record<string, string> = {}, cwd = FOLDER) =>
      startPython(python, ["-m", "arq", "worker.WorkerSettings"], {
        cwd,
        vars: { REDIS_URL: servers.redis.url, ...more },
      });
    const client = (...args: string[]) =>
      askPython(python, ["client.py", ...args], {
        cwd: FOLDER,
        vars: { REDIS_URL: servers.redis.url },
      });

    async function makeTask(
      { send, services }: Otto,
      title: string,
    ): Promise<string> {
      const message = await send("test", JSON.stringify({ title }));
      const task = await until(
        async () =>
          (await searchTasks(services.database, {}, 100)).items.find((each) =>
            each.message_id === message
          ),
        { what: `the task "${title}"`, timeoutMs: 15_000 },
      );
      return task.id;
    }
    const ended = (otto: Otto, id: string, timeoutMs = 20_000) =>
      until(async () => {
        const task = (await readTask(otto.services.database, id))!;
        return task.finished_at !== null && task;
      }, { what: "the task to end", timeoutMs });

    it("works Otto's tasks with the worker of docs/python-worker.md, as it stands there", async () => {
      const page = await readFile(join(ROOT, "docs/python-worker.md"), "utf8");
      const [, code] = /```python\n([\s\S]*?)```/.exec(page)!;
      const folder = await mkdtemp(join(tmpdir(), "otto-python-"));
      await writeFile(join(folder, "worker.py"), code);
      try {
        await using otto = await startOtto({ AGENT: "external" });
        otto.startWork();
        await using _worker = startWorker({}, folder);
        const task = await ended(otto, await makeTask(otto, "hello"));
        assertEquals(task.status, "completed");
        assertStringIncludes(task.result!.text, "Looked at test: hello");
        const stats = await otto.get("/webhook/stats");
        assertEquals([stats.jobs.arq.queue, stats.jobs.arq.depth], [
          "arq:interactive",
          0,
        ]);
        assertEquals(stats.jobs.arq.workers.length, 1);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    it("hands back texts, objects and exceptions", async () => {
      await using otto = await startOtto({ AGENT: "external" });
      otto.startWork();
      await using _worker = startWorker();
      const [text, object, failure] = await Promise.all(
        ["text", "object", "fail"].map((title) => makeTask(otto, title)),
      );
      assertStringIncludes(
        (await ended(otto, text)).result!.text,
        "python did test: text",
      );
      assertEquals((await ended(otto, object)).result!.data, {
        when: "2026-01-02T00:00:00+00:00",
        price: "1.50",
        n: [1, 2],
      });
      const failed = await ended(otto, failure);
      assertEquals([failed.status, failed.error], [
        "failed",
        { code: "agent_failed", message: "worker.Unlucky: no luck, 7" },
      ]);
      const kinds = (await listTaskEvents(otto.services.database, text)).map((
        { kind },
      ) => kind);
      assertEquals(kinds, ["created", "started", "completed"]);
    });

    it("claims, reports and ends a task over HTTP", async () => {
      await using otto = await startOtto({ AGENT: "external" });
      otto.startWork();
      await using _worker = startWorker();
      const id = await makeTask(otto, "claim me");
      const task = await ended(otto, id);
      assertEquals(task.error, null);
      assertEquals(task.result, { text: `{"title": "claim me"}`, data: [1] });
      const kinds = (await listTaskEvents(otto.services.database, id)).map((
        { kind },
      ) => kind);
      assertEquals(kinds.filter((kind) => kind !== "started"), [
        "created",
        "claimed",
        "progress",
        "completed",
      ]);
    });

    it("takes over from a worker that was killed", async () => {
      await using otto = await startOtto({ AGENT: "external" });
      otto.startWork();
      const first = startWorker({ JOB_TIMEOUT: "1" });
      const id = await makeTask(otto, "hang");
      await until(
        async () => (await readTask(otto.services.database, id))!.status === "running",
        {
          what: "the task to run",
          timeoutMs: 15_000,
        },
      );
      await first.kill("SIGKILL");
      await using _second = startWorker({ JOB_TIMEOUT: "1" });
      // ARQ's own lease: the timeout and ten seconds. The second try runs into the timeout.
      const task = await ended(otto, id, 30_000);
      assertStringIncludes(task.error!.message, "TimeoutError: its work took longer than");
    });

    it("stops the work on a task that is cancelled", async () => {
      await using otto = await startOtto({ AGENT: "external" });
      otto.startWork();
      await using worker = startWorker({ JOB_TIMEOUT: "60" });
      const id = await makeTask(otto, "hang");
      await until(async () => await client("status", id) === "in_progress", {
        what: "the job to run",
        timeoutMs: 15_000,
      });
      await otto.post(`/api/tasks/${id}/cancel`);
      assertEquals(await client("result", id), ["CancelledError", ""]);
      assert(worker.pid > 0);
      assertEquals(
        (await readTask(otto.services.database, id))!.status,
        "cancelled",
      );
    });

    it("says unknown of what was done and forgotten while nobody collected", async () => {
      await using otto = await startOtto({ AGENT: "external" });
      otto.startWork();
      const id = await makeTask(otto, "text");
      await until(async () => await client("status", id) === "queued", {
        what: "the job",
      });
      await otto.stopWork();
      await using _worker = startWorker({ KEEP_RESULT: "0.2" });
      await until(async () => await client("status", id) === "not_found", {
        what: "the result to be forgotten",
        timeoutMs: 15_000,
      });
      // As long as that, for the database.
      await otto.services.database.query(
        "pass time",
        (sql) => sql`update tasks set job_submitted_at = now() - interval '2 hours'`,
      );
      await otto.services.database.query(
        "pass time",
        (sql) =>
          sql`update settings set value = jsonb_set(value::jsonb, '{at}', '"2026-01-01"')::text
          where name = 'jobs_watched'`,
      );
      otto.startWork();
      const task = await ended(otto, id);
      assertEquals([task.status, task.error?.code], [
        "failed",
        "outcome_unknown",
      ]);
    });

    it("reads what Otto's own worker did, and aborts it", async () => {
      const { agent, runs } = slowAgent();
      await using otto = await startOtto({});
      otto.startWork({ ...otto.services, agent });
      const id = await makeTask(otto, "text");
      await until(() => runs.length === 1, { what: "the agent to start" });
      assertEquals(await client("status", id), "in_progress");
      assertEquals(await client("info", id), {
        function: "run_task",
        args: [id],
        kwargs: [
          "description",
          "message_id",
          "source",
          "title",
          "token",
          "url",
        ],
        try: null,
      });
      runs[0].end("done in TypeScript");
      assertEquals(await client("result", id), ["value", {
        text: "done in TypeScript",
        data: null,
      }]);
      const other = await makeTask(otto, "hang");
      await until(() => runs.length === 2, { what: "the agent to start" });
      assertEquals(await client("abort", other), true);
      assertEquals(
        (await readTask(otto.services.database, other))!.status,
        "cancelled",
      );
      assert(runs[1].signal.aborted);
    });

    it("finds its own functions untouched by Otto's workers, however many there are", async () => {
      await using otto = await startOtto({});
      const redis = createClient({ url: servers.redis.url });
      await redis.connect();
      for (let n = 0; n < 150; n++) {
        await redis.zAdd("arq:interactive", { value: `o${n}`, score: 1 });
      }
      const bytes = await (async () => {
        await client("enqueue", "others_function", "theirs");
        return await redis.withTypeMapping({}).dump("arq:job:theirs");
      })();
      assert(bytes);
      for (let n = 0; n < 150; n++) {
        await redis.copy("arq:job:theirs", `arq:job:o${n}`);
      }
      otto.startWork();
      const task = await ended(otto, await makeTask(otto, "text"));
      assertEquals(task.status, "completed");
      assertEquals(await client("status", "theirs"), "queued");
      assertEquals(await redis.zCard("arq:interactive"), 151);
      assertEquals(await client("enqueue", "run_task", newId()), true);
      redis.destroy();
    });

    it("keeps a job of our function's name that is about no task", async () => {
      await using otto = await startOtto({});
      otto.startWork();
      const id = newId();
      await client("enqueue", "run_task", id);
      const task = await ended(otto, await makeTask(otto, "text"));
      assertEquals(task.status, "completed");
      assertEquals(await client("status", id), "queued");
    });

    it("shares one queue with Otto's workers: each task ends once, through kills", async () => {
      await using otto = await startOtto({});
      const startPausing = () => startProcess(["-A", "tests/servers/pausing_worker.ts"], otto.env);
      const workers = [startPausing(), startPausing()];
      const pythons = [
        startWorker({ MAX_JOBS: "2" }),
        startWorker({ MAX_JOBS: "2" }),
      ];
      try {
        const messages: string[] = [];
        const send = async (count: number) => {
          for (let n = 0; n < count; n++) {
            messages.push(
              await otto.send("test", `{"title":"pause ${messages.length}"}`),
            );
          }
        };
        const done = (by: string, count: number) =>
          until(async () => {
            const [{ n }] = await otto.services.database.query(
              "count",
              (sql) =>
                sql<{ n: number }[]>`
                select count(*)::int as n from tasks where result_text like ${`${by} did%`}`,
            );
            return n >= count;
          }, { what: `${by} to have done ${count}`, timeoutMs: 30_000 });
        await send(60);
        await done("python", 5);
        await pythons[0].kill("SIGTERM");
        await send(60);
        await done("otto", 30);
        await workers[0].kill("SIGKILL");
        await send(60);
        await done("python", 10);
        await pythons[1].kill("SIGKILL");
        workers.push(startPausing());
        await send(60);
        const { database } = otto.services;
        await until(async () => {
          const rows = await database.query(
            "count",
            (sql) =>
              sql<{ n: number }[]>`
              select count(*)::int as n from tasks where status = 'completed'`,
          );
          return rows[0].n === messages.length;
        }, { what: "all tasks to be completed", timeoutMs: 60_000 });
        const [row] = await database.query(
          "count",
          (sql) =>
            sql<
              {
                ends: number;
                told: number;
                by_python: number;
                by_otto: number;
              }[]
            >`
            select
              (select count(*)::int from task_events where kind = 'completed') as ends,
              (select count(*)::int from notifications where kind = 'completed') as told,
              (select count(*)::int from tasks where result_text like 'python did%') as by_python,
              (select count(*)::int from tasks where result_text like 'otto did%') as by_otto`,
        );
        assertEquals([row.ends, row.told], [messages.length, messages.length]);
        assert(row.by_python > 0 && row.by_otto > 0, JSON.stringify(row));
      } finally {
        for (const each of [...workers, ...pythons]) {
          await each[Symbol.asyncDispose]();
        }
      }
    });
  });
}
