import { appendFileSync, chmodSync } from "node:fs";
import postgres from "postgres";
import { type PostgresServer, startPostgres } from "../../tests/servers/postgres.ts";
import type { Process, ProcessOptions } from "../../tests/servers/process.ts";
import { ask, type RedisServer, startRedis } from "../../tests/servers/redis.ts";
import {
  type Main,
  type Restartable,
  startMain,
  startWorker,
} from "../../tests/servers/restartable.ts";
import { SENDER_SETTINGS } from "./delivery.ts";

/** One process of Otto's that comes back when it ends, as `restart: always` does. */
export interface Part {
  readonly name: string;
  readonly running: Restartable;
  /** Runs `fault` while nobody minds that the process ends; it runs again afterwards. */
  disturb(fault: (part: Restartable) => Promise<void>): Promise<void>;
}

/** Otto in its full size, twice, on servers of its own. */
export interface Cluster extends AsyncDisposable {
  readonly origins: readonly string[];
  readonly webs: readonly Part[];
  readonly workers: readonly Part[];
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  /** Speaks to PostgreSQL over a connection of its own, that may write whatever is set. */
  asAdmin: Admin;
  askRedis(...command: string[]): Promise<unknown>;
}

/** In the database of the server's own, or in Otto's. */
export type Admin = <T>(
  work: (sql: postgres.Sql) => Promise<T>,
  where?: "server" | "database",
) => Promise<T>;

/** Otto's database. */
export const DATABASE = "otto";

/**
 * Starts PostgreSQL, a durable Redis, two `main.ts` and two `worker.ts`, all in a folder that
 * keeps what they have for the next start.
 *
 * @param ended hears of each process that ended by itself.
 */
export async function openCluster(
  { folder, runtime, ended }: {
    folder: string;
    runtime: ProcessOptions["runtime"];
    ended(name: string, process: Process): void;
  },
): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  // PostgreSQL runs as somebody else where we are root, and must get through to its folder.
  chmodSync(folder, 0o711);
  const [postgres, redis] = await Promise.all([
    startPostgres({ folder: `${folder}/postgres` }),
    startRedis({ durable: true, folder: `${folder}/redis` }),
  ]);
  if (postgres) stack.defer(() => postgres.stop());
  if (redis) stack.defer(() => redis.stop());
  if (!postgres?.own || !redis?.own) {
    throw new Error(
      "Cannot start a storm: it needs the binaries of PostgreSQL and Redis, for servers of its own. " +
        "Install both (on Debian: apt-get install postgresql redis-server).",
    );
  }
  const databaseUrl = new URL(`/${DATABASE}`, postgres.url).href;
  const asAdmin: Admin = (work, where = "server") =>
    admin(where === "server" ? postgres.url : databaseUrl, work);
  const isNew = await undoSettings(asAdmin);
  if (isNew) await postgres.createDatabase(DATABASE);
  const env = {
    ...SENDER_SETTINGS,
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    LOG_LEVEL: "info",
  };

  async function keep<R extends Restartable>(name: string, start: Promise<R>) {
    const part = keepRunning(name, await start, { folder, ended });
    stack.use(part);
    return part;
  }
  // The first one makes the tables; the others need not wait for each other.
  const first = await startMain(env, { runtime });
  const second = startMain(env, { runtime });
  const [web1, web2, worker1, worker2] = await Promise.all([
    keep("web-1", Promise.resolve(first)),
    keep("web-2", second),
    keep("worker-1", startWorker(env, { runtime })),
    keep("worker-2", startWorker(env, { runtime })),
  ]);
  const opened = stack.move();
  return {
    origins: [web1, web2].map(({ running }) => (running as Main).origin),
    webs: [web1, web2],
    workers: [worker1, worker2],
    postgres,
    redis,
    asAdmin,
    askRedis: (...command) => ask(redis.url, command),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/**
 * Undoes what a storm that was stopped in the middle of a fault has left set.
 *
 * @returns whether there is no database yet.
 */
async function undoSettings(asAdmin: Admin): Promise<boolean> {
  return await asAdmin(async (sql) => {
    await sql`alter system reset all`;
    await sql`select pg_reload_conf()`;
    const found = await sql`select from pg_database where datname = ${DATABASE}`;
    if (found.length === 0) return true;
    await sql`alter database ${sql(DATABASE)} reset all`;
    return false;
  });
}

async function admin<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: 5,
    fetch_types: false,
    onnotice() {},
    connection: { application_name: "storm", default_transaction_read_only: false },
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Looks after a process: its lines go into a file, and when it ends by itself it is told and started again. */
function keepRunning(
  name: string,
  running: Restartable,
  { folder, ended }: { folder: string; ended(name: string, process: Process): void },
): Part & AsyncDisposable {
  let disturbed = false;
  let closed = false;
  let gone = false;
  let settled: Promise<void> = Promise.resolve();

  function watch(): void {
    const { process } = running;
    gone = false;
    settled = process.exited.then(async () => {
      gone = true;
      appendFileSync(`${folder}/${name}.log`, process.lines.map((line) => `${line}\n`).join(""));
      if (disturbed || closed || process !== running.process) return;
      ended(name, process);
      await start();
    });
  }

  async function start(): Promise<void> {
    // It may be slow to say so while its stores are away; what matters is that it runs.
    const started = running.start().catch((error) => {
      if (running.process.lines.length === 0) throw error;
    });
    watch();
    await started;
  }

  watch();
  return {
    name,
    running,
    async disturb(fault) {
      disturbed = true;
      try {
        await fault(running);
      } finally {
        disturbed = false;
        if (gone && !closed) await settled.then(start);
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await running[Symbol.asyncDispose]();
      await settled.catch(() => {});
    },
  };
}
