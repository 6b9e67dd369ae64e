import type { Database, Sql } from "../../store/database.ts";

/**
 * Removes messages stored before a time of the database's, with all that hangs on them; at most
 * `limit`. Their ids say nothing about their age: each process makes them by its own clock. So the
 * first by id are looked at, and for those that stand behind wrong ids the first to be settled.
 */
export async function forgetMessages(
  database: Database,
  before: Date,
  limit: number,
): Promise<number> {
  const rows = await database.query("forget old messages", (sql) =>
    sql`
      delete from messages where id in (
        select id from (
          (select m.id, m.stored_at from messages m left join tasks t on t.id = m.task_id
            where m.state <> 'new' and ${hasEnded(sql)} order by m.id limit ${limit})
          union
          (select m.id, m.stored_at from messages m left join tasks t on t.id = m.task_id
            where m.settled_at < ${before} and m.state <> 'new' and ${hasEnded(sql)}
            order by m.settled_at limit ${limit})
        ) oldest where stored_at < ${before} limit ${limit}
      ) returning id`);
  return rows.length;
}

/** Whether nobody works on a message any more, with the task `t` that it may have. */
export function hasEnded(sql: Sql) {
  return sql`(t.id is null or t.status in ('completed', 'failed', 'cancelled'))`;
}
