import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import type { Destination } from "../task/destination.ts";
import { storedJson } from "../store/stored.ts";
import type { UnstartedTask } from "./jobs.ts";

/**
 * The oldest task whose job nobody has started within so many seconds, unless
 * people know of one already.
 */
export async function findUnstarted(database: Database, seconds: number): Promise<UnstartedTask[]> {
  const rows = await database.query(
    "find jobs that nobody starts",
    (sql) =>
      sql<{ id: string; source: string; title: string; waited: number; others: number }[]>`
      with late as (
        select id, source, title, job_submitted_at, job_late_at from tasks
        where job_state = 'submitted' and status = 'pending'
          and job_submitted_at < now() - make_interval(secs => ${seconds})
        limit 10000
      )
      select id, source, title, extract(epoch from now() - job_submitted_at)::int as waited,
        (select count(*)::int - 1 from late) as others
      from late where not exists (select from late where job_late_at is not null)
      order by job_submitted_at, id limit 1`,
  );
  return rows.map(({ id, source, title, waited, others }) => ({
    id,
    source,
    text: `No agent has started this for ${inWords(waited)}: ${title}` +
      (others > 0 ? ` (and ${others} more wait)` : ""),
  }));
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200
    ? `${Math.floor(seconds / 60)} minutes`
    : `${Math.floor(seconds / 3_600)} hours`;
}

/** Tells people of tasks that nobody starts, once for each job. */
export async function tellUnstarted(
  database: Database,
  late: readonly (UnstartedTask & { tell: readonly Destination[] })[],
): Promise<void> {
  if (late.length === 0) return;
  const rows = late.map((task) => ({
    ...task,
    tell: task.tell.map((to) => ({ notification_id: newId(), ...to })),
  }));
  await database.query("tell of tasks that nobody starts", (sql) =>
    sql`
      with late as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb)
          as l(id uuid, text text, tell jsonb)
      ), noted as (
        update tasks t set job_late_at = now() from late
        where t.id = late.id and t.job_state = 'submitted' and t.job_late_at is null
        returning t.id, t.job_round, late.text, late.tell
      )
      insert into notifications (id, cause, task_id, channel, destination, kind, text)
      select d.notification_id, 'late:' || n.id || ':' || n.job_round, n.id, d.channel,
        d.destination, 'not_started', n.text
      from noted n,
        jsonb_to_recordset(n.tell) as d(notification_id uuid, channel text, destination text)
      on conflict do nothing`);
}

/** How many jobs nobody has started within so many seconds, and how long the oldest waits. */
export async function countUnstarted(
  database: Database,
  seconds: number,
  ms: number,
): Promise<{ late: number; waited: number }> {
  const [row] = await database.query(
    "count jobs that nobody starts",
    (sql) =>
      sql<{ late: number; waited: number }[]>`
      select count(*)::int as late,
        coalesce(max(extract(epoch from now() - job_submitted_at)), 0)::int as waited
      from (
        select job_submitted_at from tasks
        where job_state = 'submitted' and status = 'pending'
          and job_submitted_at < now() - make_interval(secs => ${seconds})
        limit 10000
      ) late`,
    ms,
  );
  return row;
}
