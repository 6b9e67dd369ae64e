import type { Database } from "./database.ts";

/**
 * Whether the table `counts` has all there is: what was there before it was made is counted by
 * `0013_rows.after.sql`.
 */
export const COUNTED = "exists (select from upgrades where name = 'counted')";

/** As many rows as are added up well within a statement's time. */
export const FOLDED_AT_ONCE = 20_000;

/**
 * Adds up what triggers have written into `counts` since the last time: a row for each kind, type
 * and state instead of one for each statement. Of what stands alone nothing is written again. May
 * run in any number of processes.
 *
 * @returns how many rows were added up, 20,000 at most: there may be more.
 */
export async function foldCounts(database: Database): Promise<number> {
  const [{ folded }] = await database.query("add up the counts", (sql) =>
    sql<{ folded: number }[]>`
      with duplicated as materialized (
        select kind, type, state from (
          select kind, type, state from counts limit ${FOLDED_AT_ONCE}) first
        group by kind, type, state having count(*) > 1
      ), picked as materialized (
        select c.ctid as at from counts c join duplicated using (kind, type, state)
        where ${sql.unsafe(COUNTED)} limit ${FOLDED_AT_ONCE} for update of c skip locked
      ), gone as (
        delete from counts where ctid in (select at from picked) returning *
      ), sums as (
        insert into counts (kind, type, state, items, repeats)
        select kind, type, state, sum(items), sum(repeats) from gone
        group by kind, type, state having sum(items) <> 0 or sum(repeats) <> 0
      )
      select count(*)::int as folded from picked`);
  return folded;
}
