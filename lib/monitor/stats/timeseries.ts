import type { Database } from "../../store/database.ts";
import { readClock } from "../../store/clock.ts";

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
  /** From a task's making to its end without the waits for people, in milliseconds; 0 where none ended. */
  p50: number[];
  p95: number[];
  /** Whether more tasks ended than are looked at: then the oldest steps have no times. */
  isCut: boolean;
}

/** Of so many tasks the times are looked at: the newest, enough for every chart but a flood's. */
const MOST_TASKS = 100_000;
/** Longer than other queries may take: whoever opens a chart waits for it. */
const READ_MS = 10_000;

/** Reads the time series: what is counted as it happens, and how long the newest tasks took. */
export async function readTimeSeries(database: Database, name: SpanName): Promise<TimeSeries> {
  const { seconds, steps } = SPANS[name];
  const { now } = await readClock(database);
  const from = new Date(now.getTime() - seconds * 1_000);
  const size = seconds / steps;
  const [row] = await database.query(
    "read a time series",
    (sql) => {
      const step = (column: string) =>
        sql`least(${steps - 1}, greatest(0, floor((extract(epoch from ${sql.unsafe(column)})
          - ${from.getTime() / 1_000}::float8) / ${size}::float8)))::int`;
      return sql<{
        happened: Happened[] | null;
        took: (Step & { tasks: number; p50: number; p95: number })[] | null;
      }[]>`
        select
          (select json_agg(h) from (
            select ${step("minute")} as step,
              coalesce(sum(items) filter (where state in ('received', 'rejected')), 0) as received,
              coalesce(sum(items) filter (where state = 'completed'), 0) as completed,
              coalesce(sum(items) filter (where state = 'failed'), 0) as failed
            from activity where minute >= ${from} group by 1) h) as happened,
          (select json_agg(t) from (
            select ${step("finished_at")} as step, count(*)::int as tasks,
              percentile_cont(0.5) within group (order by ms) as p50,
              percentile_cont(0.95) within group (order by ms) as p95
            from (
              select finished_at,
                greatest(0, extract(epoch from finished_at - created_at) * 1000 - waited_ms) as ms
              from tasks where finished_at >= ${from}
              order by finished_at desc limit ${MOST_TASKS}) t group by 1) t) as took`;
    },
    READ_MS,
  );
  const { happened, took } = row;
  const looked = (took ?? []).reduce((all, { tasks }) => all + tasks, 0);
  return {
    from,
    received: spread(steps, happened, ({ received }) => received),
    completed: spread(steps, happened, ({ completed }) => completed),
    failed: spread(steps, happened, ({ failed }) => failed),
    p50: spread(steps, took, ({ p50 }) => Math.round(p50)),
    p95: spread(steps, took, ({ p95 }) => Math.round(p95)),
    isCut: looked >= MOST_TASKS,
  };
}

interface Step {
  step: number;
}

interface Happened extends Step {
  received: number;
  completed: number;
  failed: number;
}

/** One value for each step, 0 where nothing happened. */
function spread<T extends Step>(
  steps: number,
  rows: readonly T[] | null,
  value: (row: T) => number,
): number[] {
  const values = Array<number>(steps).fill(0);
  for (const row of rows ?? []) values[row.step] = value(row);
  return values;
}
