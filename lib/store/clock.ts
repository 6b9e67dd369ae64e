import type { Database } from "./database.ts";

/** What the database's clock says, and how far this process's is from it. */
export interface StoreClock {
  now: Date;
  /** Above zero: this process is ahead of the database. 0 where the two may agree. */
  aheadSeconds: number;
}

/**
 * Reads the database's clock, which all processes share; the one of a process may be wrong by any
 * amount. The embedded database has no other clock than its process's.
 */
export async function readClock(database: Database, ms?: number): Promise<StoreClock> {
  const askedAt = Date.now();
  const [{ now }] = await database.query(
    "read the database's clock",
    (sql) =>
      sql<{ now: number }[]>`
      select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    ms,
  );
  const answeredAt = Date.now();
  // It was read at some time between the two: a slow answer is no wrong clock.
  const ahead = now < askedAt ? askedAt - now : now > answeredAt ? answeredAt - now : 0;
  return { now: new Date(Math.floor(now)), aheadSeconds: Math.round(ahead / 1_000) };
}
