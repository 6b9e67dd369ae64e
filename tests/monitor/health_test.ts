import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { beforeEach, it } from "@std/testing/bdd";
import { createClient } from "redis";
import postgres from "postgres";
import { openInbox } from "../../lib/message/inbox.ts";
import { checkHealth, type Health } from "../../lib/monitor/health.ts";
import { createLog } from "../../lib/process/log.ts";
import { openLocalQueue } from "../../lib/queue/queue.ts";
import type { Database } from "../../lib/store/database.ts";
import { openOtto, type Otto } from "../otto.ts";
import { ask, messageOf } from "../queue/contract.ts";
import { describeWith, until, within } from "../servers/mod.ts";

/** An outcome counts for five seconds, a try for as long; a frozen store takes a second or two to say so. */
const KNOWN_MS = 12_000;

/** What `/webhook/health` says; it must agree with its own status, and liveness is none of its business. */
async function health(otto: Otto): Promise<Health & { code: number }> {
  const [answer, alive] = await Promise.all([otto.ask("/webhook/health"), otto.ask("/health")]);
  assertEquals(alive.status, 200);
  await alive.body?.cancel();
  const found: Health = await answer.json();
  assertEquals(answer.status, found.status === "unhealthy" ? 503 : 200);
  return { ...found, code: answer.status };
}

/** Waits until health says so, and why in these words. */
async function untilHealth(otto: Otto, status: Health["status"], saying = ""): Promise<void> {
  await until(async () => {
    const found = await health(otto);
    assertEquals(found.status, status, JSON.stringify(found.checks));
    const inbox = found.checks.find(({ name }) => name === "inbox");
    assertStringIncludes(inbox!.detail, saying);
    return true;
  }, { what: `health to be ${status} ${saying}`, timeoutMs: KNOWN_MS });
}

/** Sends a webhook, and returns the status of the answer. */
async function send(otto: Otto): Promise<number> {
  const answer = await otto.ask("/webhook/test", { method: "POST", body: `{"n":1}` });
  await answer.body?.cancel();
  return answer.status;
}

/** Every message is refused by the store as if its disk were full, whoever writes it. */
async function fillDisk(otto: Otto): Promise<void> {
  await ask(
    otto.services,
    (sql) =>
      sql.unsafe(`create function disk_is_full() returns trigger language plpgsql as $$ begin
      raise exception 'could not extend file: No space left on device' using errcode = '53100';
    end $$`),
  );
  await ask(otto.services, (sql) =>
    sql.unsafe(`create trigger full_disk before insert on messages
      for each row execute function disk_is_full()`));
}

async function emptyDisk(otto: Otto): Promise<void> {
  await ask(otto.services, (sql) => sql`drop trigger full_disk on messages`);
}

