import { assert, assertEquals, assertRejects } from "@std/assert";
import { beforeEach, it } from "@std/testing/bdd";
import { readConfig } from "../../lib/config/config.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { createLog } from "../../lib/process/log.ts";
import { openServices } from "../../lib/services.ts";
import { openRedis, type RedisClient } from "../../lib/store/redis.ts";
import { OWNER_KEY } from "../../lib/store/redis_owner.ts";
import { createWorker } from "../../lib/work/work.ts";
import { messageOf } from "../queue/contract.ts";
import { describeWith, until } from "../servers/mod.ts";

describeWith({ postgres: "own", redis: "durable" }, "one Redis of two Ottos", (servers) => {
  let env: Record<string, string>;
  let otherEnv: Record<string, string>;
  beforeEach(async () => {
    await servers.redis.flush();
    const REDIS_URL = servers.redis.url;
    env = { DATABASE_URL: await servers.postgres.createDatabase(), REDIS_URL };
    otherEnv = { DATABASE_URL: await servers.postgres.createDatabase(), REDIS_URL };
  });

  /** The services of one process, which has asked whose its Redis is. */
  async function open(env: Record<string, string>, { reached = true } = {}) {
    const stop = new AbortController();
    const config = readConfig({ LOG_LEVEL: "silent", ...env });
    const services = await openServices(config, createLog("silent"), stop.signal);
    if (reached) {
      await until(async () => services.redisOwner!.database && await services.redisOwner!.look(), {
        what: "the identity",
      });
    } else await until(() => services.spill!.depth(), { what: "Redis" });
    return {
      ...services,
      move: () => createWorker(services).moveSpill(),
      left: async () => (await services.spill!.depth())!.messages,
      redisCheck: async () =>
        (await checkHealth(services)).checks.find(({ name }) => name === "redis"),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await services[Symbol.asyncDispose]();
      },
    };
  }
  async function inRedis<T>(ask: (client: RedisClient) => Promise<T>): Promise<T> {
    await using redis = openRedis(servers.redis.url, createLog("silent"));
    await until(() => redis.run("connect", (client) => client.ping()), { what: "Redis" });
    return await redis.run("look", ask);
  }

  it("is the first one's: the other neither spills nor moves, and its health says so", async () => {
    await using first = await open(env);
    await using other = await open(otherEnv);
    await first.spill!.put(messageOf());
    await assertRejects(() => other.spill!.put(messageOf()), Error, "another Otto's");
    assertEquals(await other.move(), 0);
    assertEquals(await first.left(), 1);
    assertEquals(await first.redisCheck(), undefined);
    const check = (await other.redisCheck())!;
    assertEquals(check.status, "degraded");
    assert(check.hint!.includes("redis://host:6379/1") && check.hint!.includes(OWNER_KEY));
    assertEquals(await first.move(), 1);
    assertEquals(await first.left(), 0);
  });

  it("may be taken over, and what was spilled before goes into no other database", async () => {
    {
      await using first = await open(env);
      await first.spill!.put(messageOf({ body: "theirs" }));
    }
    await using other = await open(otherEnv);
    assertEquals(await other.redisOwner!.look(), "another");
    await inRedis((client) => client.del(OWNER_KEY));
    assertEquals(await other.redisOwner!.look(), "ours");
    await other.spill!.put(messageOf());
    await until(async () => {
      await other.move();
      return await other.left() === 0;
    }, { what: "the spill to be empty" });
    const aside = await inRedis((client) => client.xRange("otto:spill:refused", "-", "+"));
    assertEquals(aside?.map(({ message }) => message.body), ["theirs"]);
    assertEquals(await other.spill!.depth(), { messages: 0, bytes: 0 });
    const [{ n }] = await other.database.query(
      "count",
      (sql) => sql<{ n: number }[]>`select count(*)::int as n from messages`,
    );
    assertEquals(n, 1);
  });

  it("is the other's when the first one is gone and has left nothing in it", async () => {
    const beGone = () => inRedis((client) => client.hSet(OWNER_KEY, "seen", Date.now() - 60_000));
    {
      await using first = await open(env);
      await first.spill!.put(messageOf());
    }
    await beGone();
    await using other = await open(otherEnv);
    assertEquals(await other.redisOwner!.look(), "another");
    {
      await using first = await open(env);
      assertEquals(await first.move(), 1);
      assertEquals(await other.redisOwner!.look(), "another");
    }
    await beGone();
    assertEquals(await other.redisOwner!.look(), "ours");
    await using first = await open(env);
    assertEquals(await first.redisOwner!.look(), "another");
  });

  it("is known by a process that starts while its own database is away", async () => {
    {
      await using _first = await open(env);
    }
    await servers.postgres.kill();
    await using first = await open(env, { reached: false });
    await using other = await open(otherEnv, { reached: false });
    await first.spill!.put(messageOf());
    await assertRejects(() => other.spill!.put(messageOf()), Error, "may be another Otto's");
    await servers.postgres.restart();
    await Promise.all([first.ready, other.ready]);
    await until(async () => await other.redisOwner!.look() === "another", { what: "its identity" });
    assertEquals(await other.move(), 0);
    assertEquals(await first.move(), 1);
  });
});
