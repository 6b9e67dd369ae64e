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
      ), told as (
        -- In the order in which everybody takes them, before what they have read is asked.
        select t.id, t.open and t.job_state is null as is_ours from tasks t
        where t.id in (select i.task_id from task_inbox i join gone on gone.id = i.message_id)
          and t.id not in (select id from tasks_gone)
        order by t.id for update
      ), unheard as (
        delete from task_inbox i using gone
        where i.message_id = gone.id and i.task_id in (select id from told)
        returning i.task_id, i.delivered_at is not null and i.delivered_round is null as was_read
      ), anew as (
        -- What an agent was told of it stands in its run: that begins anew, also where a worker has
        -- it in hand, which loses it. Nobody can take it back from a worker elsewhere.
        update tasks t set messages = greatest(1, t.messages - 1),
          closed_by = nullif(t.closed_by, (select id from gone)),
          status = case when b.begins then 'pending' else t.status end,
          epoch = t.epoch + b.begins::int,
          attempts = case when b.begins then 0 else t.attempts end,
          lease_until = case when not b.begins then t.lease_until end,
          worker = case when not b.begins then t.worker end,
          read_news = case when b.begins then 0 else t.read_news end,
          question = case when not b.begins then t.question end,
          answer = case when not b.begins then t.answer end,
          wait_key = case when not b.begins then t.wait_key end,
          wait_for = case when not b.begins then t.wait_for end,
          wait_until = case when not b.begins then t.wait_until end,
          wake_at = case when not b.begins then t.wake_at end,
          waking_since = case when not b.begins then t.waking_since end
        from (
          select u.task_id, u.was_read and told.is_ours as begins
          from unheard u join told on told.id = u.task_id) b
        where t.id = b.task_id
        returning t.id, b.begins
      ), emptied as (
        update agent_runs r set run = r.run + 1, state = null, lost_tokens = 0
        from unheard u where r.task_id = u.task_id and u.was_read
      ), unread as (
        update task_inbox i set delivered_at = null, delivered_step = null
        from anew, gone where i.task_id = anew.id and anew.begins and i.message_id <> gone.id
      ), withdrawn as (
        update approvals a set state = 'withdrawn'
        from anew where a.task_id = anew.id and anew.begins and a.state in ('pending', 'approved')
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
        union all select 'task', array_agg(id) from anew having count(*) > 0
        union all select 'notification', array_agg(id) from notifications_gone having count(*) > 0
      )
      select exists (select from asked) as there, exists (select from gone) as gone,
        (select subject_id from asked) as subject_id`,
  );
}
