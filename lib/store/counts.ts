import type { Database } from "./database.ts";

/**
 * Whether the table `counts` has all there is: what was there before it was made is counted by
 * `0013_rows.after.sql`.
 */
export const COUNTED = "exists (select from upgrades where name = 'counted')";

/**
 * Adds up what triggers have written into `counts` since the last time: a row for each kind, type
 * and state instead of one for each statement. May run in any number of processes.
 */
export async function foldCounts(database: Database): Promise<void> {
  await database.query("add up the counts", (sql) =>
    sql`
      with folded as (
        delete from counts where ctid in (select ctid from counts for update skip locked)
          and ${sql.unsafe(COUNTED)}
        returning *
      )
      insert into counts (kind, type, state, items, repeats)
      select kind, type, state, sum(items), sum(repeats) from folded
      group by kind, type, state having sum(items) <> 0 or sum(repeats) <> 0`);
}
