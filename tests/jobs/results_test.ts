import { Buffer } from "node:buffer";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { afterEach, beforeEach, it } from "@std/testing/bdd";
import { createClient } from "redis";
import type { Encodable } from "../../lib/arq/pickle/encode.ts";
import { pyError } from "../../lib/arq/pickle/value.ts";
import { encodeResult } from "../../lib/arq/wire.ts";
import { claimByHttp } from "../../lib/jobs/report/report.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { listTaskEvents, readTask, retryTask } from "../../lib/task/task.ts";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";
import { ask, messageOf, takeOnce } from "../queue/contract.ts";
import { describeWith, until } from "../servers/mod.ts";

describeWith({ postgres: true, redis: true }, "the results of an external agent", (servers) => {
  let raw: ReturnType<typeof createClient>;
  beforeEach(async () => {
    await servers.redis.flush();
    raw = createClient({ url: servers.redis.url });
    raw.on("error", () => {});
    await raw.connect();
  });
  afterEach(() => raw.destroy());

  const startOtto = async (): Promise<Otto> =>
    await openOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
      AGENT: "external",
    });
  const collect = ({ services }: Otto) => createWorker(services).collect();
  const theTask = async ({ services }: Otto, id: string) =>
    (await readTask(services.database, id))!;

  async function submit(otto: Otto): Promise<string> {
    await storeMessages(otto.services.database, [messageOf({ body: `{"n":1}` })]);
    await takeOnce(createWorker(otto.services));
    await collect(otto);
    const [{ id }] = await ask<{ id: string }>(otto.services, (sql) => sql`select id from tasks`);
    return id;
  }

  /** What python-arq leaves of a job that has ended. */
  async function end(
    id: string,
    { value, tries = 1, success = true, startedAt = 1, finishedAt = 1 }: {
      value: Encodable;
      tries?: number;
      success?: boolean;
      startedAt?: number;
      finishedAt?: number;
    },
  ) {
    const result = encodeResult({
      tries,
      function: "run_task",
      args: [],
      kwargs: new Map(),
      enqueuedAt: 1,
      success,
      value,
      startedAt,
      finishedAt,
      queue: "arq:interactive",
      id,
    });
    await raw.set(`arq:result:${id}`, Buffer.from(result));
    await raw.del([`arq:job:${id}`, `arq:in-progress:${id}`]);
    await raw.zRem("arq:interactive", id);
  }

  it("of an earlier try than the one that has claimed the task end nothing", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    const claimant = { id, round: 1, worker: "python", jobTry: 2 };
    assertEquals((await claimByHttp(otto.services.database, claimant)).state, "claimed");
    await end(id, { value: "409: task_taken", success: false, tries: 1 });
    await collect(otto);
    assertEquals((await theTask(otto, id)).status, "running");
    await end(id, { value: "done", tries: 2 });
    await collect(otto);
    assertEquals((await theTask(otto, id)).result?.text, "done");
  });

  it("complete the task when their value cannot be shown, and say so", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    const long = "x".repeat(3_000_000);
    await end(id, { value: { text: "looked at it", data: [long, long, long] } });
    await collect(otto);
    const { status, result } = await theTask(otto, id);
    assertEquals([status, result?.data], ["completed", null]);
    assertStringIncludes(result!.text, "looked at it\n\n");
    assertStringIncludes(result!.text, "cannot be shown: The value is larger than");
  });

  it("complete the task when they are too large to be read", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    await end(id, { value: "x".repeat(17 * 1024 * 1024) });
    await collect(otto);
    const { status, result } = await theTask(otto, id);
    assertEquals(status, "completed");
    assertStringIncludes(result!.text, "larger than 16 MiB");
  });

  it("may have a NUL in a key", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    await end(id, { value: { "a\0b": 1 } });
    await collect(otto);
    assertEquals((await theTask(otto, id)).result?.data, { "a\ufffdb": 1 });
  });

  it("are given up when a worker has died of one", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    await end(id, { value: "a poem" });
    // What a process leaves that began to read it, and was killed by it.
    await raw.hSet("otto:jobs:reading", id, `${Date.now()}:another`);
    await collect(otto);
    assertEquals((await theTask(otto, id)).status, "pending", "It may still be at it");
    await raw.hSet("otto:jobs:reading", id, `${Date.now() - 60_000}:another`);
    await collect(otto);
    const { status, result } = await theTask(otto, id);
    assertEquals(status, "completed");
    assert(/cannot be shown: a worker of Otto's died/.test(result!.text), result!.text);
    assertEquals(await raw.exists("otto:jobs:reading"), 0);
  });

  it("of a worker that does not know the function are no end: the task is tried again", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    const error = pyError("arq.worker.JobExecutionFailed", "function 'run_task' not found");
    for (let round = 1; round <= 7; round++) {
      await end(round === 1 ? id : `${id}:${round}`, { value: error, success: false });
      await collect(otto);
      if (round === 7) break;
      assertEquals((await theTask(otto, id)).status, "pending");
      // It ends the round, and after the wait there is another.
      await collect(otto);
      await ask(otto.services, (sql) => sql`update tasks set not_before = now()`);
      await collect(otto);
      assertEquals(await raw.zRange("arq:interactive", 0, -1), [`${id}:${round + 1}`]);
    }
    const { status, error: told } = await theTask(otto, id);
    assertEquals([status, told?.code], ["failed", "function_unknown"]);
    assertStringIncludes(told!.message, "ARQ_FUNCTION");
    // A person tries again: as often as at first.
    await retryTask(otto.services.database, { id, actor: "ada" });
    await collect(otto);
    await collect(otto);
    await end(`${id}:8`, { value: error, success: false });
    await collect(otto);
    assertEquals((await theTask(otto, id)).status, "pending");
  });

  it("of a worker with a serializer of its own say what it is to do without", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    await end(id, { value: "" });
    await raw.set(`arq:result:${id}`, JSON.stringify({ t: 1, s: true, r: "done" }));
    await collect(otto);
    const { status, error } = await theTask(otto, id);
    assertEquals([status, error?.code], ["failed", "result_unreadable"]);
    assertStringIncludes(error!.message, "as ARQ does without a `job_serializer`");
  });

  it("of a worker that cannot read Otto's jobs say what it is to do without", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    const error = pyError("arq.jobs.DeserializationError", "unable to deserialize job");
    await end(id, { value: error, success: false });
    await collect(otto);
    const { message } = (await theTask(otto, id)).error!;
    assertStringIncludes(message, "unable to deserialize job: its worker cannot read Otto's jobs");
  });

  for (
    const [what, error, hint] of [
      ["took too long", pyError("builtins.TimeoutError"), "`job_timeout`"],
      [
        "was begun too often",
        pyError("arq.worker.JobExecutionFailed", "max 5 retries exceeded"),
        "stopped in the middle",
      ],
      [
        "has expired",
        pyError("arq.worker.JobExecutionFailed", "job expired"),
        "`maxmemory-policy`",
      ],
    ] as const
  ) {
    it(`of a job that ${what} say what that means`, async () => {
      await using otto = await startOtto();
      const id = await submit(otto);
      await end(id, { value: error, success: false });
      await collect(otto);
      assertStringIncludes((await theTask(otto, id)).error!.message, hint);
    });
  }

  it("of an aborted job cancel the task", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    await end(id, { value: pyError("asyncio.exceptions.CancelledError"), success: false });
    await collect(otto);
    assertEquals((await theTask(otto, id)).status, "cancelled");
  });

  const DAY = 86_400_000;
  const clocks: [what: string, byMs: number][] = [
    ["a right clock", 0],
    ["a clock a day behind", -DAY],
    ["a clock a day ahead", DAY],
  ];
  for (const [what, byMs] of clocks) {
    it(`tell when the work began and ended, where that can be right: ${what}`, async () => {
      await using otto = await startOtto();
      const id = await submit(otto);
      const createdAt = (await theTask(otto, id)).created_at.getTime();
      await until(() => Date.now() > createdAt + 20, { what: "a moment to pass" });
      const times = [createdAt + 5 + byMs, createdAt + 15 + byMs];
      await end(id, { value: "done", startedAt: times[0], finishedAt: times[1] });
      const before = Date.now();
      await collect(otto);
      const { started_at, finished_at } = await theTask(otto, id);
      const shown = [started_at!, finished_at!].map((at) => at.getTime());
      if (byMs === 0) assertEquals(shown, times);
      else if (byMs < 0) assertEquals(shown, [createdAt, createdAt]);
      else for (const at of shown) assert(at >= before && at <= Date.now(), String(at - before));
      const events = (await listTaskEvents(otto.services.database, id)).slice(-2);
      assertEquals(events.map(({ kind, at }) => [kind, at.getTime()]), [
        ["started", shown[0]],
        ["completed", shown[1]],
      ]);
    });
  }

  it("tell that the work began before it was seen", async () => {
    await using otto = await startOtto();
    const id = await submit(otto);
    const createdAt = (await theTask(otto, id)).created_at.getTime();
    await until(() => Date.now() > createdAt + 20, { what: "a moment to pass" });
    await raw.set(`arq:in-progress:${id}`, "1");
    await collect(otto);
    const seen = (await theTask(otto, id)).started_at!.getTime();
    await end(id, { value: "done", startedAt: createdAt + 5, finishedAt: Date.now() });
    await collect(otto);
    const { started_at, finished_at } = await theTask(otto, id);
    assertEquals(started_at!.getTime(), createdAt + 5);
    assert(finished_at!.getTime() >= seen);
  });
});
