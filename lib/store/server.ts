import { deadline, DeadlineError } from "../async/deadline.ts";
import type { Log } from "../process/log.ts";
import { connect, type Database, type Sql } from "./database.ts";

/** Far more than any statement of ours takes, and short enough for whoever waits for the answer. */
const QUERY_MS = 5_000;
/** Less than a query may take, so that it fails with the connection's own words. */
const CONNECT_SECONDS = 2;
/** A longer wait for locks or work than this is cut off by the server itself: nobody waits any more. */
const STATEMENT_MS = 15_000;
/** One slow statement says nothing about the server, so many in a row do. */
const MOST_GIVEN_UP = 3;
/** What gives up at the same time as others shares the pool that the first of them made. */
const REPLACED_MS = 1_000;
/** With the inbox's own two, nine processes fit into a server's usual 100. */
const CONNECTIONS = 8;

/** Where a PostgreSQL server is, and how to speak to it. */
export interface ServerOptions {
  url: string;
  /** Prepared statements; must be off behind pgbouncer in transaction mode. */
  prepare?: boolean;
  connections?: number;
  log: Log;
}

/** Opens a pool to a PostgreSQL server. Connects when first used. */
export function openServer(options: ServerOptions): Database {
  const { log } = options;
  let sql = connectTo(options);
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
    if (performance.now() - replacedAt < REPLACED_MS) return;
    replacedAt = performance.now();
    givenUp = 0;
    const old = sql;
    sql = connectTo(options);
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

function connectTo(
  { url, prepare = true, connections = CONNECTIONS }: ServerOptions,
): Sql {
  return connect(url, {
    max: connections,
    prepare,
    connect_timeout: CONNECT_SECONDS,
    // Seconds. A connection that rests for long may have been dropped by what lies between, and
    // one that lives for ever keeps a server from being drained.
    idle_timeout: 60,
    max_lifetime: 30 * 60,
    // Seconds: soon there again, and no more than one try a second while it is away.
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
}
