import type { Database } from "../store/database.ts";
import { firstIdAt } from "../store/id.ts";
import { readClock } from "../store/clock.ts";

/** How far back a chart looks, and in how many steps. */
export const SPANS = {
  "1h": { seconds: 3_600, steps: 60 },
  "24h": { seconds: 86_400, steps: 48 },
  "7d": { seconds: 604_800, steps: 56 },
} as const;

/** Such as `24h`. */
export type SpanName = keyof typeof SPANS;

/** What happened in each step, the oldest first. */
export interface TimeSeries {
  from: Date;
  received: number[];
  /** Messages that could not be read, and tasks that failed. */
  failed: number[];
  completed: number[];
  /** From a task's beginning to its end, in milliseconds; 0 where none ended. */
  p50: number[];
  p95: number[];
  /** Whether there was more than is looked at: then the oldest steps say too little. */
  isCut: boolean;
}

/** The newest are looked at, no more of each kind: reading them takes enough for every chart but a flood's. */
const MOST_ROWS = 100_000;
/** Longer than other queries may take: whoever opens a chart waits for it. */
const READ_MS = 10_000;
/** An id is made by its process's clock: looking as far back finds those of one that is behind. */
const IDS_BEHIND_MS = 60 * 60 * 1_000;

/** Reads the time series from the rows themselves: nothing is counted while messages come in. */
export async function readTimeSeries(database: Database, name: SpanName): Promise<TimeSeries> {
  const { seconds, steps } = SPANS[name];
  const { now } = await readClock(database);
  const from = new Date(now.getTime() - seconds * 1_000);
  const firstId = firstIdAt(new Date(from.getTime() - IDS_BEHIND_MS));
  const size = seconds / steps;
  const [row] = await database.query(
    "read a time series",
    (sql) => {
      const step = (column: string) =>
        sql`least(${steps - 1}, greatest(0, floor((extract(epoch from ${sql.unsafe(column)})
          - ${from.getTime() / 1_000}::float8) / ${size}::float8)))::int`;
      return sql<{
        received: Bucket[] | null;
        failed: Bucket[] | null;
        tasks: (Bucket & { failed: number; p50: number; p95: number })[] | null;
      }[]>`
        select
          (select json_agg(r) from (
            select ${step("stored_at")} as step, count(*)::int as count from (
              select stored_at from messages where id >= ${firstId} and stored_at >= ${from}
              order by id desc limit ${MOST_ROWS}) m group by 1) r) as received,
          (select json_agg(f) from (
            select ${step("settled_at")} as step, count(*)::int as count from (
              select settled_at from messages
              where state = 'failed' and id >= ${firstId} and settled_at >= ${from}
              order by id desc limit ${MOST_ROWS}) m group by 1) f) as failed,
          (select json_agg(t) from (
            select ${step("finished_at")} as step,
              count(*) filter (where status = 'completed')::int as count,
              count(*) filter (where status = 'failed')::int as failed,
              percentile_cont(0.5) within group (order by ms) as p50,
              percentile_cont(0.95) within group (order by ms) as p95
            from (
              select finished_at, status,
                greatest(0, extract(epoch from finished_at - created_at) * 1000) as ms
              from tasks where finished_at >= ${from}
              order by finished_at desc limit ${MOST_ROWS}) t group by 1) t) as tasks`;
    },
    READ_MS,
  );
  const { received, failed, tasks } = row;
  const unreadable = spread(steps, failed, ({ count }) => count);
  const looked = (received ?? []).reduce((all, { count }) => all + count, 0);
  return {
    from,
    received: spread(steps, received, ({ count }) => count),
    completed: spread(steps, tasks, ({ count }) => count),
    failed: spread(steps, tasks, (each) => each.failed).map((count, index) =>
      count + unreadable[index]
    ),
    p50: spread(steps, tasks, ({ p50 }) => Math.round(p50)),
    p95: spread(steps, tasks, ({ p95 }) => Math.round(p95)),
    isCut: looked >= MOST_ROWS,
  };
}

interface Bucket {
  step: number;
  count: number;
}

/** One value for each step, 0 where nothing happened. */
function spread<T extends Bucket>(
  steps: number,
  rows: readonly T[] | null,
  value: (row: T) => number,
): number[] {
  const values = Array<number>(steps).fill(0);
  for (const row of rows ?? []) values[row.step] = value(row);
  return values;
}
