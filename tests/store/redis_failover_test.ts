import { assert, assertEquals, assertRejects } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { createClient } from "redis";
import { createLog } from "../../lib/process/log.ts";
import { openRedis, type Redis } from "../../lib/store/redis.ts";
import { redisTrouble, redisTroubleText } from "../../lib/store/redis_away.ts";
import { isStoreAway } from "../../lib/store/store_away.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { work } from "../../lib/work/work.ts";
import { slowAgent } from "../jobs/contract.ts";
import { openOtto } from "../otto.ts";
import { messageOf } from "../queue/contract.ts";
import {
  describeWith,
  openRelay,
  type RedisServer,
  type Relay,
  startRedis,
  until,
} from "../servers/mod.ts";

/** Within this time of the new master being there, everything goes on. */
const FAILOVER_MS = 5_000;
const START_MS = 20_000;

describe("what Redis says of itself", () => {
  const said: [text: string, trouble: ReturnType<typeof redisTrouble>][] = [
    ["READONLY You can't write against a read only replica.", "leave"],
    [
      "READONLY You can't write against a read only replica. script: 1ab2, on @user_script:1.",
      "leave",
    ],
    // Redis 6 puts the reason of a script's end into the middle.
    [
      "ERR Error running script (call to f_1ab2): @user_script:1: @user_script: 1: -READONLY You " +
      "can't write against a read only replica.",
      "leave",
    ],
    [
      "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      "leave",
    ],
    ["LOADING Redis is loading the dataset in memory", "leave"],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "leave"],
    ["NOREPLICAS Not enough good replicas to write.", "leave"],
    ["CLUSTERDOWN The cluster is down", "leave"],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "wait"],
    [
      "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
      "wait",
    ],
    ["OOM command not allowed when used memory > 'maxmemory'.", "full"],
    ["MISCONF Errors writing to the AOF file: No space left on device", "full"],
    // What is wrong with the command, the rights or the setup does not pass by itself.
    ["BUSYGROUP Consumer Group name already exists", undefined],
    ["NOGROUP No such key 'otto:inbox' or consumer group 'workers'", undefined],
    ["NOPERM this user has no permissions to run the 'xadd' command", undefined],
    ["WRONGPASS invalid username-password pair or user is disabled.", undefined],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", undefined],
    ["MOVED 3999 127.0.0.1:6381", undefined],
    ["ERR unknown command 'READONLY '", undefined],
  ];
  for (const [text, trouble] of said) {
    it(`${trouble ?? "nothing of the kind"}: ${text.slice(0, 60)}`, () => {
      const error = new Error(text);
      assertEquals(redisTrouble(error), trouble);
      assertEquals(isStoreAway(error), trouble !== undefined);
      assertEquals(redisTroubleText(error) !== undefined, trouble !== undefined);
      // In a transaction it stands among the replies.
      const several = Object.assign(new Error("1 commands failed"), { replies: ["OK", error] });
      assertEquals(redisTrouble(several), trouble);
    });
  }
});

