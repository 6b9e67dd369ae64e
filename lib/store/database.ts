import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PGlite } from "@electric-sql/pglite";
import postgres from "postgres";
import { type Closer, openAll } from "../process/closer.ts";
import { deadline, DeadlineError } from "../async/deadline.ts";
import { lockFolder } from "./lock.ts";
import { errorText, type Log } from "../process/log.ts";
import { Refusal } from "../process/refusal.ts";
import { createWireSocket } from "./wire_socket.ts";

export type Sql = postgres.Sql;

/**
 * PostgreSQL, on a server or inside this process, spoken to in the same way.
 *
 * Work is done in single statements: a transaction that is open when the server
 * dies can crash the driver (postgres#1155), and inside the process it would
 * stop everybody else.
 */
export interface Database extends AsyncDisposable {
  readonly kind: "postgres" | "embedded";
  /**
   * Runs one statement, for at most `ms` milliseconds (5,000 unless said).
   *
   * @throws {DeadlineError} when the server did not answer in time: the outcome
   * is unknown. When nothing else is answered either, the connections to it
   * are replaced by new ones.
   */
  query<T>(what: string, statement: (sql: Sql) => PromiseLike<T>, ms?: number): Promise<T>;
  /** Calls `heard` for each NOTIFY on the channel, re-subscribing after a restart. Server only. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
}

const QUERY_MS = 5_000;
const CONNECT_SECONDS = 2;
/** A longer wait for locks or work than this is cut off by the server itself. */
const STATEMENT_MS = 15_000;
const MOST_GIVEN_UP = 3;

export interface ServerOptions {
  url: string;
  /** Prepared statements; must be off behind pgbouncer in transaction mode. */
  prepare?: boolean;
  connections?: number;
  log: Log;
}

/** Opens a pool to a PostgreSQL server. Connects when first used. */
export function openServer({ url, prepare = true, connections = 8, log }: ServerOptions): Database {
  const connect = () =>
    postgres(url, {
      max: connections,
      prepare,
      connect_timeout: CONNECT_SECONDS,
      idle_timeout: 60,
      max_lifetime: 30 * 60,
      backoff: (retries: number) => Math.min(0.05 * 2 ** Math.min(retries, 5), 1),
      fetch_types: false,
      onnotice() {},
      connection: {
        application_name: "otto",
        // What the server makes into JSON by itself must not be in its own time zone.
        TimeZone: "UTC",
        DateStyle: "ISO",
        // pgbouncer refuses start-up parameters that it does not know.
        ...(prepare ? { statement_timeout: STATEMENT_MS, bytea_output: "hex" } : {}),
      },
    });
  let sql = connect();
  let replacedAt = -Infinity;
  /** When the server last answered anything, and how many waits have been given up meanwhile. */
  let answeredAt = -Infinity;
  let givenUp = 0;
  const subscriptions = new Map<string, (payload: string) => void>();

  async function subscribe(channel: string, heard: (payload: string) => void): Promise<void> {
    await deadline(`listen on ${channel}`, QUERY_MS, sql.listen(channel, heard));
  }

  /** A frozen server keeps its connections hanging after it thaws; new ones are the way out. */
  function replacePool(): void {
    if (performance.now() - replacedAt < 1_000) return;
    replacedAt = performance.now();
    givenUp = 0;
    const old = sql;
    sql = connect();
    old.end({ timeout: 0 }).catch(() => {});
    for (const [channel, heard] of subscriptions) {
      subscribe(channel, heard).catch((error) => log.warn("database.listen_failed", { error }));
    }
  }

  return {
    kind: "postgres",
    async query(what, statement, ms = QUERY_MS) {
      const pool = sql;
      const askedAt = performance.now();
      try {
        const answer = await deadline(what, ms, statement(pool));
        answeredAt = performance.now();
        return answer;
      } catch (error) {
        // While others are answered it is this statement that is slow, not the server; a
        // connection that hangs alone shows itself by and by.
        if (error instanceof DeadlineError && pool === sql) {
          if (answeredAt < askedAt || ++givenUp >= MOST_GIVEN_UP) replacePool();
        }
        throw error;
      }
    },
    async listen(channel, heard) {
      subscriptions.set(channel, heard);
      await subscribe(channel, heard);
    },
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 2 });
    },
  };
}

/**
 * Opens the database inside this process, in its own locked folder, which is
 * created when missing. `:memory:` keeps everything in memory, for tests.
 *
 * Safe when the process is killed, not when the power fails: PGlite never
 * calls fsync. It runs on the calling thread, so deadlines do not bite.
 */
export async function openEmbedded(folder: string): Promise<Database> {
  return await openAll((closer) => openEmbeddedWith(closer, folder));
}

