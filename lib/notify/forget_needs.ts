import type { Database } from "../store/database.ts";
import { firstIdAt } from "../store/id.ts";
import { NEED, NEED_TRY } from "./need.ts";

/**
 * Removes tellings of what needed somebody from before a time: they belong to no message with which
 * they would go.
 *
 * @returns how many, `limit` at most.
 */
export async function forgetNeeds(
  database: Database,
  before: Date,
  limit: number,
): Promise<number> {
  const rows = await database.query("forget old tellings", (sql) =>
    sql`
      delete from notifications where id = any(array(
        select id from notifications
        where kind in ${sql([NEED, NEED_TRY])} and id < ${firstIdAt(before)}
        order by id limit ${limit} for update skip locked))
      returning id`);
  return rows.length;
}
