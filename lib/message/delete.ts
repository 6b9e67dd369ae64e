import type { Database } from "../store/database.ts";
import { forgetIfUntold } from "./subject/subject.ts";

/**
 * How often a deletion is tried while workers change the message under its hands. A message is
 * completed once, so two tries are enough but for people who replay and retry at the same time.
 */
const MOST_TRIES = 5;

/** Settings with names that begin so name ARQ jobs whose tasks were deleted; the rest is the job's id. */
export const DELETED_JOB = "deleted_job:";

/**
 * Removes a message (also by an alias), its task, its notifications. Where others
 * share the task it goes all the same, since it tells what is removed: they stay,
 * without one, and can be replayed. False when there is none.
 */
export async function deleteMessage(database: Database, id: string): Promise<boolean> {
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    const [{ there, gone, subject_id }] = await deleteAsSeen(database, id);
    // By itself: all other statements take subjects before messages.
    if (gone && subject_id) await forgetIfUntold(database, subject_id);
    if (gone || !there) return gone;
  }
  throw new Error(`message ${id} changes whenever it is to be deleted`);
}

/**
 * Deletes a message as long as it has the task that this statement sees: what it has become while
 * the deletion waited for a worker's lock is seen only by another statement.
 */
async function deleteAsSeen(database: Database, id: string) {
  return await database.query(
    "delete a message",
    (sql) =>
      sql<{ there: boolean; gone: boolean; subject_id: string | null }[]>`
      with asked as (
        select id, task_id, subject_id from messages
        where id = coalesce((select message_id from message_aliases where alias = ${id}), ${id})
      ), shared as (
        select other.message_id from burst_messages its
        join asked on asked.id = its.message_id
        join burst_messages other on other.burst_id = its.burst_id
          and other.message_id <> its.message_id
      ), gone as (
        delete from messages m using asked
        where m.id = asked.id and m.task_id is not distinct from asked.task_id returning m.id
      ), tasks_gone as (
        select t.id, t.job_state, t.job_round from tasks t
        where t.message_id in (select id from asked union all select message_id from shared)
          and exists (select from gone)
      ), notifications_gone as (
        select n.id from notifications n join gone on true
        where n.message_id = gone.id or n.task_id in (select id from tasks_gone)
      ), jobs_left as (
        -- Redis is told later: it may be away, and nobody should work on what is gone.
        insert into settings (name, value)
        select ${DELETED_JOB}::text || id || case job_round when 1 then '' else ':' || job_round end, ''
        from tasks_gone where job_state is not null
        on conflict (name) do nothing
      ), emptied as (
        -- What an agent was told of it stands in its run: that begins anew.
        update agent_runs r set run = r.run + 1, state = null
        from gone where r.task_id in (select task_id from task_inbox where message_id = gone.id)
      ), ended as (
        delete from tasks where id in (select id from tasks_gone) returning id
      ), left_alone as (
        update messages m set task_id = null, reason = 'Its task went with message ' || gone.id
        from gone
        where m.id in (select message_id from shared)
          and m.task_id in (select id from tasks_gone)
        returning m.id
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array[id] from gone
        union all select 'message', array_agg(id) from left_alone having count(*) > 0
        union all select 'task', array_agg(id) from tasks_gone having count(*) > 0
        union all select 'notification', array_agg(id) from notifications_gone having count(*) > 0
      )
      select exists (select from asked) as there, exists (select from gone) as gone,
        (select subject_id from asked) as subject_id`,
  );
}
