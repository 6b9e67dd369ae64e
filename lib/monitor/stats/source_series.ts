import type { Database } from "../../store/database.ts";
import { readClock } from "../../store/clock.ts";
import { NAME_OF_ACTIVITY } from "./source_stats.ts";
import { type SpanName, SPANS } from "./timeseries.ts";

/** What became of one source's webhooks in each step, the oldest first. */
export interface SourceSeries {
  from: Date;
  /** The length of a step. */
  seconds: number;
  taken: number[];
  refused: number[];
  /** Messages that could not be read, and tasks that failed. */
  failed: number[];
}

/** Of so many failures of what nobody knows it is told whose they were, the newest. */
const FAILURES = 1_000;

/** Reads one source's chart, from what is counted as it happens. */
export async function readSourceSeries(
  database: Database,
  name: string,
  span: SpanName,
): Promise<SourceSeries> {
  const { seconds: length, steps } = SPANS[span];
  const seconds = length / steps;
  const { now } = await readClock(database);
  // Whole steps, whose ends a person reads off a clock.
  const end = Math.ceil(now.getTime() / 1_000 / seconds) * seconds;
  const from = new Date((end - length) * 1_000);
  const rows = await database.query(
    "read a source's chart",
    (sql) => {
      const step = (column: string) =>
        sql`least(${steps - 1}, greatest(0, floor((extract(epoch from ${sql.unsafe(column)})
          - ${end - length}::float8) / ${seconds}::float8)))::int`;
      return sql<{ step: number; what: string; items: number }[]>`
        select step, what, sum(items)::float as items from (
          select ${step("minute")} as step, items,
            case state when 'received' then 'taken' when 'rejected' then 'refused' else 'failed' end
              as what
          from activity where minute >= ${from} and ${sql.unsafe(NAME_OF_ACTIVITY)} = ${name}
            and state in ('received', 'rejected', 'failed')
          union all
          select ${step("t.finished_at")}, 1, 'failed'
          from (select message_id, source, finished_at from tasks
            where error_code is not null and status = 'failed' and finished_at >= ${from}
            order by finished_at desc nulls last limit ${FAILURES}) t
          join messages m on m.id = t.message_id
          where t.source = 'generic' and lower(m.webhook_type collate "C") = ${name}
        ) happened group by 1, 2`;
    },
  );
  const spread = (what: string) => {
    const values = Array<number>(steps).fill(0);
    for (const row of rows) if (row.what === what) values[row.step] = row.items;
    return values;
  };
  return {
    from,
    seconds,
    taken: spread("taken"),
    refused: spread("refused"),
    failed: spread("failed"),
  };
}