describeWith({ postgres: "own", redis: "durable" }, "health with a server", (servers) => {
  let env: Record<string, string>;
  beforeEach(async () => {
    await servers.redis.flush();
    env = { DATABASE_URL: await servers.postgres.createDatabase(), WORKER: "inline" };
  });

  it("is no while the disk is full, though the database answers, and yes after it", async () => {
    await using otto = await openOtto(env);
    await untilHealth(otto, "degraded");
    await fillDisk(otto);
    // Nobody sends anything: it finds out by itself.
    await untilHealth(otto, "unhealthy", "disk is full");
    assertEquals(await send(otto), 503);
    assertEquals((await health(otto)).code, 503);
    await emptyDisk(otto);
    await untilHealth(otto, "degraded");
    assertEquals(await send(otto), 200);
  });

  it("is no as soon as a sender was told no, and yes without waiting for the next", async () => {
    await using otto = await openOtto(env);
    assertEquals(await send(otto), 200);
    await fillDisk(otto);
    assertEquals(await send(otto), 503);
    await until(async () => (await health(otto)).code === 503, { what: "health to say no" });
    await emptyDisk(otto);
    await untilHealth(otto, "degraded");
  });

  it("says that messages go to the spill while the disk is full and Redis is there", async () => {
    await using otto = await openOtto({ ...env, REDIS_URL: servers.redis.url });
    await until(async () => await otto.services.spill!.depth() !== undefined, { what: "Redis" });
    await fillDisk(otto);
    assertEquals(await send(otto), 200);
    await untilHealth(otto, "degraded", "spill: the database's disk is full");
    await emptyDisk(otto);
  });

  it("is no while the database is read-only, and yes when it may be written to again", async () => {
    const name = new URL(env.DATABASE_URL).pathname.slice(1);
    await using otto = await openOtto(env);
    await using admin = connect(servers.postgres.url);
    const readOnly = async (isReadOnly: boolean) => {
      await admin.sql.unsafe(
        `alter database ${name} ${
          isReadOnly ? "set default_transaction_read_only = on" : "reset all"
        }`,
      );
      // As a vendor does at a fail-over.
      await admin
        .sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
    };
    await readOnly(true);
    await untilHealth(otto, "unhealthy", "read-only");
    assertEquals(await send(otto), 503);
    await readOnly(false);
    await untilHealth(otto, "degraded");
    assertEquals(await send(otto), 200);
  });

  it("is no while the user may not write messages", async () => {
    await using admin = connect(env.DATABASE_URL);
    await admin.sql`create role clerk login`;
    await admin.sql`grant all on schema public to clerk`;
    const url = new URL(env.DATABASE_URL);
    url.username = "clerk";
    await using otto = await openOtto({ ...env, DATABASE_URL: url.href });
    await untilHealth(otto, "degraded");
    await admin.sql`alter table messages owner to otto`;
    await untilHealth(otto, "unhealthy", "may not write");
    await admin.sql`grant all on messages to clerk`;
    await untilHealth(otto, "degraded");
    await admin.sql`drop owned by clerk cascade`;
    await admin.sql`drop role clerk`;
  });

  it("is no while PostgreSQL is frozen, and yes when it goes on", async () => {
    await using otto = await openOtto(env);
    assertEquals(await send(otto), 200);
    await servers.postgres.freeze();
    try {
      await untilHealth(otto, "unhealthy");
      assertEquals(await send(otto), 503);
    } finally {
      await servers.postgres.thaw();
    }
    await untilHealth(otto, "degraded");
    assertEquals(await send(otto), 200);
  });

  it("gives every look of its own a deadline that a monitor waits for", async () => {
    await using otto = await openOtto(env);
    const { database } = otto.services;
    const deadlines = new Map<string, number | undefined>();
    const watched: Database = {
      ...database,
      query(what, statement, ms) {
        deadlines.set(what, ms);
        return database.query(what, statement, ms);
      },
    };
    const { checks } = await checkHealth({ ...otto.services, database: watched });
    assert(checks.some(({ name }) => name === "workers"));
    const patient = [...deadlines].filter(([, ms]) => ms === undefined || ms > 2_000);
    assertEquals(patient, []);
  });

  it("looks at everything side by side, so that nobody waits for the sum", async () => {
    await using otto = await openOtto(env);
    const { database } = otto.services;
    const asked = new Set<string>();
    const expected = ["check the queue", "read the database's clock", "list workers"];
    const all = Promise.withResolvers<void>();
    const watched: Database = {
      ...database,
      // Nothing of these is answered before all of them are asked.
      async query(what, statement, ms) {
        asked.add(what);
        if (expected.every((name) => asked.has(name))) all.resolve();
        if (expected.includes(what)) await all.promise;
        return await database.query(what, statement, ms);
      },
    };
    const found = checkHealth({ ...otto.services, database: watched });
    const { checks } = await within(found, 10_000, "all to be asked");
    assert(checks.some(({ name }) => name === "workers"));
  });

  it("leaves no trace of what it writes, and writes seldom", async () => {
    await using otto = await openOtto(env);
    let tries = 0;
    const { database } = otto.services;
    const watched: Database = {
      ...database,
      query(what, statement, ms) {
        tries++;
        return database.query(what, statement, ms);
      },
    };
    const log = createLog("silent");
    const inbox = openInbox({ database: watched, queue: openLocalQueue(), log });
    const judged = await Promise.all(Array.from({ length: 20 }, () => inbox.acceptance()));
    assert(judged.every(({ takes }) => takes === "all"));
    assertEquals(tries, 1);
    const [left] = await ask(
      otto.services,
      (sql) =>
        sql`select (select count(*)::int from messages) as messages,
          (select count(*)::int from changes) as changes`,
    );
    assertEquals(left, { messages: 0, changes: 0 });
    // While messages come nothing more is written.
    await inbox.accept(messageOf());
    await inbox.acceptance();
    assertEquals(tries, 2);
  });
});

