import type { Database, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { intoOutbox } from "../store/outbox.ts";
import type { Destination } from "../task/destination.ts";
import { storedJson } from "../store/stored.ts";
import type { UnstartedTask } from "./jobs.ts";

/** Counting ends here: beyond it the number tells nobody more, and the statement should stay short. */
const MOST_COUNTED = 10_000;

/**
 * The oldest task whose job nobody has started within so many seconds, unless
 * people know of one already.
 */
export async function findUnstarted(database: Database, seconds: number): Promise<UnstartedTask[]> {
  const rows = await database.query(
    "find jobs that nobody starts",
    (sql) =>
      sql<{ id: string; source: string; title: string; waited: number; more: number }[]>`
      with unstarted as (
        select id, source, title, job_submitted_at, job_late_at from tasks
        where job_state = 'submitted' and status = 'pending'
          and job_submitted_at < now() - make_interval(secs => ${seconds})
        limit ${MOST_COUNTED}
      )
      select id, source, title, extract(epoch from now() - job_submitted_at)::int as waited,
        (select count(*)::int - 1 from unstarted) as more
      from unstarted where not exists (select from unstarted where job_late_at is not null)
      order by job_submitted_at, id limit 1`,
  );
  return rows.map(({ id, source, title, waited, more }) => ({
    id,
    source,
    text: `No agent has started this for ${inWords(waited)}: ${title}` +
      (more > 0 ? ` (and ${more} more wait)` : ""),
  }));
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200
    ? `${Math.floor(seconds / 60)} minutes`
    : `${Math.floor(seconds / 3_600)} hours`;
}

/**
 * Tells people of tasks that nobody starts, once for each job: `job_late_at` says
 * when, and the notification's cause has the round ("late:" is how it is stored).
 */
export async function tellUnstarted(
  database: Database,
  unstarted: readonly (UnstartedTask & { tell: readonly Destination[] })[],
): Promise<void> {
  if (unstarted.length === 0) return;
  const rows = unstarted.map((task) => ({
    ...task,
    tell: task.tell.map((to) => ({ notification_id: newId(), ...to })),
  }));
  await database.query("tell of tasks that nobody starts", (sql) =>
    sql`
      with unstarted as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb)
          as u(id uuid, text text, tell jsonb)
      ), noted as (
        update tasks t set job_late_at = now() from unstarted u
        where t.id = u.id and t.job_state = 'submitted' and t.job_late_at is null
        returning t.id, t.job_round, u.text, u.tell
      ), told as (
        ${intoOutbox(sql, lateness(sql))}
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from told having count(*) > 0`);
}

/**
 * How many jobs nobody has started within so many seconds, and for how many seconds
 * the oldest waits.
 *
 * @param ms how long the database may take.
 */
export async function countUnstarted(
  database: Database,
  seconds: number,
  ms: number,
): Promise<{ count: number; waited: number }> {
  const [row] = await database.query(
    "count jobs that nobody starts",
    (sql) =>
      sql<{ count: number; waited: number }[]>`
      select count(*)::int as count,
        coalesce(max(extract(epoch from now() - job_submitted_at)), 0)::int as waited
      from (
        select job_submitted_at from tasks
        where job_state = 'submitted' and status = 'pending'
          and job_submitted_at < now() - make_interval(secs => ${seconds})
        limit ${MOST_COUNTED}
      ) unstarted`,
    ms,
  );
  return row;
}

/** What is told of the tasks that `tellUnstarted` has `noted`. */
const lateness = (sql: Sql) =>
  sql`
    select d.notification_id, 'late:' || n.id || ':' || n.job_round, n.id, null::uuid,
      d.channel, d.destination, 'not_started', n.text
    from noted n,
      jsonb_to_recordset(n.tell) as d(notification_id uuid, channel text, destination text)`;
