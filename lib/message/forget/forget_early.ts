import type { Database } from "../../store/database.ts";
import { idArray } from "../../store/stored.ts";

/** So many messages are read at a time: some milliseconds. */
const LOOKED_AT = 5_000;
/**
 * How long it rests when it has come to the end. A day's worth of messages becomes old in a day, so
 * an hour more or less is nothing, and a history of millions is not read all the time.
 */
const REST_MS = 60 * 60_000;
const DAY_SECONDS = 24 * 3_600;
/** Before every id. */
const FIRST = "00000000-0000-0000-0000-000000000000";

/** How far the walk over all messages has come, in this process. */
interface Walk {
  after: string;
  /** By this process's monotonic clock. */
  restsUntil: number;
}

const walks = new WeakMap<Database, Walk>();

/** How long messages are kept, in days. */
interface Retention {
  retentionDays: number;
  /** Those that nobody vouched for. */
  unverifiedRetentionDays: number;
  /** Those of a source, by its name, where they go before all others. */
  sources: ReadonlyMap<string, number>;
}

/**
 * Removes up to `atOnce` of the messages that go before the others, because nobody vouched for
 * them or their source's rules say so, by the store's clock and with all that hangs on them; none
 * whose task is still open. Called again and again, it walks over all messages by their ids: an index for it
 * would cost every message that is taken in, and lock a large table when it is made.
 *
 * @returns how many were removed.
 */
export async function forgetEarly(
  database: Database,
  { retentionDays, unverifiedRetentionDays, sources }: Retention,
  atOnce: number,
): Promise<number> {
  const shortest = Math.min(unverifiedRetentionDays, ...sources.values());
  // Then they go with all others.
  if (shortest >= retentionDays) return 0;
  const { after, restsUntil } = walks.get(database) ?? { after: FIRST, restsUntil: 0 };
  if (performance.now() < restsUntil) return 0;
  const names = [...sources.keys()];
  const days = [...sources.values()];
  const [{ removed, last }] = await database.query(
    "forget what goes early",
    (sql) =>
      sql<{ removed: number; last: string | null }[]>`
      with looked as materialized (
        select m.id, m.state, m.task_id,
          -- The last ones may stay longer than the first: only what no rule takes ends the walk.
          m.stored_at < now() - make_interval(secs => ${shortest * DAY_SECONDS}) as is_old,
          m.stored_at < now() - make_interval(secs => ${DAY_SECONDS} * least(
            s.days, ${retentionDays},
            case m.verification when 'unverified' then ${unverifiedRetentionDays}::float8 end
          )) as goes
        from messages m
        left join unnest(${idArray(names)}::text[], ${idArray(days.map(String))}::float8[])
          as s(source, days) on s.source = m.source
        where m.id > ${after} order by m.id limit ${LOOKED_AT}
      ), gone as (
        delete from messages where id in (
          select l.id from looked l left join tasks t on t.id = l.task_id
          where l.goes and l.state <> 'new'
            and (t.id is null or t.status in ('completed', 'failed', 'cancelled'))
          order by l.id limit ${atOnce}
        ) and state <> 'new' returning id
      )
      select (select count(*) from gone)::int as removed,
        (select max(id::text) from looked
          having bool_or(is_old) and count(*) = ${LOOKED_AT}) as last`,
  );
  // There is more to take away where it looked: it looks there once more.
  if (removed === atOnce) return removed;
  // Where all are young what comes after is young, too, but for clocks that differ.
  walks.set(
    database,
    last === null
      ? { after: FIRST, restsUntil: performance.now() + REST_MS }
      : { after: last, restsUntil: 0 },
  );
  return removed;
}
