import type { Database, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { idArray } from "../store/stored.ts";

/**
 * Whether a row of `tasks` waits for an event that has come, or no longer: a condition in SQL. The index
 * goes by `wait_until`, which a claim leaves as it is: one by the status would cost each claim.
 */
export function isToWake(sql: Sql) {
  return sql`wait_until is not null and status = 'waiting_event'
    and least(wake_at, wait_until) <= now()`;
}

/** Says of a row of `tasks` that it waits for no event, in an `update`. */
export const NO_WAIT =
  "wait_key = null, wait_for = null, wait_until = null, wake_at = null, waking_since = null";

/** One statement wakes so many; the next look wakes the rest. */
const AT_ONCE = 100;

/**
 * Wakes the tasks whose event has come, and those that have waited long enough: whichever is first,
 * the other finds nothing to wake.
 *
 * @returns how many wait for a worker now.
 */
export async function wakeTasks(database: Database): Promise<number> {
  const events = Array.from({ length: AT_ONCE }, newId);
  const rows = await database.query("wake tasks", (sql) =>
    sql`
      with due as (
        select id, wake_at from tasks where ${isToWake(sql)} order by id limit ${AT_ONCE}
        for update skip locked
      ), numbered as (
        select *, row_number() over (order by id) as place from due
      ), woken as (
        update tasks t set status = 'pending', attempts = 0, not_before = null,
          ${sql.unsafe(NO_WAIT)}
        from numbered n where t.id = n.id returning t.id, n.place, n.wake_at as came_at
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select (${idArray(events)}::uuid[])[place], id, 'woken', 'otto',
          jsonb_build_object('came', came_at is not null) from woken
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from woken having count(*) > 0
      )
      select id from woken`);
  return rows.length;
}

/**
 * A person wakes a task that waits for an event, or lets one that was put off try again at once: the
 * budget may have been raised, or the provider be back. False when it does neither. Ring
 * `bells.tasks`.
 */
export async function wakeTask(
  database: Database,
  { id, actor }: { id: string; actor: string },
): Promise<boolean> {
  const rows = await database.query("wake a task", (sql) =>
    sql`
      with woken as (
        update tasks set status = 'pending', attempts = 0, not_before = null,
          answer = case when status = 'waiting_event' then 'woken' else answer end,
          ${sql.unsafe(NO_WAIT)}
        where id = ${id}
          and (status = 'waiting_event' or status = 'pending' and not_before > now())
        returning id
      ), noted as (
        insert into task_events (id, task_id, kind, actor)
        select ${newId()}, id, 'woken', ${actor} from woken
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from woken
      )
      select id from woken`);
  return rows.length > 0;
}

/** Why nothing later can come to a task: told to its agent, and so to whoever looks. */
export const NO_SUBJECT =
  "its message has no subject that Otto knows, so that nothing later is about the same";
export const LATER_APART = "later messages of this source come to tasks of their own: its " +
  '"later" in SOURCES_FILE is not "continue"';

/**
 * About so many tasks wait at once, in all: each is a promise to somebody. Those in hand that look in
 * the same moment may all get in, which nothing minds: a lock over all ends of turns would cost more.
 */
const MOST_WAITING = 1_000;
/** No source may say more: the longest wait, in hours; a build takes minutes, and a person a day. */
export const MOST_WAIT_HOURS = 24;
export const MOST_WAIT_MINUTES = MOST_WAIT_HOURS * 60;
/** Of a wait that does not say how long it is. */
export const USUAL_WAIT_MINUTES = 60;

/** How often one task of a source waits, and for how long at most: its budgets, whoever works it. */
export interface WaitLimits {
  waits: number;
  waitHours: number;
}

/**
 * Why a task may not wait so long once more, in words; undefined where it may.
 *
 * @param waits how often it has waited.
 */
export async function whyNotOnceMore(
  database: Database,
  { waits, minutes }: { waits: number; minutes: number },
  limits: WaitLimits,
): Promise<string | undefined> {
  if (waits >= limits.waits) {
    return `the task has waited ${waits === 1 ? "once" : `${waits} times`} already`;
  }
  const most = limits.waitHours * 60;
  if (minutes > most) return `a wait may take ${most} minutes at most`;
  const [{ count }] = await database.query("count waiting tasks", (sql) =>
    sql<{ count: number }[]>`
      select count(*)::int as count from (
        select from tasks where wait_until is not null and status = 'waiting_event'
        limit ${MOST_WAITING}) w`);
  return count >= MOST_WAITING ? `${MOST_WAITING} tasks wait already` : undefined;
}
