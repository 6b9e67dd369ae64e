import { deadline } from "../../async/deadline.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Database, Sql } from "../database.ts";
import { newId } from "../id.ts";
import { openListener } from "./listener.ts";
import { codeOf, driverOf } from "./driver.ts";
import { type ConnectionPool, openPool, type StatementFailure } from "./pool.ts";
import { readServerAddress, type ServerAddress } from "./address.ts";
import { createSessions, isDispensable, type SessionStyle } from "./session.ts";

/** Far more than any statement of ours takes, and short enough for whoever waits for the answer. */
const QUERY_MS = 5_000;
/** What one process uses at most: nine of them fit into a server's usual 100. */
const CONNECTIONS = 10;
/** From so many on, two of them are for what must not wait behind the questions of a page. */
const TWO_APART_FROM = 6;
/** A read-only server is left no more often: until another one is there, it is all there is. */
const LEAVE_MS = 1_000;
/** A NOTIFY to oneself comes at once, or never. */
const HEAR_MS = 1_000;
/** Enough for all hosts of an address, and for each way of speaking to a pooler. */
const MOST_TRIES = 6;

/** Where a PostgreSQL server is, and how to speak to it. */
export interface ServerOptions {
  /** See `readServerAddress` for its parameters. */
  url: string;
  /** Prepared statements. Unset: unless something in between does not let them through. */
  prepare?: boolean;
  /** The most connections, of all pools together; unset: as the URL says, or 10. */
  connections?: number;
  /** The same where neither that nor the URL says how many. */
  usualConnections?: number;
  log: Log;
}

/** A server, with what only its entry points ask of it. */
export interface Server extends Database {
  readonly address: ServerAddress;
  /**
   * Sets some of the connections apart for statements that must not wait behind others. They go
   * with this one, and are closed with it.
   */
  apart(): Database;
  /** Looks whether a NOTIFY would be heard here: behind some poolers none is. */
  hears(): Promise<boolean>;
  /** Opens a session beside all of them, for statements that may take hours. Whoever asks ends it. */
  alone(): Sql;
}

/**
 * Opens connections to a PostgreSQL server. Connects when first used.
 *
 * @throws {Refusal} when the URL cannot be understood.
 */
