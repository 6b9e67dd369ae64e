import { assert, assertEquals } from "@std/assert";
import { afterEach, beforeEach, it } from "@std/testing/bdd";
import { createClient } from "redis";
import { enqueueJob } from "../../lib/arq/producer.ts";
import { checkStores } from "../../lib/monitor/checkup.ts";
import { createLog } from "../../lib/process/log.ts";
import { newId } from "../../lib/store/id.ts";
import { openRedis } from "../../lib/store/redis.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";

const QUEUE = "arq:interactive";

describeWith({ postgres: true, redis: true }, "a Redis that others use, too", (servers) => {
  let raw: ReturnType<typeof createClient>;
  beforeEach(async () => {
    await servers.redis.flush();
    raw = createClient({ url: servers.redis.url });
    raw.on("error", () => {});
    await raw.connect();
  });
  afterEach(() => raw.destroy());

  const startOtto = async (agent: string): Promise<Otto> =>
    await openOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
      AGENT: agent,
    });
  /** A message whose task's job is in the queue. */
  async function submit(otto: Otto, title: string): Promise<string> {
    const id = await otto.send("test", JSON.stringify({ title }));
    const worker = createWorker(otto.services);
    await worker.takeMessages(0, new AbortController().signal);
    const before = await raw.zCard(QUEUE);
    await until(async () => {
      await worker.collect();
      return await raw.zCard(QUEUE) > before;
    }, { what: "the job" });
    return id;
  }
  async function workTasks({ services }: Otto): Promise<number> {
    const worker = createWorker(services);
    const started = await worker.runTasks(new AbortController().signal);
    await worker.idle();
    return started;
  }
  const statuses = async ({ services }: Otto) =>
    (await searchTasks(services.database, {}, 10)).items.map(({ status }) => status);

  it("keeps the jobs of Python programs and of another Otto for those", async () => {
    await using one = await startOtto("builtin");
    await using other = await startOtto("builtin");
    await submit(one, "mine");
    await submit(other, "of the other");
    await using redis = openRedis(servers.redis.url, createLog("silent"));
    await until(() => redis.run("connect", (client) => client.ping()), { what: "the connection" });
    const foreign = ["report-7", newId(), `${newId()}:2`];
    for (const id of foreign) {
      await enqueueJob(redis, { queue: QUEUE, id, function: "run_task", args: [id] });
    }
    assertEquals(await workTasks(one), 1);
    assertEquals([await statuses(one), await statuses(other)], [["completed"], ["pending"]]);
    assertEquals(await workTasks(other), 1);
    assertEquals(await statuses(other), ["completed"]);
    assertEquals((await raw.zRange(QUEUE, 0, -1)).sort(), foreign.sort());
    for (const id of foreign) assertEquals(await raw.exists(`arq:result:${id}`), 0);
  });

  it("hides no task behind thousands of others' jobs, nor behind a key of a wrong type", async () => {
    await using otto = await startOtto("builtin");
    await raw.eval(
      "for n = 1, 5200 do redis.call('ZADD', KEYS[1], n, 'other:' .. n) end " +
        "redis.call('LPUSH', 'arq:job:other:1', 'x')",
      { keys: [QUEUE] },
    );
    await submit(otto, "mine");
    assertEquals(await workTasks(otto), 1);
    assertEquals(await statuses(otto), ["completed"]);
  });

  it("loses the job of a message that was deleted, or has it aborted", async () => {
    await using otto = await startOtto("external");
    const waiting = await submit(otto, "waiting");
    const running = await submit(otto, "running");
    const jobOf = async (message: string) =>
      (await otto.get(`/api/messages/${message}`)).task_id as string;
    const ids = { waiting: await jobOf(waiting), running: await jobOf(running) };
    await raw.set(`arq:in-progress:${ids.running}`, "1");
    for (const message of [waiting, running]) {
      const { ok } = await otto.ask(`/api/messages/${message}`, { method: "DELETE" });
      assert(ok);
    }
    await createWorker(otto.services).collect();
    assertEquals(await raw.zRange(QUEUE, 0, -1), [ids.running]);
    assertEquals(await raw.exists(`arq:job:${ids.waiting}`), 0);
    assertEquals(await raw.zRange("arq:abort", 0, -1), [ids.running]);
    // Its worker died before it heard of that: nobody may start it again.
    await raw.del(`arq:in-progress:${ids.running}`);
    await createWorker(otto.services).collect();
    assertEquals(await raw.zRange(QUEUE, 0, -1), []);
    assertEquals(await raw.zRange("arq:abort", 0, -1), []);
  });

  it("is no trouble to the doctor until others put jobs into the queue, or it is another Otto's", async () => {
    await using otto = await startOtto("external");
    await submit(otto, "mine");
    const look = async ({ services }: Otto) =>
      (await checkStores(services.config, createLog("silent"))).slice(2)
        .map(({ name, status, detail }) => [name, status, detail]);
    await until(async () => await otto.services.redisOwner!.look() === "ours", {
      what: "its Redis",
    });
    assertEquals(await look(otto), []);

    await using redis = openRedis(servers.redis.url, createLog("silent"));
    await until(() => redis.run("connect", (client) => client.ping()), { what: "the connection" });
    for (const id of ["report-7", newId()]) {
      await enqueueJob(redis, { queue: QUEUE, id, function: "send_report", args: [id] });
    }
    await raw.zAdd(QUEUE, { value: "odd", score: 1 });
    await raw.lPush("arq:job:odd", "x");
    assertEquals(await look(otto), [[
      "job queue",
      "degraded",
      `3 of 4 jobs in ${QUEUE} are for no task of this Otto ("send_report")`,
    ]]);

    await using other = await startOtto("external");
    await until(async () => await other.services.redisOwner!.look() === "another", {
      what: "its identity",
    });
    const { host, pathname } = new URL(otto.services.config.databaseUrl!);
    const [owner, mixed] = await look(other);
    assertEquals(owner, [
      "Redis",
      "degraded",
      `is another Otto's, whose database is ${host}${pathname}`,
    ]);
    assertEquals(mixed.slice(0, 2), ["job queue", "degraded"]);
    assert(mixed[2].startsWith("4 of 4 jobs"));
  });
});
