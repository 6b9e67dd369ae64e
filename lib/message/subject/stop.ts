import type { Database, Sql } from "../../store/database.ts";
import { WEB_CHANNEL } from "../../store/outbox.ts";

/** Stops a subject: its messages are kept and shown, and make no task; false when it is stopped already. */
export async function stopSubject(
  database: Database,
  { id, why }: { id: string; why: string },
): Promise<boolean> {
  const rows = await database.query(
    "stop a subject",
    (sql) =>
      sql`update subjects set stopped_at = now(), stopped_why = ${why}, version = version + 1
      where id = ${id} and stopped_at is null returning id`,
  );
  return rows.length > 0;
}

/** Lets a stopped subject go on; what came meanwhile stays as it was. False when it was not stopped. */
export async function resumeSubject(database: Database, id: string): Promise<boolean> {
  const rows = await database.query(
    "resume a subject",
    (sql) =>
      sql`update subjects set stopped_at = null, stopped_why = null, resumed_at = now(),
        version = version + 1
      where id = ${id} and stopped_at is not null returning id`,
  );
  return rows.length > 0;
}

/** So many tasks about one thing that fail one after the other are no bad luck. */
const MOST_FAILED = 3;

const FAILED_TOO_OFTEN = `the last ${MOST_FAILED} tasks about it failed, one after the other. ` +
  "A person can let it go on";

/**
 * A part of the statement that ends tasks, which has `finish`: the subjects that go on failing with
 * it, taken before their tasks, as everybody takes them. Only those whose messages continue tasks
 * have an open one.
 */
export const failingSubjects = (sql: Sql) =>
  sql`
    failing as (
      select s.id, t.id as task_id
      from finish f join tasks t on t.id = f.task_id and t.epoch = f.epoch and t.status = 'running'
        join messages m on m.id = t.message_id
        join subjects s on s.id = t.subject_id and s.open_task = t.id and s.stopped_at is null
      where f.status = 'failed' and ${MOST_FAILED - 1} = (
        select count(*) filter (where before.status = 'failed'
          and before.finished_at > coalesce(s.resumed_at, '-infinity'))
        from (
          select b.status, b.finished_at from tasks b join messages its on its.id = b.message_id
          where b.subject_id = s.id and b.subject_id is not null and b.id < t.id
            and b.status in ('completed', 'failed', 'cancelled')
            -- What a stranger makes fail is no reason.
            and (its.verification = 'verified') = (m.verification = 'verified')
          order by b.id desc limit ${MOST_FAILED - 1}) before)
      order by s.source, s.key for update of s
    )`;

/** The same, after `ended`, which has the ids of tasks with their statuses. */
export const stopFailing = (sql: Sql) =>
  sql`
    stopped as (
      update subjects s
      set stopped_at = now(), stopped_why = ${FAILED_TOO_OFTEN}, version = s.version + 1
      from failing f join ended e on e.id = f.task_id and e.status = 'failed'
      where s.id = f.id
      returning s.id, s.version, coalesce(s.name, s.source) as name, e.id as task_id, e.stop_id
    )`;

/** What is told of them, as rows of the outbox. */
export const stopsOfFailing = (sql: Sql) =>
  sql`
    select stop_id, 'subject:' || id || ':' || version, task_id, null::uuid, ${WEB_CHANNEL},
      ${WEB_CHANNEL}, 'subject_stopped', 'Stopped: ' || name || ', as ' || ${FAILED_TOO_OFTEN}
    from stopped`;
