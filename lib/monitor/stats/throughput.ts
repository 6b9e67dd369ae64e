import type { Database } from "../../store/database.ts";
import { firstIdAt } from "../../store/id.ts";
import { readClock } from "../../store/clock.ts";
import { cached } from "../../async/cached.ts";
import type { Stats } from "./stats.ts";

/** How many came through each stage in each of the last sixty minutes, the oldest first. */
export type Throughput = Record<StageName, number[]>;

type StageName = keyof Stats["stages"];

const MINUTES = 60;
const MINUTE_MS = 60_000;
/** Every page that is open asks; a minute's bar changes no faster for the eye. */
const FRESH_MS = 5_000;
/** Of each stage the newest are looked at, no more: more than 27 a second for an hour. */
const MOST_ROWS = 100_000;
/**
 * Rows become visible after the time that stands in them, so the minute before is counted again
 * together with the running one.
 */
const OPEN_MINUTES = 2;
/** Longer than other queries may take: after a start a whole hour is counted. */
const COUNT_MS = 10_000;

/**
 * Reads the throughput of all stages, once for all who ask within five seconds. What a
 * past minute had is kept, so that each time the latest two minutes are counted and
 * not the hour.
 */
export function openThroughput(
  database: Database,
  fresh: Parameters<typeof cached>[1] = { freshMs: FRESH_MS },
): () => Promise<Throughput> {
  const kept = new Map<number, Counts>();
  /** The last minute whose counts are final. */
  let countedTo = -Infinity;

  return cached(async () => {
    const now = Math.floor((await readClock(database)).now.getTime() / MINUTE_MS);
    const oldest = now - MINUTES + 1;
    const from = Math.max(oldest, countedTo + 1);
    const rows = await countSince(database, new Date(from * MINUTE_MS));
    for (const minute of [...kept.keys()]) {
      if (minute < oldest || minute >= from) kept.delete(minute);
    }
    for (const { minute, stage, count } of rows) {
      const counts = kept.get(minute) ?? {};
      kept.set(minute, { ...counts, [stage]: count });
    }
    countedTo = now - OPEN_MINUTES;
    const of = (stage: StageName) =>
      Array.from({ length: MINUTES }, (_, index) => kept.get(oldest + index)?.[stage] ?? 0);
    return {
      receive: of("receive"),
      queue: of("queue"),
      task: of("task"),
      agent: of("agent"),
      notify: of("notify"),
    };
  }, fresh);
}

type Counts = Partial<Record<StageName, number>>;

/** Every part is answered by an index, from its newest row backwards. */
async function countSince(
  database: Database,
  from: Date,
): Promise<{ stage: StageName; minute: number; count: number }[]> {
  // An id is made before its row is kept, by a clock that may be behind, and a notification's
  // long before it is sent at times.
  const idBefore = (ms: number) => firstIdAt(new Date(from.getTime() - ms));
  return await database.query(
    "count by the minute",
    (sql) =>
      sql<{ stage: StageName; minute: number; count: number }[]>`
      with completed as materialized (
        select claimed_at, settled_at, state from messages where settled_at >= ${from}
        order by settled_at desc limit ${MOST_ROWS}
      )
      select stage, floor(extract(epoch from at) / 60)::int as minute, count(*)::int as count
      from (
        (select 'receive' as stage, stored_at as at from messages
          where id >= ${
        idBefore(MINUTES * MINUTE_MS)
      } and stored_at >= ${from} and state <> 'rejected'
            and released_at is null
          order by id desc limit ${MOST_ROWS})
        union all select 'queue', claimed_at from completed
        union all select 'task', settled_at from completed where state = 'processed'
        union all (select 'agent', finished_at from tasks where finished_at >= ${from}
          order by finished_at desc limit ${MOST_ROWS})
        union all (select 'notify', sent_at from notifications
          where id >= ${idBefore(MINUTES * MINUTE_MS)} and sent_at is not null
          order by id desc limit ${MOST_ROWS})
      ) passed
      where at >= ${from} group by 1, 2`,
    COUNT_MS,
  );
}
