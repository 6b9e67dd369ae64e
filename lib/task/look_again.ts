import type { Database } from "../store/database.ts";

/** One statement lets so many look again; the next look lets the rest. */
const AT_ONCE = 500;
/** Two processes whose budgets differ do not send a task back and forth all the time. */
const LEAST_MINUTES = 5;

/**
 * Lets tasks look again that wait for a budget under other terms than these: it may have room for
 * them now, and what it said of the time is of before. Ring `bells.tasks`.
 *
 * @param terms the agent's present ones.
 * @returns how many.
 */
export async function lookAgain(database: Database, terms: string): Promise<number> {
  const rows = await database.query("let tasks look at their budgets again", (sql) =>
    sql`
      with waiting as (
        select t.id from tasks t cross join lateral (
          select e.at, e.data from task_events e
          where e.task_id = t.id and e.kind = 'put_off' order by e.id desc limit 1) e
        where t.open and t.status = 'pending' and t.not_before > now()
          and e.data->>'under' <> ${terms}
          and e.at < now() - make_interval(mins => ${LEAST_MINUTES})
        order by t.id limit ${AT_ONCE} for update of t skip locked
      ), due as (
        update tasks t set not_before = null from waiting where t.id = waiting.id returning t.id
      ), changed as (
        insert into changes (kind, ids) select 'task', array_agg(id) from due having count(*) > 0
      )
      select id from due`);
  return rows.length;
}
