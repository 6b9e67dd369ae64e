import { assertEquals, assertStringIncludes, fail } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { createClient } from "redis";
import { serve } from "../../lib/process/serve.ts";
import { work } from "../../lib/work/work.ts";
import { describeWith, freePort, ROOT, until } from "../servers/mod.ts";
import { findWorkerPython, type Python, startPython } from "../servers/python.ts";
import {
  type Any,
  checked,
  closed,
  opened,
  openSubjectStage,
  type SubjectStage,
} from "../subjects/stage.ts";

const found = findWorkerPython();

/** The worker of docs/python-worker.md that goes on, as it stands there. */
async function readExample(): Promise<string> {
  const page = await readFile(join(ROOT, "docs/python-worker.md"), "utf8");
  const blocks = [...page.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code]) => code);
  return blocks.find((code) => code.includes('"continues": True'))!;
}

const NAME = "the Python worker that goes on";
if (!found && env.OTTO_TEST_REQUIRE_SERVERS === "1") {
  describe(
    NAME,
    () => it("has what it needs", () => fail("no python3 (`apt-get install python3`)")),
  );
} else if (!found) {
  console.warn(`Skipped ${NAME}: needs python3 (\`apt-get install python3\`)`);
  describe.skip(NAME, () => {});
} else {
  describeWith({ postgres: true, redis: true }, NAME, (servers) => {
    /**
     * Otto on a port, working, and the page's worker; `before` sees each of its requests, and may
     * answer instead, also when it has had Otto `answer`.
     */
    async function withWorker(
      run: (stage: SubjectStage, start: () => Python) => Promise<void>,
      before: (
        stage: SubjectStage,
        path: string,
        answer: () => Promise<Response>,
      ) => Promise<Response | void> = () => Promise.resolve(),
    ) {
      await servers.redis.flush();
      const port = await freePort();
      await using stage = await openSubjectStage({
        rules: { github: { later: "continue" } },
        env: {
          DATABASE_URL: await servers.postgres.createDatabase(),
          REDIS_URL: servers.redis.url,
          AGENT: "external",
          PORT: String(port),
        },
      });
      const server = await serve({
        port,
        host: "127.0.0.1",
        answer: async (request, connection) => {
          const answer = async () => await stage.otto.app.fetch(request, connection);
          return await before(stage, new URL(request.url).pathname, answer) ?? await answer();
        },
      });
      const folder = await mkdtemp(join(tmpdir(), "otto-python-"));
      await writeFile(join(folder, "worker.py"), await readExample());
      const workers: Python[] = [];
      const stop = new AbortController();
      const working = work(stage.otto.services, stop.signal);
      try {
        await run(stage, () => {
          const worker = startPython(found!.python, ["-m", "arq", "worker.WorkerSettings"], {
            cwd: folder,
            vars: { ...found!.vars, REDIS_URL: servers.redis.url },
          });
          workers.push(worker);
          return worker;
        }).catch((error) => {
          const said = workers.flatMap(({ lines }) => lines).join("\n");
          throw new Error(`${error.message}\n${said}`, { cause: error });
        });
      } finally {
        for (const worker of workers) await worker[Symbol.asyncDispose]();
        stop.abort();
        await working;
        await server.close();
        await rm(folder, { recursive: true });
      }
    }

    /** The only task, once it is there and has this status. */
    const taskThat = (stage: SubjectStage, status: string) =>
      until(async () => {
        const { items: [task] } = await stage.get("/api/tasks");
        return task?.status === status && await stage.get(`/api/tasks/${task.id}`);
      }, { what: `the task to be ${status}`, timeoutMs: 30_000 });
    const kindsOf = ({ events }: Any) => events.map(({ kind }: Any) => kind);

    it("waits for a check, and says in its next job how it ended", () =>
      withWorker(async (stage, start) => {
        start();
        await stage.send("pull_request", opened());
        const parked = await taskThat(stage, "waiting_event");
        assertEquals(parked.waiting_for.events, ["check_suite.*"]);
        await stage.send("check_suite", checked("success"));
        const { database } = stage.otto.services;
        await until(async () => {
          // Instead of waiting for ten seconds of quiet.
          const rows = await database.query(
            "let time pass",
            (sql) => sql`update tasks set wake_at = now() where wake_at is not null returning id`,
          );
          return rows.length > 0;
        }, { what: "the check to wake the task", timeoutMs: 30_000 });
        const task = await taskThat(stage, "completed");
        assertEquals(task.result.text, "The checks have ended: success");
        assertEquals(kindsOf(task).filter((kind: string) => kind === "claimed").length, 2);
      }));

    it("reads what comes while it works, and ends with that", () => {
      let sent = false;
      return withWorker(async (stage, start) => {
        start();
        await stage.send("pull_request", opened());
        const task = await taskThat(stage, "completed");
        assertEquals(task.result.text, "The checks have ended: failure");
        assertEquals(kindsOf(task).filter((kind: string) => kind === "claimed").length, 1);
        assertEquals((await stage.get("/api/tasks")).items.length, 1);
      }, async (stage, path) => {
        if (sent || !path.endsWith("/result")) return;
        sent = true;
        const id = await stage.send("check_suite", checked("failure"));
        await until(async () => (await stage.message(id)).task_id !== null, {
          what: "the check to join the task",
        });
      });
    });

    it("reads again what it had read when it was killed", () => {
      let worker: Python | undefined;
      return withWorker(async (stage, start) => {
        await stage.send("pull_request", opened());
        const check = await stage.send("check_suite", checked("success"));
        await until(async () => (await stage.message(check)).task_id !== null, {
          what: "the check to join the task",
        });
        worker = start();
        const running = await taskThat(stage, "running");
        await until(() => worker === undefined, { what: "the worker to be killed" });
        // Long after, its lease in Redis has run out.
        const redis = createClient({ url: servers.redis.url });
        await redis.connect();
        await redis.del(`arq:in-progress:${running.id}`);
        redis.destroy();
        start();
        const task = await taskThat(stage, "completed");
        assertEquals(task.result.text, "The checks have ended: success");
        const kinds = kindsOf(task).filter((kind: string) => /claimed|messages_read/.test(kind));
        assertEquals(kinds, ["claimed", "messages_read", "claimed", "messages_read"]);
      }, async (_, path) => {
        if (!worker || !path.endsWith("/result")) return;
        await worker.kill("SIGKILL");
        worker = undefined;
        return new Response(null, { status: 503 });
      });
    });

    it("sends again what Otto has not answered, and may have done", () => {
      const lost = new Set<string>();
      return withWorker(async (stage, start) => {
        await stage.send("pull_request", opened());
        const check = await stage.send("check_suite", checked("success"));
        await until(async () => (await stage.message(check)).task_id !== null, {
          what: "the check to join the task",
        });
        start();
        const task = await taskThat(stage, "completed");
        assertEquals(task.result.text, "The checks have ended: success");
        assertEquals([...lost].map((path) => path.split("/").at(-1)), ["claim", "result"]);
        assertEquals(kindsOf(task).filter((kind: string) => kind === "completed").length, 1);
      }, async (_, path, answer) => {
        if (lost.has(path)) return;
        lost.add(path);
        await answer();
        return new Response(null, { status: 502 });
      });
    });

    it("ends its task when the pull request is closed", () =>
      withWorker(async (stage, start) => {
        start();
        await stage.send("pull_request", opened());
        await taskThat(stage, "waiting_event");
        await stage.send("pull_request", closed());
        const task = await taskThat(stage, "completed");
        assertStringIncludes(task.result.text, "It is over: ");
      }));
  });
}
