import type { Database, Sql } from "../store/database.ts";

/** Whether a row of `tasks` waits for an event that has come, or no longer: a condition in SQL. */
export function isToWake(sql: Sql) {
  return sql`status = 'waiting_event' and least(wake_at, wait_until) <= now()`;
}

/** One statement wakes so many; the next look wakes the rest. */
const AT_ONCE = 100;

/**
 * Wakes the tasks whose event has come, and those that have waited long enough: whichever is first,
 * the other finds nothing to wake.
 *
 * @returns how many wait for a worker now.
 */
export async function wakeTasks(database: Database): Promise<number> {
  const rows = await database.query("wake tasks", (sql) =>
    sql`
      with due as (
        select id from tasks where ${isToWake(sql)} order by id limit ${AT_ONCE}
        for update skip locked
      ), woken as (
        update tasks t set status = 'pending', attempts = 0, not_before = null, wait_key = null,
          wait_for = null, wait_until = null, wake_at = null, waking_since = null
        from due where t.id = due.id returning t.id
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from woken having count(*) > 0
      )
      select id from woken`);
  return rows.length;
}
