import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { beforeEach, it } from "@std/testing/bdd";
import { createClient } from "redis";
import { readConfig } from "../../lib/config/config.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { InboxClosedError } from "../../lib/message/inbox.ts";
import type { NewMessage, Receipt } from "../../lib/message/new_message.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { openSpill, type Spill } from "../../lib/message/spill/spill.ts";
import type { Spilled } from "../../lib/message/spill/spill_claims.ts";
import { createSpillMover } from "../../lib/message/spill/spill_mover.ts";
import { createLog } from "../../lib/process/log.ts";
import { readBody, readMessage } from "../../lib/message/message.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { openRedis, type Redis } from "../../lib/store/redis.ts";
import { createWorker, work } from "../../lib/work/work.ts";
import { ask, messageOf, takeOnce } from "../queue/contract.ts";
import { describeWith, until } from "../servers/mod.ts";

const MIB = 1024 * 1024;
/** A write is given up after 1.5 s; what is left is for the spill. */
const FIRST_MS = 2_000;
/** While the breaker is open nobody waits for Postgres. */
const LATER_MS = 500;

describeWith({ postgres: "own", redis: "durable" }, "the spill", (servers) => {
  let env: Record<string, string>;
  beforeEach(async () => {
    await servers.redis.flush();
    env = {
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    };
  });

  it("takes messages while PostgreSQL is dead, and gives them up under their ids", async () => {
    await using otto = await open(env);
    await otto.services.inbox.accept(messageOf());
    await servers.postgres.kill();
    const messages = Array.from({ length: 100 }, (_, n) => messageOf({ deliveryId: `d${n}` }));
    const [receipts, ms] = await timed(() => acceptAll(otto.services, messages));
    assert(ms < FIRST_MS, `It took ${ms} ms`);
    assertEquals(receipts.map((each) => each.messageId), messages.map((each) => each.id));
    assertEquals((await otto.services.spill!.depth())?.messages, 100);
    const { status, checks } = await checkHealth(otto.services);
    assertEquals([status, checks.map((check) => `${check.name} ${check.status}`)], ["degraded", [
      "database failed",
      "inbox degraded",
      "spill degraded",
    ]]);

    await servers.postgres.restart();
    otto.work();
    await otto.drained(101);
    for (const { id, body } of messages) {
      assertEquals(text(await readBody(otto.services.database, id)), text(body));
    }
    await otto.hasOneTaskEach();
  });

  it("answers in time while PostgreSQL is frozen, and doubles nothing that lands late", async () => {
    await using otto = await open(env);
    const { inbox, database } = otto.services;
    // The same statement was prepared before, so the server needs no more than to read the write.
    await inbox.accept(messageOf({ deliveryId: "before" }));
    await servers.postgres.freeze();
    const first = messageOf({ deliveryId: "first" });
    const [receipt, firstMs] = await timed(() => inbox.accept(first));
    assert(firstMs < FIRST_MS, `The first took ${firstMs} ms`);
    assertEquals(receipt.messageId, first.id);
    const later = Array.from({ length: 50 }, (_, n) => messageOf({ deliveryId: `later ${n}` }));
    const [, laterMs] = await timed(() => acceptAll(otto.services, later));
    assert(laterMs < LATER_MS, `The others took ${laterMs} ms`);

    await servers.postgres.thaw();
    // The write that was given up lands now, and the spill has the message, too.
    await until(() => readMessage(database, first.id), { what: "the late write" });
    assertEquals((await otto.services.spill!.depth())?.messages, 51);
    otto.work();
    await otto.drained(52);
    await otto.hasOneTaskEach();
    const repeats = await ask(
      otto.services,
      (sql) => sql`select sum(repeats)::int as n from messages`,
    );
    assertEquals(repeats[0].n, 0);
    await using other = await open(env);
    const again = await other.services.inbox.accept(messageOf({ deliveryId: "first" }));
    assertEquals([again.messageId, again.repeat], [first.id, true]);
  });

  it("keeps the id of a spilled message as an alias when a repeat was stored first", async () => {
    await using otto = await open(env);
    const { database, spill } = otto.services;
    await using other = await open(env);
    await servers.postgres.kill();
    const spilled = [messageOf({ deliveryId: "d" }), messageOf({ deliveryId: "d" })];
    await acceptAll(otto.services, spilled);
    await servers.postgres.restart();
    const repeat = messageOf({ deliveryId: "d" });
    const { messageId } = await other.services.inbox.accept(repeat);
    assertEquals(messageId, repeat.id);
    assertEquals((await spill!.depth())?.messages, 2);

    otto.work();
    await otto.drained(1);
    for (const { id } of spilled) {
      const found = await readMessage(database, id);
      assertEquals(found?.message_id, messageId);
    }
    const [{ repeats }] = await ask(otto.services, (sql) => sql`select repeats from messages`);
    assertEquals(repeats, 2);
    await otto.hasOneTaskEach();
    const last = await other.services.inbox.accept(messageOf({ deliveryId: "d" }));
    assertEquals(last.messageId, messageId);
  });

  it("keeps messages through the death of Redis, too", async () => {
    await using otto = await open(env);
    await servers.postgres.kill();
    await acceptAll(otto.services, [messageOf(), messageOf()]);
    await servers.redis.kill();
    await assertRejects(() => otto.services.inbox.accept(messageOf()), InboxClosedError);
    const { status } = await checkHealth(otto.services);
    assertEquals(status, "unhealthy");
    await servers.redis.restart();
    await servers.postgres.restart();
    otto.work();
    await otto.drained(2);
    await otto.hasOneTaskEach();
  });

  it("refuses when Redis is frozen with PostgreSQL, and heals", async () => {
    await using otto = await open(env);
    await otto.services.inbox.accept(messageOf());
    await Promise.all([servers.postgres.freeze(), servers.redis.freeze()]);
    const message = messageOf({ deliveryId: "frozen" });
    await assertRejects(() => otto.services.inbox.accept(message), InboxClosedError);
    await Promise.all([servers.postgres.thaw(), servers.redis.thaw()]);
    // Nothing was promised, so nothing or one may have come of it: the sender asks again.
    await until(() => otto.services.inbox.accept(messageOf({ deliveryId: "frozen" })), {
      what: "a store to take the message",
      timeoutMs: 10_000,
    });
    otto.work();
    await otto.drained(2);
    await otto.hasOneTaskEach();
  });

  it("refuses when Redis may forget, instead of promising", async () => {
    const redis = createClient({ url: servers.redis.url });
    redis.on("error", () => {});
    await redis.connect();
    using _closed = { [Symbol.dispose]: () => redis.destroy() };
    for (
      const [setting, bad, good] of [
        ["appendfsync", "everysec", "always"],
        ["appendonly", "no", "yes"],
        ["maxmemory-policy", "allkeys-lru", "noeviction"],
      ]
    ) {
      await redis.configSet(setting, bad);
      await using otto = await open({ ...env, DATABASE_URL: NOWHERE });
      await assertRejects(() => otto.services.inbox.accept(messageOf()), InboxClosedError);
      const health = await checkHealth(otto.services);
      assertEquals([health.status, health.checks.at(-1)?.status], ["unhealthy", "failed"]);
      assert(health.checks.at(-1)?.hint?.includes(setting));
      assertEquals((await otto.services.spill!.depth())?.messages, 0);
      await redis.configSet(setting, good);
      // The next message may come a breaker's time later; the obstacle is looked for anew.
      const receipt = await otto.services.inbox.accept(messageOf());
      assertEquals(receipt.waiting, true);
      await servers.redis.flush();
    }
  });

  it("takes the operator's word where Redis may not be asked", async () => {
    const redis = createClient({ url: servers.redis.url });
    await redis.connect();
    await redis.aclSetUser("shy", ["on", ">secret", "~*", "+@all", "-config"]);
    redis.destroy();
    const url = new URL(servers.redis.url);
    url.username = "shy";
    url.password = "secret";
    {
      await using otto = await open({ DATABASE_URL: NOWHERE, REDIS_URL: url.href });
      await assertRejects(() => otto.services.inbox.accept(messageOf()), InboxClosedError);
      const health = await checkHealth(otto.services);
      assert(health.checks.at(-1)?.hint?.includes("REDIS_DURABLE=yes"));
    }
    await using otto = await open({
      DATABASE_URL: NOWHERE,
      REDIS_URL: url.href,
      REDIS_DURABLE: "yes",
    });
    await otto.services.inbox.accept(messageOf());
    assertEquals((await otto.services.spill!.depth())?.messages, 1);
  });

  it("refuses what would be more than its most bytes", async () => {
    await using otto = await open({ ...env, DATABASE_URL: NOWHERE });
    await otto.services.inbox.accept(messageOf());
    const redis = createClient({ url: servers.redis.url });
    await redis.connect();
    await redis.set("otto:spill:bytes", 256 * 1024 * 1024);
    redis.destroy();
    // The first one learns how full it is.
    await otto.services.inbox.accept(messageOf()).catch(() => {});
    await assertRejects(() => otto.services.inbox.accept(messageOf()), InboxClosedError);
  });

  it("gives large bodies up, too, and two movers do not double them", async () => {
    await using otto = await open(env);
    await using other = await open(env);
    await servers.postgres.kill();
    const body = new Uint8Array(3 * 1024 * 1024).map((_, n) => 97 + n * n % 23);
    const messages = Array.from({ length: 20 }, () => messageOf({ body }));
    for (const message of messages) await otto.services.inbox.accept(message);
    await servers.postgres.restart();
    otto.work();
    other.work();
    await otto.drained(20);
    await otto.hasOneTaskEach();
    const stored = await readBody(otto.services.database, messages[7].id);
    assert(stored && body.every((byte, n) => byte === stored[n]) && stored.length === body.length);
  });

  it("claims no more than fits in memory, however small the messages before were", async () => {
    await using otto = await open(env);
    const spill = otto.services.spill!;
    const large = new Uint8Array(3 * MIB).fill(97);
    const messages = [
      ...Array.from({ length: 400 }, () => messageOf()),
      ...Array.from({ length: 12 }, () => messageOf({ body: large })),
    ];
    for (const message of messages) await spill.put(message);
    // Eight, and the one with which it was reached; half a MiB for the small ones among them.
    const most = 8 * MIB + large.byteLength + MIB / 2;
    const all = await claimAll(spill, messages.length);
    assertEquals(
      all.flatMap(({ ids }) => ids),
      messages.map(({ id }) => id),
    );
    assertEquals(all.filter(({ bytes }) => bytes > most), []);
    // What a dead worker had claimed is read in the same way.
    await spill.giveBack(all.flatMap(({ claimed }) => claimed));
    const again = await claimAll(spill, messages.length);
    assertEquals(again.filter(({ bytes }) => bytes > most), []);
    assertEquals(
      again.flatMap(({ ids }) => ids).sort(),
      messages.map(({ id }) => id).sort(),
    );
  });

  it("tries one message at a time after a claim that failed, until one is moved", async () => {
    await using otto = await open(env);
    const { database, queue, spill, log } = otto.services;
    await Promise.all([messageOf(), messageOf()].map((message) => spill!.put(message)));
    const asked: number[] = [];
    const move = createSpillMover({
      database,
      queue,
      log,
      spill: {
        ...spill!,
        claim(max) {
          asked.push(max);
          return asked.length === 1 ? Promise.reject(new Error("too slow")) : spill!.claim(max);
        },
      },
    });
    await assertRejects(() => move(), Error, "too slow");
    // Nothing is claimed before it is known whose Redis it is.
    await until(async () => await move() === 1, { what: "the first to be moved" });
    assertEquals(await move(), 1);
    assertEquals(asked.at(-1), asked[0]);
    assert(asked.slice(1, -1).every((max) => max === 1), asked.join());
  });

  it("gives each message to one of two workers, in one step for many", async () => {
    await using otto = await open(env);
    const log = createLog("silent");
    await using first = openRedis(servers.redis.url, log);
    await using second = openRedis(servers.redis.url, log);
    let commands = 0;
    const counted: Redis = {
      ...second,
      run: (...args) => {
        commands++;
        return second.run(...args);
      },
    };
    const spills = [first, counted].map((redis) => openSpill(redis, { trusted: true, log }));
    const messages = Array.from({ length: 600 }, () => messageOf());
    await Promise.all(messages.map((message) => otto.services.spill!.put(message)));
    const claimed = await until(
      () => Promise.all(spills.map((spill) => spill.claim(300))),
      { what: "both to be connected" },
    );
    const ids = claimed.map((some) => some.map(({ message }) => message.id));
    assertEquals(ids.map((some) => some.length), [300, 300]);
    assertEquals(ids.flat().sort(), messages.map(({ id }) => id).sort());
    assertEquals(await spills[0].claim(300), []);
    // One is enough for all of them to be removed, and twice changes nothing.
    commands = 0;
    await spills[1].remove(claimed[1]);
    assertEquals(commands, 1);
    await spills[0].remove(claimed[1]);
    const size = claimed[0].reduce((sum, each) => sum + each.size, 0);
    assertEquals(await otto.services.spill!.depth(), { messages: 300, bytes: size });
    // What is given back is another's at once.
    await spills[0].giveBack(claimed[0]);
    const again = await until(async () => {
      const some = await spills[1].claim(300);
      return some.length > 0 && some;
    }, { what: "what was given back" });
    assertEquals(again.map(({ message }) => message.id).sort(), ids[0].sort());
    await spills[1].remove(again);
    assertEquals(await otto.services.spill!.depth(), { messages: 0, bytes: 0 });
  });

  it("moves what a worker had claimed that was killed in the middle", async () => {
    await using dead = await open(env);
    await using otto = await open(env);
    const messages = Array.from({ length: 40 }, (_, n) => messageOf({ deliveryId: `d${n}` }));
    for (const message of messages) await dead.services.spill!.put(message);
    const claimed = await dead.services.spill!.claim(30);
    assertEquals(claimed.length, 30);
    // It had stored some of them already, and one of those was worked by now.
    const stored = claimed.slice(0, 10).map(({ message }) => message);
    await storeMessages(dead.services.database, stored);
    await takeOnce(createWorker(dead.services));
    otto.work();
    await otto.drained(40);
    await otto.hasOneTaskEach(40);
    const [{ n }] = await ask(
      otto.services,
      (sql) => sql`select sum(repeats)::int as n from messages`,
    );
    assertEquals(n, 0);
  });

  it("finds what its group has forgotten, after Redis came back with an older state", async () => {
    await using otto = await open(env);
    await otto.services.spill!.put(messageOf());
    const redis = await createClient({ url: servers.redis.url }).connect();
    await redis.xGroupCreate("otto:spill", "movers", "$");
    redis.destroy();
    otto.work();
    await otto.drained(1);
    await otto.hasOneTaskEach(1);
  });

  it("puts aside what it cannot read, and moves what waits behind it", async () => {
    await using otto = await open(env);
    const redis = await createClient({ url: servers.redis.url }).connect();
    using _redis = { [Symbol.dispose]: () => redis.destroy() };
    const damaged = { about: "{}", body: "not what it was", sha256: "00" };
    for (const fields of [{ of: "somebody else" }, damaged]) {
      await redis.xAdd("otto:spill", "*", fields);
    }
    await otto.services.spill!.put(messageOf());
    otto.work();
    await otto.drained(1);
    const aside = await redis.xRange("otto:spill:refused", "-", "+") ?? [];
    assertEquals(aside.map(({ message }) => message.of ?? message.body).sort(), [
      "not what it was",
      "somebody else",
    ]);
    assertMatch(aside.find(({ message }) => message.body)!.message.why, /checksum/);
  });

  it("does not let a message that PostgreSQL refuses hold up the others", async () => {
    await using otto = await open(env);
    await using other = await open(env);
    await servers.postgres.kill();
    const odd = messageOf({ verification: "sworn" as "verified" });
    await acceptAll(otto.services, [messageOf(), odd, messageOf()]);
    await servers.postgres.restart();
    otto.work();
    await otto.drained(2);
    await otto.hasOneTaskEach(2);
    // It is put aside whole, for a person to look at.
    const redis = await createClient({ url: servers.redis.url }).connect();
    const aside = await redis.xRange("otto:spill:refused", "-", "+") ?? [];
    redis.destroy();
    assertEquals(aside.map(({ message }) => JSON.parse(message.about).id), [odd.id]);
    assertMatch(aside[0].message.why, /verification/);
    // While PostgreSQL is there the sender hears of it at once.
    await assertRejects(
      () => other.services.inbox.accept(messageOf({ verification: "sworn" as "verified" })),
      InboxClosedError,
    );
    assertEquals((await otto.services.spill!.depth())?.messages, 0);
  });
});

