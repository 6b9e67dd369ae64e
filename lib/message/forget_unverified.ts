import type { Database } from "../store/database.ts";

/** So many messages are read at a time: some milliseconds. */
const LOOKED_AT = 5_000;
/**
 * How long it rests when it has come to the end. A day's worth of messages becomes old in a day, so
 * an hour more or less is nothing, and a history of millions is not read all the time.
 */
const REST_MS = 60 * 60_000;
/** Before every id. */
const FIRST = "00000000-0000-0000-0000-000000000000";

/** How far the walk over all messages has come, in this process. */
interface Walk {
  after: string;
  /** By this process's monotonic clock. */
  restsUntil: number;
}

const walks = new WeakMap<Database, Walk>();

/**
 * Removes up to `atOnce` of the messages that nobody vouched for and that were stored longer than
 * `unverifiedRetentionDays` ago by the store's clock, with all that hangs on them; none whose task
 * is still open. Called again and again, it walks over all messages by their ids: an index for it
 * would cost every message that is taken in, and lock a large table when it is made.
 *
 * @returns how many were removed.
 */
export async function forgetUnverified(
  database: Database,
  { unverifiedRetentionDays, retentionDays }: {
    unverifiedRetentionDays: number;
    retentionDays: number;
  },
  atOnce: number,
): Promise<number> {
  // Then they go with all others.
  if (unverifiedRetentionDays >= retentionDays) return 0;
  const { after, restsUntil } = walks.get(database) ?? { after: FIRST, restsUntil: 0 };
  if (performance.now() < restsUntil) return 0;
  const seconds = unverifiedRetentionDays * 24 * 3_600;
  const [{ removed, last }] = await database.query(
    "forget what nobody vouched for",
    (sql) =>
      sql<{ removed: number; last: string | null }[]>`
      with looked as materialized (
        select id, verification, state, task_id,
          stored_at < now() - make_interval(secs => ${seconds}) as is_old
        from messages where id > ${after} order by id limit ${LOOKED_AT}
      ), gone as (
        delete from messages where id in (
          select l.id from looked l left join tasks t on t.id = l.task_id
          where l.is_old and l.verification = 'unverified' and l.state <> 'new'
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
