import type { Database } from "../../store/database.ts";

/** Whoever has not said yes by then looks again. */
const UNASKED_MINUTES = 60;
/** How long its result can be read. */
const KEPT_DAYS = 30;

/** Ends what was prepared and nobody has started. */
export async function endUnstarted(database: Database): Promise<void> {
  await database.query("end unstarted bulk actions", (sql) =>
    sql`
      update bulk_actions set state = 'cancelled', finished_at = now()
      where finished_at is null and state in ('preparing', 'ready')
        and created_at < now() - make_interval(mins => ${UNASKED_MINUTES})`);
}

/** Removes rows that nobody works any more, at most so many, and says how many. */
export async function forgetBulkRows(database: Database, most: number): Promise<number> {
  const rows = await database.query("forget what was left of bulk actions", (sql) =>
    sql`
      delete from bulk_rows where (bulk_id, row_id) in (
        select r.bulk_id, r.row_id from bulk_actions b
        cross join lateral (
          select bulk_id, row_id from bulk_rows where bulk_id = b.id limit ${most}) r
        where b.finished_at is not null limit ${most}
      ) returning 1`);
  return rows.length;
}

/** Removes those that ended long ago. */
export async function forgetBulkActions(database: Database): Promise<void> {
  await database.query("forget bulk actions", (sql) =>
    sql`
      delete from bulk_actions b where finished_at < now() - make_interval(days => ${KEPT_DAYS})
        and not exists (select from bulk_rows where bulk_id = b.id)`);
}