async function openEmbeddedWith(closer: Closer, folder: string): Promise<Database> {
  if (folder !== ":memory:") {
    await mkdir(folder, { recursive: true }).catch((error) => {
      throw new Refusal(
        `Cannot use the data folder ${folder}: ${
          errorText(error)
        }. Set OTTO_DATA_DIR to a folder ` +
          "that can be written to, without spaces in its name: `deno task start` permits no other.",
      );
    });
    closer.add(await lockFolder(folder));
  }
  const engine = await openEngine(folder);
  closer.defer(() => engine.close());
  const sql = postgres({
    user: "postgres",
    database: "postgres",
    max: 1,
    fetch_types: false,
    onnotice() {},
    // Not in the driver's types: a function that returns a connected socket.
    ...{
      socket: () =>
        createWireSocket((group, reply) =>
          engine.runExclusive(() => engine.execProtocolRawStream(group, { onRawData: reply }))
        ),
    },
  });
  closer.defer(() => sql.end({ timeout: 2 }));
  return {
    kind: "embedded",
    query: async (_what, statement) => await statement(sql),
    listen: () => Promise.reject(new Error("Cannot listen: there is no other process to hear")),
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

async function openEngine(folder: string): Promise<PGlite> {
  // Loaded only in the embedded size: it is 14 MB of WebAssembly.
  const { PGlite } = await import("@electric-sql/pglite");
  const startParams = [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"];
  if (folder === ":memory:") return await PGlite.create({ startParams });
  const dataDir = join(folder, "database");
  if (!await exists(dataDir)) {
    // A kill in the middle of creating leaves a folder that never opens again,
    // so it is created under another name first.
    const unfinished = join(folder, "database.new");
    await rm(unfinished, { recursive: true, force: true });
    await (await PGlite.create({ dataDir: unfinished, startParams })).close();
    await rename(unfinished, dataDir);
  }
  return await PGlite.create({ dataDir, startParams });
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}

/** A large table takes its time; whoever waits sees `not ready` in /webhook/health. */
const MIGRATION_MS = 10 * 60_000;
/** Any fixed number: the same in every Otto, so that only one migrates at a time. */
const MIGRATION_LOCK = 710_846;

/**
 * Brings the schema up to date: `migrations/NNNN_name.sql`, forward only, each
 * in one transaction, under a lock that other processes wait for.
 *
 * A migration must leave the previous version's code working: during a rolling
 * deploy both run on one database.
 */
export async function migrate(database: Database, log: Log): Promise<void> {
  const folder = fileURLToPath(new URL("./migrations/", import.meta.url));
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  // Two processes may create the table at once, and "if not exists" does not stop them.
  await database.query("create the table of migrations", (sql) =>
    sql.unsafe(`
      select pg_advisory_xact_lock(${MIGRATION_LOCK});
      create table if not exists migrations (
        version integer primary key, name text not null, at timestamptz not null default now()
      );`));
  const done = await database.query(
    "read the migrations",
    (sql) => sql<{ version: number }[]>`select version from migrations`,
  );
  const known = new Set(done.map((row) => row.version));
  for (const name of files) {
    const version = Number.parseInt(name, 10);
    if (known.has(version)) continue;
    const statements = await readFile(join(folder, name), "utf8");
    try {
      // One simple query is one transaction. The insert comes first: it fails
      // when another process was quicker while this one waited for the lock.
      await database.query(`run the migration ${name}`, (sql) =>
        sql.unsafe(`
          select pg_advisory_xact_lock(${MIGRATION_LOCK});
          set local statement_timeout = 0;
          insert into migrations (version, name) values (${version}, '${name}');
          ${statements}`), MIGRATION_MS);
      log.info("database.migrated", { migration: name });
    } catch (error) {
      const { code, table_name } = error as { code?: string; table_name?: string };
      if (code !== "23505" || table_name !== "migrations") throw error;
    }
  }
}

/**
 * Refuses a database that is not in UTF-8: it would not take every text of every sender.
 *
 * @throws {Refusal} saying how to make one that does.
 */
export async function requireUtf8(database: Database): Promise<void> {
  const [{ encoding }] = await database.query(
    "read the database's encoding",
    (sql) => sql<{ encoding: string }[]>`select current_setting('server_encoding') as encoding`,
  );
  if (encoding === "UTF8") return;
  throw new Refusal(
    `Cannot keep messages in a database with the encoding ${encoding}. Make one with: ` +
      "create database otto encoding 'UTF8' template template0, and name it in DATABASE_URL.",
  );
}

/** Keeps the embedded database small: single-user mode has neither checkpointer nor autovacuum. */
export async function tidyEmbedded(database: Database): Promise<void> {
  if (database.kind !== "embedded") return;
  await database.query("write a checkpoint", (sql) => sql`checkpoint`);
  await database.query("vacuum", (sql) => sql`vacuum`);
}