describeWith({ postgres: "own", redis: "durable" }, "health with a spill", (servers) => {
  it("follows what the spill takes while PostgreSQL is away", async () => {
    const redis = await createClient({ url: servers.redis.url }).connect();
    using _redis = { [Symbol.dispose]: () => redis.destroy() };
    await using otto = await openOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    });
    await until(async () => await otto.services.spill!.depth() !== undefined, { what: "Redis" });
    await servers.postgres.kill();
    await untilHealth(otto, "degraded");
    assertEquals(await send(otto), 200);

    // No byte more than it holds.
    await redis.configSet("maxmemory", "1");
    await untilHealth(otto, "unhealthy", "maxmemory");
    assertEquals(await send(otto), 503);
    await redis.configSet("maxmemory", "0");
    await untilHealth(otto, "degraded");
    assertEquals(await send(otto), 200);

    const bytes = await redis.get("otto:spill:bytes");
    await redis.set("otto:spill:bytes", 256 * 1024 * 1024);
    await untilHealth(otto, "unhealthy", "holds its most");
    // This process has heard of it now.
    assertEquals(await send(otto), 503);
    await redis.set("otto:spill:bytes", bytes!);
    await untilHealth(otto, "degraded");
    assertEquals(await send(otto), 200);

    await servers.redis.freeze();
    try {
      await untilHealth(otto, "unhealthy");
      assertEquals(await send(otto), 503);
    } finally {
      await servers.redis.thaw();
    }
    await untilHealth(otto, "degraded");
    await servers.postgres.restart();
    await until(async () => await send(otto) === 200, { what: "PostgreSQL", timeoutMs: KNOWN_MS });
  });

  it("tries the commands of the jobs and of the news, not only their lengths", async () => {
    const redis = await createClient({ url: servers.redis.url }).connect();
    using _redis = { [Symbol.dispose]: () => redis.destroy() };
    await redis.flushAll();
    await using otto = await openOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      REDIS_URL: servers.redis.url,
    });
    const details = async () =>
      Object.fromEntries((await health(otto)).checks.map(({ name, detail }) => [name, detail]));
    await until(async () => /no task waits/.test((await details()).agent), { what: "Redis" });
    const keys = await redis.keys("*");
    assertEquals(keys.filter((key) => key.includes("check") || key.startsWith("arq:")), []);

    // Nobody listens on port 1: a master that is away.
    await redis.sendCommand(["REPLICAOF", "127.0.0.1", "1"]);
    await until(async () => {
      const { agent, "queue (redis)": news } = await details();
      assertStringIncludes(agent, "is a replica now");
      assertStringIncludes(news, "is a replica now");
      return true;
    }, { what: "health to say that jobs and news are refused", timeoutMs: KNOWN_MS });
    await redis.sendCommand(["REPLICAOF", "NO", "ONE"]);
    await redis.set("arq:interactive", "of somebody else");
    await until(async () => /WRONGTYPE/.test((await details()).agent), {
      what: "health to say that the queue is another's",
      timeoutMs: KNOWN_MS,
    });
    await redis.del("arq:interactive");
    await until(async () => /no task waits/.test((await details()).agent), {
      what: "the jobs' queue to be there again",
      timeoutMs: KNOWN_MS,
    });
  });
});

describeWith({}, "health of the embedded size", () => {
  it("is no while its disk is full, and yes after it", async () => {
    await using otto = await openOtto();
    assertEquals((await health(otto)).status, "healthy");
    await fillDisk(otto);
    await untilHealth(otto, "unhealthy", "disk is full");
    assertEquals(await send(otto), 503);
    await emptyDisk(otto);
    await untilHealth(otto, "healthy");
    assertEquals(await send(otto), 200);
  });
});

/** A connection of an administrator. */
function connect(url: string): AsyncDisposable & { sql: postgres.Sql } {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