export function openServer(
  { url, prepare, connections, usualConnections = CONNECTIONS, log }: ServerOptions,
): Server {
  const address = readServerAddress(url);
  const sessions = createSessions(address);
  let style: SessionStyle = {
    host: 0,
    prepare: prepare ?? !address.pooled,
    // Whoever says that a pooler is there need not be refused first.
    plain: !(prepare ?? !address.pooled),
  };
  let answeredAt = -Infinity;
  let leftAt = -Infinity;
  let isDeaf: boolean | undefined;
  let listens = false;
  const pools: ConnectionPool[] = [];
  const listener = openListener((events) => sessions(style, events), log);

  function leave(): void {
    for (const pool of pools) pool.leave();
    listener.renew();
  }

  /** Opens sessions in another way from now on. */
  function restyle(change: Partial<SessionStyle>): void {
    style = { ...style, ...change };
  }

  /** A server that was the primary: what is there now under its name may be the new one. */
  function leaveReadOnly({ left, tries }: StatementFailure): boolean {
    if (left) return tries === 1;
    if (performance.now() - leftAt < LEAVE_MS) return false;
    leftAt = performance.now();
    log.warn("database.read_only", { detail: "its connections are left for new ones" });
    restyle({ host: style.host + 1 });
    leave();
    return tries === 1;
  }

  /** A pooler: it says which parameter it does not take, and hands each statement to another session. */
  function speakPlainly(parameters: string[], { restyled }: StatementFailure): boolean {
    if (!parameters.every(isDispensable)) return false;
    if (style.plain) return restyled;
    restyle({ plain: true, prepare: prepare ?? false });
    log.info("database.pooler", { detail: plainRemark() });
    return true;
  }

  function stopPreparing({ restyled, left }: StatementFailure): boolean {
    if (prepare === true) return false;
    if (!style.prepare) return restyled || left;
    restyle({ prepare: false });
    log.info("database.pooler", { detail: plainRemark() });
    leave();
    return true;
  }

  function mend(failure: StatementFailure): boolean {
    const { error, sent, tries } = failure;
    if (tries >= MOST_TRIES) return false;
    const code = codeOf(error);
    if (code === "25006") return leaveReadOnly(failure);
    if (code === "26000" || code === "42P05") return stopPreparing(failure);
    const refused = refusedParameters(error);
    if (refused.length > 0) return speakPlainly(refused, failure);
    if (sent) return false;
    // One of several hosts that cannot be had: the next.
    if (tries >= address.hosts.length) return false;
    if (!failure.restyled) restyle({ host: style.host + 1 });
    return true;
  }

  function plainRemark(): string {
    return `behind a pooler: statements are ${style.prepare ? "" : "not "}prepared` +
      (prepare === undefined ? "; DATABASE_PREPARE=true would prepare them" : "");
  }

  function open(most: number): ConnectionPool {
    const pool = openPool({
      open: (closed) => sessions(style, { closed }),
      style: () => style,
      mend,
      heardFrom: () => void (answeredAt = performance.now()),
      hasAnswered: (since) => answeredAt >= since,
      silent() {
        for (const each of pools) each.dropIdle();
        listener.renew();
      },
      makeRoom() {
        for (const each of pools) if (each !== pool) each.giveOne();
      },
    }, most);
    pools.push(pool);
    return pool;
  }

  async function hears(): Promise<boolean> {
    if (isDeaf !== undefined) return !isDeaf;
    if (await isDirect(main)) {
      isDeaf = false;
      return true;
    }
    const channel = `otto_${newId().replaceAll("-", "")}`;
    const heard = Promise.withResolvers<void>();
    try {
      await listener.listen(channel, () => heard.resolve());
      await main.run(
        "notify itself",
        (sql) => sql`select pg_notify(${channel}, '')`,
        QUERY_MS,
      );
      isDeaf = await deadline("hear of it", HEAR_MS, heard.promise).then(() => false, () => true);
    } finally {
      listener.forget(channel);
    }
    if (isDeaf) log.warn("database.not_heard", { detail: DEAF_REMARK });
    return !isDeaf;
  }

  /** The listener's connection is one of those that were granted. */
  function grantListener(): boolean {
    if (!listens && main.limit > 1) {
      main.limit--;
      listens = true;
    }
    return listens;
  }

  const main = open(Math.max(1, connections ?? address.connections ?? usualConnections));
  const database: Database = {
    kind: "postgres",
    query: (what, statement, ms = QUERY_MS) => main.run(what, statement, ms),
    async listen(channel, heard) {
      if (!grantListener() || !await hears()) return;
      await listener.listen(channel, heard);
    },
    remarks: () => [
      ...style.plain && prepare === undefined ? [plainRemark()] : [],
      ...isDeaf ? [DEAF_REMARK] : [],
    ],
    async [Symbol.asyncDispose]() {
      listener.close();
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
  return {
    ...database,
    address,
    hears,
    alone: () => sessions({ ...style, prepare: false, unlimited: true }),
    apart() {
      const most = main.limit >= TWO_APART_FROM ? 2 : main.limit > 1 ? 1 : 0;
      if (most === 0) return { ...database, [Symbol.asyncDispose]: () => Promise.resolve() };
      main.limit -= most;
      const pool = open(most);
      return {
        ...database,
        query: (what, statement, ms = QUERY_MS) => pool.run(what, statement, ms),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

const DEAF_REMARK =
  "no NOTIFY is heard through the pooler: workers look for messages twice a second, and would " +
  "know at once over a direct connection or in session mode";

/** Whether nothing stands in between: a pooler gives out process numbers of its own. */
async function isDirect(pool: ConnectionPool): Promise<boolean> {
  let asked: PromiseLike<unknown> | undefined;
  const [{ pid }] = await pool.run("ask who answers", (sql) => {
    const statement = sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    asked = statement;
    return statement;
  }, QUERY_MS);
  return asked !== undefined && driverOf(asked).state?.pid === pid;
}

/** Which parameters a pooler does not take at the start of a session; PgBouncer's words. */
export function refusedParameters(error: unknown): string[] {
  if (codeOf(error) !== "08P01") return [];
  const [, names] = /unsupported startup parameters?: ([\w., ]+)/.exec(errorText(error)) ?? [];
  return names?.split(/,\s*/).map((name) => name.trim()) ?? [];
}
