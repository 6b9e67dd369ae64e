import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import postgres from "postgres";
import type { Agent } from "../../lib/agent/agent.ts";
import { DeadlineError } from "../../lib/async/deadline.ts";
import { createLog } from "../../lib/process/log.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { work } from "../../lib/work/work.ts";
import { openOtto } from "../otto.ts";
import {
  describeWith,
  freePort,
  type PostgresServer,
  requireOrSkip,
  startPostgres,
  startProcess,
  until,
} from "../servers/mod.ts";

const log = createLog("silent");
/** What is promised of a server that turned read-only, from when the new one is there. */
const LEFT_MS = 5_000;

function client(url: string): postgres.Sql & AsyncDisposable {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

/** The sessions of a database but for the one that asks. */
async function sessionsOf(sql: postgres.Sql): Promise<{ pid: number; state: string }[]> {
  return await sql`
    select pid, state from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
    order by pid`;
}

describeWith({ postgres: "own" }, "a server that is slow, full or read-only", (servers) => {
  let url: string;
  beforeEach(async () => {
    url = await servers.postgres.createDatabase();
  });

  it("is asked to stop what nobody waits for, and keeps its connections", async () => {
    await using sql = client(url);
    await using server = openServer({ url, connections: 3, log });
    await Promise.all(
      [1, 2, 3].map(() => server.query("open all", (sql) => sql`select pg_sleep(0.1)`)),
    );
    const before = (await sessionsOf(sql)).map(({ pid }) => pid);
    assertEquals(before.length, 3);
    const healthy = server.query("go on meanwhile", (sql) => sql`select pg_sleep(1.5), 1 as one`);
    for (let n = 0; n < 4; n++) {
      const slow = server.query("wait for long", (sql) => sql`select pg_sleep(30)`, 100);
      await assertRejects(() => slow, DeadlineError);
    }
    assertEquals((await healthy)[0].one, 1);
    await until(async () => (await sessionsOf(sql)).every(({ state }) => state === "idle"), {
      what: "the slow statements to be cancelled",
    });
    assertEquals((await sessionsOf(sql)).map(({ pid }) => pid), before);
  });

  it("does not hear of a statement that found no free connection in time", async () => {
    await using server = openServer({ url, connections: 1, log });
    const busy = server.query("be busy", (sql) => sql`select pg_sleep(0.5)`);
    let sent = false;
    const late = server.query("come too late", (sql) => {
      sent = true;
      return sql`select 1`;
    }, 50);
    await assertRejects(() => late, DeadlineError, "no connection to the database was free");
    await busy;
    assertEquals(sent, false);
  });

  it("keeps its connection when a statement cannot even be asked", async () => {
    await using server = openServer({ url, connections: 1, log });
    for (let n = 0; n < 2; n++) {
      await assertRejects(
        () =>
          server.query(
            "keep what is no JSON",
            (sql) => sql`select ${JSON.stringify({ n: 1n })}::text as text`,
            1_000,
          ),
        TypeError,
        "BigInt",
      );
    }
    assertEquals((await server.query("go on", (sql) => sql`select 1 as one`))[0].one, 1);
  });

  it("ends a wait for a lock by itself, long before it ends a statement", async () => {
    await using sql = client(url);
    await sql`create table rows as select 1 as id`;
    await sql`begin`;
    await sql`select from rows for update`;
    await using server = openServer({ url, connections: 1, log });
    // As nobody cancels it who is frozen: the deadline is far away.
    const error = await assertRejects(() =>
      server.query("lock a row", (sql) => sql`update rows set id = 2`, 60_000)
    );
    assertEquals((error as { code?: string }).code, "55P03");
    await sql`rollback`;
  });

  it("gets new connections when it answers nothing at all", async () => {
    await using server = openServer({ url, connections: 2, log });
    await Promise.all(
      [1, 2].map(() => server.query("open both", (sql) => sql`select pg_sleep(0.1)`)),
    );
    await servers.postgres.freeze();
    const asked = server.query("ask", (sql) => sql`select 1`, 200);
    await assertRejects(() => asked, DeadlineError);
    await servers.postgres.thaw();
    await until(() => server.query("ask again", (sql) => sql`select 1`, 200).then(() => true), {
      what: "it to answer",
    });
  });

  it("with no connection left makes statements wait for those that are open", async () => {
    const name = await makeRole(url, 3);
    const one = new URL(url);
    one.username = name;
    await using first = openServer({ url: one.href, log });
    await using second = openServer({ url: one.href, log });
    const ask = (server: typeof first) =>
      Array.from(
        { length: 30 },
        (_, n) => server.query("ask", (sql) => sql`select ${n}::int as n, pg_sleep(0.01)`),
      );
    const wanted = Array.from({ length: 30 }, (_, n) => n);
    assertEquals((await Promise.all(ask(first))).map(([{ n }]) => n), wanted);
    // What the first one does not need any more is there for the other process.
    assertEquals((await Promise.all(ask(second))).map(([{ n }]) => n), wanted);
    const both = await Promise.all([...ask(first), ...ask(second)]);
    assertEquals(both.map(([{ n }]) => n), [...wanted, ...wanted]);
  });

  it("has no more connections of one process than DATABASE_CONNECTIONS", async () => {
    await using sql = client(url);
    const env = { DATABASE_URL: url, DATABASE_CONNECTIONS: "3" };
    await using otto = await openOtto(env);
    const { database, inbox: _, queue } = otto.services;
    const stop = new AbortController();
    const received = queue.receive(1, 10_000, stop.signal);
    let most = 0;
    const asked = Promise.all(
      Array.from({ length: 20 }, () => database.query("ask", (sql) => sql`select pg_sleep(0.05)`)),
    );
    const sent = Promise.all([1, 2, 3].map((n) => otto.send("test", JSON.stringify({ n }))));
    let over = false;
    const watching = (async () => {
      while (!over) most = Math.max(most, (await sessionsOf(sql)).length);
    })();
    await Promise.all([asked, sent]);
    over = true;
    stop.abort();
    await Promise.all([watching, received]);
    assert(most <= 3, `There were ${most} connections`);
  });

  it("is left when it is no longer the primary, and fails no task by it", async () => {
    await using admin = client(url);
    const begun = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    const agent: Agent = {
      name: "slow",
      async run() {
        begun.resolve();
        await mayEnd.promise;
        return { status: "completed", text: "done", data: null };
      },
    };
    await using otto = await openOtto({ DATABASE_URL: url, WORKER: "inline" }, { agent });
    const stop = new AbortController();
    const working = work(otto.services, stop.signal);
    const message = await otto.send("test", "{}");
    await begun.promise;
    await setReadOnly(admin, true);
    const post = () => otto.ask("/webhook/test", { method: "POST", body: "{}" });
    await until(async () => (await post()).status === 503, { what: "webhooks to be refused" });
    // It has to be written down while nothing can be.
    mayEnd.resolve();
    await until(
      () =>
        admin`select 1 from pg_stat_activity where query like '%finish as%'`.then((rows) =>
          rows.length
        ),
      { what: "the worker to try" },
    );
    await setReadOnly(admin, false, { cutOff: false });
    await until(async () => (await post()).status === 200, {
      what: "webhooks to be taken again",
      timeoutMs: LEFT_MS,
    });
    const { task_id } = await otto.get(`/api/messages/${message}`);
    await until(async () => {
      const { status } = await otto.get(`/api/tasks/${task_id}`);
      assert(status !== "failed", "The task failed for it");
      return status === "completed";
    }, { what: "the task to be completed", timeoutMs: LEFT_MS });
    stop.abort();
    await working;
  });
});

/** As a fail-over does it: new sessions are read-only or not, and those that are there may be ended. */
async function setReadOnly(sql: postgres.Sql, on: boolean, { cutOff = true } = {}): Promise<void> {
  const [{ name }] = await sql`select current_database() as name`;
  await sql`set default_transaction_read_only = off`;
  await sql`alter database ${sql(name)} set default_transaction_read_only = ${
    sql.unsafe(on ? "on" : "off")
  }`;
  if (!cutOff) return;
  for (const { pid } of await sessionsOf(sql)) await sql`select pg_terminate_backend(${pid})`;
}

/** A user who owns the database and may have so many connections; gives its name. */
async function makeRole(url: string, connections: number, password?: string): Promise<string> {
  await using sql = client(url);
  const name = `small_${crypto.randomUUID().slice(0, 8)}`;
  const secret = password === undefined ? "" : `password '${password}'`;
  await sql.unsafe(`create role ${name} login connection limit ${connections} ${secret}`);
  await sql.unsafe(`alter database "${new URL(url).pathname.slice(1)}" owner to ${name}`);
  return name;
}

requireOrSkip("PostgreSQL")("a server that will never let us in", () => {
  /** Wants a password of everybody but its administrator. */
  async function startStrict(): Promise<PostgresServer & AsyncDisposable> {
    const dir = await mkdtemp(`${tmpdir()}/otto-hba-`);
    await Deno.chmod(dir, 0o755);
    await writeFile(
      `${dir}/pg_hba.conf`,
      "host all otto 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    const server = (await startPostgres({ settings: { hba_file: `${dir}/pg_hba.conf` } }))!;
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server.stop();
        await rm(dir, { recursive: true });
      },
    };
  }

  it("ends the start with words, and is never told of as ready", async () => {
    await using server = await startStrict();
    const url = new URL(await server.createDatabase());
    const nowhere = `${url.href}_nope`;
    const user = await makeRole(url.href, 10, "right");
    const wrong = `postgres://${user}:hunter2@${url.host}${url.pathname}`;
    const unknown = `${url.href}?options=-c%20no_such_setting%3D1`;
    const cases: [file: string, url: string, words: RegExp][] = [
      ["main.ts", nowhere, /there is no database "\w+_nope"\. Create it, or correct the name/],
      ["main.ts", wrong, new RegExp(`the user "${user}" or its password is wrong`)],
      ["worker.ts", wrong, new RegExp(`the user "${user}" or its password is wrong`)],
      ["main.ts", unknown, /does not know what `options` in the URL sets/],
    ];
    for (const [file, DATABASE_URL, words] of cases) {
      await using child = startProcess([file], { DATABASE_URL, PORT: String(await freePort()) });
      assertEquals((await child.exited).code, 1);
      const said = child.lines.join("\n");
      assertMatch(said, words);
      assert(!/Otto is ready|hunter2|^\s+at /m.test(said), said);
    }
  });

  it("is waited for once all was well: a password is being changed", async () => {
    await using server = await startStrict();
    const url = new URL(await server.createDatabase());
    const user = await makeRole(url.href, 20, "right");
    await using admin = client(url.href);
    const password = (text: string) => admin.unsafe(`alter role ${user} password '${text}'`);
    await using otto = await openOtto({
      DATABASE_URL: `postgres://${user}:right@${url.host}${url.pathname}`,
    });
    const post = () => otto.ask("/webhook/test", { method: "POST", body: "{}" });
    assertEquals((await post()).status, 200);
    await password("other");
    for (const { pid } of await sessionsOf(admin)) await admin`select pg_terminate_backend(${pid})`;
    await until(async () => (await post()).status === 503, { what: "webhooks to be refused" });
    assertEquals((await otto.ask("/api/messages")).status, 503);
    await password("right");
    await until(async () => (await post()).status === 200, { what: "webhooks to be taken again" });
  });
});

describe("the settings of the database", () => {
  it("are refused where they make no sense", async () => {
    for (const DATABASE_CONNECTIONS of ["0", "many", "2.5"]) {
      await assertRejects(
        () => openOtto({ DATABASE_URL: "postgres://127.0.0.1:9/otto", DATABASE_CONNECTIONS }),
        Error,
        "DATABASE_CONNECTIONS must be",
      );
    }
  });
});