describeWith({ postgres: true, redis: "durable" }, "a fail-over of Redis", (servers) => {
  let second: RedisServer;
  let relay: Relay;
  let url: string;
  beforeAll(async () => {
    second = (await startRedis({ durable: true }))!;
  });
  afterAll(async () => await second?.stop());
  beforeEach(async () => {
    for (const { url } of [servers.redis, second]) await tell(url, "REPLICAOF", "NO", "ONE");
    await servers.redis.flush();
    relay = await openRelay(portOf(servers.redis.url));
    url = `redis://127.0.0.1:${relay.port}`;
  });

  /** The second becomes the master and the first its replica; who is connected stays with the first. */
  async function failOver(): Promise<void> {
    await tell(second.url, "REPLICAOF", "127.0.0.1", String(portOf(servers.redis.url)));
    await until(async () => (await tell(second.url, "ROLE") as unknown[])[3] === "connected", {
      what: "the replica to be in sync",
      timeoutMs: START_MS,
    });
    await tell(second.url, "REPLICAOF", "NO", "ONE");
    await tell(servers.redis.url, "REPLICAOF", "127.0.0.1", String(portOf(second.url)));
    relay.leadTo(portOf(second.url));
  }

  async function openClient(): Promise<Redis> {
    const redis = openRedis(url, createLog("silent"));
    await until(() => redis.run("ping", (client) => client.ping()), { what: "Redis to answer" });
    return redis;
  }

  it("is not noticed by whoever writes next", async () => {
    await using _relay = relay;
    await using redis = await openClient();
    await failOver();
    const commands = Array.from(
      { length: 50 },
      (_, n) => redis.run("write", (client) => client.multi().incr("n").set(`k${n}`, n).exec()),
    );
    await Promise.all(commands);
    assertEquals(await tell(second.url, "GET", "n"), "50");
  });

  it("ends a blocking read on the node that is left", async () => {
    await using _relay = relay;
    await using redis = await openClient();
    await using other = await openClient();
    // The first server closes the connection after it has said so, and both may be heard first.
    const waiting = until(
      () => redis.run("wait", (client) => client.blPop("list", 0), 30_000),
      { what: "something to come", timeoutMs: 30_000 },
    );
    await failOver();
    await other.run("push", (client) => client.rPush("list", "it"));
    assertEquals((await waiting).element, "it");
  });

  it("is waited for where the address still leads to the old master", async () => {
    await using _relay = relay;
    await using redis = await openClient();
    await failOver();
    relay.leadTo(portOf(servers.redis.url));
    const write = () => redis.run("write", (client) => client.set("k", "v"));
    for (let n = 0; n < 5; n++) await assertRejects(write, Error, "READONLY");
    relay.leadTo(portOf(second.url));
    assertEquals(
      await until(write, { what: "the new master", timeoutMs: FAILOVER_MS }),
      "OK",
    );
  });

  it("stops neither jobs nor news nor the spill, and fails no task that runs", async () => {
    await using _relay = relay;
    const { agent, runs } = slowAgent();
    const stop = new AbortController();
    await using otto = await openOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: url,
    }, { agent });
    const { database, spill, queue } = otto.services;
    await until(async () => await spill!.depth() !== undefined, { what: "Redis to answer" });
    const working = work(otto.services, stop.signal);
    try {
      await otto.send("test", `{"n":1}`);
      await until(() => runs.length === 1, { what: "a task to run", timeoutMs: START_MS });
      // Let the agent's heartbeat, the collector and everybody else connect to the first.
      await failOver();

      await otto.send("test", `{"n":2}`);
      const spilled = messageOf({ body: `{"n":3}` });
      await spill!.put(spilled);
      await until(() => runs.length === 3, {
        what: "tasks by the queue and by the spill to run",
        timeoutMs: FAILOVER_MS,
      });
      assert(runs.every(({ signal }) => !signal.aborted));
      for (const { end } of runs) end("done");
      await until(async () => {
        const tasks = (await searchTasks(database, {}, 10)).items;
        assertEquals(tasks.map(({ status }) => status), ["completed", "completed", "completed"]);
        return true;
      }, { what: "all tasks to be completed", timeoutMs: START_MS });
      assertEquals(runs.length, 3);
      // All of it is on the new master.
      queue.send(["0190a000-0000-7000-8000-000000000000"]);
      await until(async () => await tell(second.url, "XLEN", "otto:spill") === 0, {
        what: "the spill of the new master to be empty",
        timeoutMs: FAILOVER_MS,
      });
    } finally {
      stop.abort();
      await working;
    }
  });

  it("and back: a node that was a replica for a while is used again", async () => {
    await using _relay = relay;
    await using redis = await openClient();
    const write = () => redis.run("write", (client) => client.set("k", "v"));
    // Nobody listens on port 1: a master that is away.
    await tell(servers.redis.url, "REPLICAOF", "127.0.0.1", "1");
    await assertRejects(write, Error, "READONLY");
    await tell(servers.redis.url, "REPLICAOF", "NO", "ONE");
    assertEquals(await until(write, { what: "the master", timeoutMs: FAILOVER_MS }), "OK");
  });
});

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Sends one command to a server itself. */
async function tell(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on("error", () => {});
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