describeWith({ redis: "own" }, "a Redis that keeps nothing on its disk", (servers) => {
  it("is not spilled to", async () => {
    await using otto = await open({ DATABASE_URL: NOWHERE, REDIS_URL: servers.redis.url });
    await assertRejects(() => otto.services.inbox.accept(messageOf()), InboxClosedError);
    assertEquals(await otto.services.spill!.depth(), { messages: 0, bytes: 0 });
  });
});

/** Nobody listens on port 1. */
const NOWHERE = "postgres://otto@127.0.0.1:1/otto";

/** The services of one process, and its worker when it is told to work. */
async function open(env: Record<string, string>) {
  const stop = new AbortController();
  const config = readConfig({ LOG_LEVEL: "silent", ...env });
  const services = await openServices(config, createLog(config.logLevel), stop.signal);
  if (env.DATABASE_URL !== NOWHERE) await services.ready;
  // Connects in the background.
  await until(async () => await services.spill!.depth() !== undefined, { what: "Redis to answer" });
  let working: Promise<void> | undefined;
  return {
    services,
    work() {
      working = work(services, stop.signal);
    },
    /** Resolves when the spill is empty, its counters too, and so many messages are processed. */
    async drained(count: number): Promise<void> {
      await until(async () => {
        assertEquals(await services.spill!.depth(), { messages: 0, bytes: 0 });
        const [{ n }] = await ask(
          services,
          (sql) => sql`select count(*)::int as n from messages where state = 'processed'`,
        );
        assertEquals(n, count);
        return true;
      }, { what: "the spill to be empty and all to be processed", timeoutMs: 30_000 });
    },
    async hasOneTaskEach(count?: number): Promise<void> {
      const tasks = await until(async () => {
        const tasks = (await searchTasks(services.database, {}, 1_000)).items;
        const [{ n }] = await ask(
          services,
          (sql) => sql`select count(*)::int as n from messages where state = 'processed'`,
        );
        return n === (count ?? n) && n === tasks.length && tasks;
      }, { what: "a task for each message" });
      assertEquals(new Set(tasks.map((task) => task.message_id)).size, tasks.length);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await working;
      await services[Symbol.asyncDispose]();
    },
  };
}

function acceptAll({ inbox }: Services, messages: NewMessage[]): Promise<Receipt[]> {
  return Promise.all(messages.map((message) => inbox.accept(message)));
}

/** Claims until so many messages are claimed, and says what came at each time. */
async function claimAll(spill: Spill, count: number) {
  const claims: { claimed: Spilled[]; ids: string[]; bytes: number }[] = [];
  let got = 0;
  await until(async () => {
    const claimed = await spill.claim(512);
    if (claimed.length > 0) {
      claims.push({
        claimed,
        ids: claimed.map(({ message }) => message.id),
        bytes: claimed.reduce((sum, { size }) => sum + size, 0),
      });
    }
    got += claimed.length;
    return got >= count;
  }, { what: "all to be claimed", timeoutMs: 30_000 });
  return claims;
}

function text(body: Uint8Array | undefined): string {
  return new TextDecoder().decode(body);
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const result = await work();
  return [result, Math.round(performance.now() - start)];
}
