import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { afterAll, beforeAll, beforeEach, it } from "@std/testing/bdd";
import { createClient } from "redis";
import { claimJob, extendClaim, findDue, finishJob, releaseJob } from "../../lib/arq/claim.ts";
import { createHealthReader, removeHealth, writeHealth } from "../../lib/arq/health.ts";
import { inspectJobs, readResult, removeJob } from "../../lib/arq/inspect_job.ts";
import { PickleError } from "../../lib/arq/pickle/value.ts";
import { enqueueJob } from "../../lib/arq/producer.ts";
import { decodeResult, WireError } from "../../lib/arq/wire.ts";
import { answerJob, takeJob } from "../../lib/arq/worker.ts";
import { createLog } from "../../lib/process/log.ts";
import { asBytes, openRedis, type Redis } from "../../lib/store/redis.ts";
import { describeWith, until } from "../servers/mod.ts";
import { fromHex, readVectors } from "./vectors.ts";

const QUEUE = "arq:interactive";
const lease = { queue: QUEUE, leaseMs: 8_000 };

describeWith({ postgres: true, redis: true }, "ARQ in Redis", (servers) => {
  let redis: Redis;
  let raw: ReturnType<typeof createClient>;
  beforeAll(async () => {
    redis = openRedis(servers.redis.url, createLog("silent"));
    raw = createClient({ url: servers.redis.url });
    raw.on("error", () => {});
    await raw.connect();
    await until(() => redis.run("connect", (client) => client.ping()), {
      what: "the connection",
    });
  });
  afterAll(async () => {
    raw.destroy();
    await redis[Symbol.asyncDispose]();
  });
  beforeEach(() => servers.redis.flush());

  const enqueue = (id: string, more = {}) =>
    enqueueJob(redis, {
      queue: QUEUE,
      id,
      function: "run_task",
      args: [id],
      ...more,
    });

  it("writes a job as python-arq does", async () => {
    const before = Date.now();
    assert(await enqueue("one", { expiresMs: 60_000 }));
    assertEquals(await enqueue("one"), false, "It was there already");
    const score = await raw.zScore(QUEUE, "one");
    assert(score! >= before && score! <= Date.now());
    const left = await raw.pTTL("arq:job:one");
    assert(left > 0 && left <= 60_000);
    // The bytes of the vector, but for the time in them.
    const vector = readVectors().find(({ name }) => name === "job-run_task")!;
    const bytes = await raw.withTypeMapping(asBytes).get(
      "arq:job:one",
    ) as unknown as Uint8Array;
    const like = fromHex(
      vector.pickle_hex.replace("8c02343294", "8c036f6e6594"),
    );
    assertEquals([...bytes.slice(11, 50)], [...like.slice(11, 50)]);
  });

  it("writes no job that would harm Python's workers", async () => {
    await assertRejects(() => enqueue("x", { function: "" }), WireError);
    await assertRejects(() => enqueue("x", { expiresMs: 0 }), WireError);
    await assertRejects(() => enqueue("x", { dueAt: 0 }), WireError);
    await assertRejects(() => enqueue("x", { firstTry: 1.5 }), WireError);
    await assertRejects(() => enqueue("x", { args: ["\ud800"] }), PickleError);
    await assertRejects(() => enqueue("\ud800"), WireError);
    assertEquals(await raw.keys("*"), []);
  });

  it("takes no id again whose result is kept, and forgets that it was aborted", async () => {
    await raw.set("arq:result:kept", "x");
    assertEquals(await enqueue("kept"), false);
    await raw.zAdd("arq:abort", { value: "fresh", score: 1 });
    assert(await enqueue("fresh"));
    assertEquals(await raw.zCard("arq:abort"), 0);
  });

  it("lets one claim a job, and only its owner renew, release and finish it", async () => {
    await enqueue("one");
    const [first, second] = await Promise.all(
      ["a", "b"].map((token) => claimJob(redis, { ...lease, id: "one", token })),
    );
    const claim = (first ?? second)!;
    assertEquals([first, second].filter(Boolean).length, 1);
    assertEquals(await raw.get("arq:in-progress:one"), claim.token);
    const thief = { ...claim, token: "thief" };
    const end = { result: new Uint8Array([1]), keepMs: 1_000 };
    assertEquals(await finishJob(redis, thief, end), false);
    assertEquals(await releaseJob(redis, thief), false);
    assertEquals(
      await extendClaim(redis, thief, { leaseMs: 1, expiresMs: 1 }),
      "lost",
    );
    assertEquals(
      await extendClaim(redis, claim, { leaseMs: 9_000, expiresMs: 1 }),
      "held",
    );
    assert(await raw.pTTL("arq:in-progress:one") > 8_000);
    assert(await releaseJob(redis, claim));
    const again = await claimJob(redis, { ...lease, id: "one", token: "c" });
    assertEquals(again!.tries, 2);
    assert(await finishJob(redis, again!, end));
    assertEquals((await raw.keys("*")).sort(), ["arq:result:one"]);
  });

  it("puts a job back that Redis has forgotten while its owner lives", async () => {
    await enqueue("one");
    const claim = (await claimJob(redis, { ...lease, id: "one", token: "a" }))!;
    await servers.redis.flush();
    assertEquals(
      await extendClaim(redis, claim, { leaseMs: 8_000, expiresMs: 60_000 }),
      "held",
    );
    assertEquals((await raw.keys("*")).sort(), [
      "arq:in-progress:one",
      QUEUE,
      "arq:job:one",
    ]);
    // But not one that has ended meanwhile.
    await servers.redis.flush();
    await raw.set("arq:result:one", "x");
    assertEquals(
      await extendClaim(redis, claim, { leaseMs: 8_000, expiresMs: 60_000 }),
      "lost",
    );
  });

  it("hears that a job is to be aborted", async () => {
    await enqueue("one");
    const claim = (await claimJob(redis, { ...lease, id: "one", token: "a" }))!;
    await raw.zAdd("arq:abort", { value: "one", score: Date.now() });
    assertEquals(
      await extendClaim(redis, claim, { leaseMs: 8_000, expiresMs: 1 }),
      "aborted",
    );
    assertEquals(await raw.zCard("arq:abort"), 0);
  });

  it("finds those of its jobs that are due and in nobody's hands", async () => {
    await enqueue("ours");
    await enqueue("taken");
    await raw.set("arq:in-progress:taken", "1");
    await enqueue("later", { dueAt: Date.now() + 60_000 });
    assertEquals(await findDue(redis, QUEUE, ["ours", "taken", "later", "gone"]), ["ours"]);
  });

  it("answers a job that has expired or holds more than plain data, as Python would", async () => {
    await raw.zAdd(QUEUE, { value: "expired", score: 1 });
    const hostile = readVectors().find(({ name }) => name === "job-decimal")!;
    await raw.zAdd(QUEUE, { value: "objects", score: 2 });
    await raw.set(
      "arq:job:objects",
      Buffer.from(fromHex(hostile.pickle_hex)),
    );
    await raw.zAdd(QUEUE, { value: "list", score: 3 });
    await raw.lPush("arq:job:list", "x");
    await raw.lPush("arq:retry:list", "x");
    const ids = ["expired", "objects", "list"];
    assertEquals(await findDue(redis, QUEUE, ids), ids);
    for (const id of ids) {
      assertEquals(
        await takeJob(redis, { ...lease, id, token: "a" }),
        undefined,
      );
    }
    const inspections = await inspectJobs(redis, QUEUE, [...ids, "nothing"]);
    assertEquals(inspections.map(({ state }) => state), ["ended", "ended", "ended", "gone"]);
    const texts = await Promise.all(
      ids.map(async (id) =>
        JSON.stringify(decodeResult((await readResult(redis, { id, reader: "test" }))!.bytes).value)
      ),
    );
    assert(
      texts[0].includes("job expired") &&
        texts[0].includes("JobExecutionFailed"),
      texts[0],
    );
    assert(texts[1].includes("unable to deserialize job"), texts[1]);
    assert(texts[2].includes("job expired"), texts[2]);
  });

  it("removes a waiting job, and asks whoever works on one to stop", async () => {
    await enqueue("waiting");
    assert(await removeJob(redis, QUEUE, "waiting"));
    assertEquals(await raw.keys("*"), []);
    await enqueue("running");
    const taken = (await takeJob(redis, { ...lease, id: "running", token: "a" }))!;
    assertEquals(await removeJob(redis, QUEUE, "running"), false);
    assertEquals(await raw.zRange("arq:abort", 0, -1), ["running"]);
    assert(await answerJob(redis, taken, { value: "done" }));
    assertEquals((await raw.keys("*")).sort(), ["arq:result:running"]);
  });

  it("finds every worker in a busy Redis", async () => {
    // A search meets far more keys than it may look at in one go.
    await raw.eval(
      "for n = 1, tonumber(ARGV[1]) do redis.call('SET', 'else:' .. n, '') end",
      { arguments: ["60000"] },
    );
    const counts = { complete: 1, failed: 2, ongoing: 3 };
    for (const worker of ["a", "b", "c"]) {
      await writeHealth(redis, { queue: QUEUE, worker, counts, forMs: 60_000 });
    }
    assert(await raw.exists(`${QUEUE}:health-check`), "arq --check finds no worker");
    const python = "Nov-23 21:07:03 j_complete=4 j_failed=0 j_retried=0 j_ongoing=1 queued=2";
    await raw.set(`${QUEUE}:health-check`, python);
    await raw.set(`${QUEUE}:health-check:host-1`, python);
    const reader = createHealthReader(redis, QUEUE);
    const first = (await reader.read()).map(({ key }) => key.replace(`${QUEUE}:health-check`, ""));
    assertEquals(first.filter((key) => key !== ":host-1"), ["", ":a", ":b", ":c"]);
    let all = first;
    for (let n = 0; n < 10 && all.length < 5; n++) {
      all = (await reader.read()).map(({ key }) => key.replace(`${QUEUE}:health-check`, ""));
    }
    assertEquals(all, ["", ":a", ":b", ":c", ":host-1"]);
    assertEquals(await reader.findForeign(), true);
    await raw.del([`${QUEUE}:health-check`, `${QUEUE}:health-check:host-1`]);
    await removeHealth(redis, QUEUE, "a");
    assertEquals((await reader.read()).map(({ complete }) => complete), [1, 1]);
    assertEquals(await reader.findForeign(), false);
  });

  it("answers a job with a text that cannot be written back", async () => {
    // What `pickle.dumps` writes for "\ud800", with surrogatepass: ed a0 80.
    const bytes = fromHex(
      "80047d288c0174" + "4e" + "8c0166" + "8c0872756e5f7461736b" + "8c0161" + "8c03eda08085" +
        "8c016b" + "7d" + "8c026574" + "4b01" + "752e",
    );
    await raw.set("arq:job:one", Buffer.from(bytes));
    await raw.zAdd(QUEUE, { value: "one", score: 1 });
    const taken = (await takeJob(redis, { ...lease, id: "one", token: "a" }))!;
    assertEquals(taken.job.args, ["\ud800"]);
    assert(await answerJob(redis, taken, { value: "done" }));
    assertEquals((await raw.keys("*")).sort(), ["arq:result:one"]);
    await assertRejects(() => answerJob(redis, taken, { value: "\ud800" }), PickleError);
  });
});
