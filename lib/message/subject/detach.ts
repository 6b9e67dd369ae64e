import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";

/** Why a message stays where it is. */
export type NotDetached = "not_waiting" | "read" | "closes" | "moving";

/** What came of detaching a message: the task that was made of it, or why there is none. */
export type Detached = { taskId: string } | { refused: NotDetached };

/**
 * Makes a task of its own of a message that waits in another task's inbox, unread. What has been
 * read stays: it is part of what that task's agent knows, and would be worked on twice. What closes
 * the task's subject has changed the task already.
 *
 * The subject is locked before the message and both before the task, as whoever settles, deletes or
 * delivers takes them: a message is in one task's hands at any time. An agent that is about to be
 * told of it finds it gone, and looks again.
 *
 * Ring `bells.tasks`.
 *
 * @param actor who did it, as the timelines show them.
 * @returns undefined when there is no such message.
 */
export async function detachMessage(
  database: Database,
  { id, actor }: { id: string; actor: string },
): Promise<Detached | undefined> {
  const [row] = await database.query(
    "detach a message",
    (sql) =>
      sql<{ there: boolean; made: string | null; why: NotDetached | null }[]>`
      with seen as materialized (
        -- As this statement sees its tasks: a newer version may have one that it does not see.
        select s.id, s.version from subjects s
        where s.id = (select subject_id from messages where id = ${id})
      ), about as (
        select s.id from subjects s where s.id = (select id from seen) for update
      ), held as (
        select m.id, m.title, m.source, m.subject_id, m.task_id
        from messages m left join (select count(*) from about) locked on true
        where m.id = ${id} for update of m
      ), old as (
        select t.id, t.open, t.leaves_unread, t.assigned_to, held.id as message_id, held.title,
          held.source, held.subject_id
        from tasks t join held on held.task_id = t.id
        where t.message_id <> held.id for update of t
      ), waiting as (
        select i.task_id, case when i.delivered_at is not null then 'read'
          when i.role = 'closes' then 'closes'
          -- A task is being made of it by the rules; see continueLeftovers.
          when old.leaves_unread then 'moving' end as why
        from task_inbox i join old on old.id = i.task_id and old.message_id = i.message_id
        for update of i
      ), taken as (
        delete from task_inbox i using waiting
        where i.task_id = waiting.task_id and i.message_id = ${id} and waiting.why is null
        returning i.task_id
      ), left_behind as (
        update tasks t set messages = greatest(1, t.messages - 1)
        from taken where t.id = taken.task_id returning t.id
      ), made as (
        insert into tasks (id, message_id, source, title, description, assigned_to, subject_id)
        select ${newId()}::uuid, old.message_id, old.source, coalesce(old.title, 'A later message'),
          coalesce(old.title, 'A later message'), old.assigned_to, old.subject_id
        from old join taken on taken.task_id = old.id
        returning id
      ), moved as (
        update messages m set task_id = made.id, reason = 'A person made it a task of its own'
        from made where m.id = ${id}
      ), opened as (
        -- The task that is open about it stays the one that later messages go to.
        update subjects s set open_task = made.id, version = s.version + 1
        from made, old, seen where s.id = old.subject_id and s.id = seen.id
          and s.version = seen.version and case when s.open_task = old.id then not old.open
            else not exists (select from tasks t where t.id = s.open_task and t.open) end
      ), shown as (
        -- Where the task before is shown: a task's place is its own from its beginning on.
        insert into slack_messages (task_id, place, thread_ts)
        select made.id, sm.place, sm.thread_ts
        from made, taken join slack_messages sm on sm.task_id = taken.task_id
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}::uuid, made.id, 'created', ${actor}::text,
          jsonb_build_object('detached_from', taken.task_id) from made, taken
        union all select ${newId()}::uuid, taken.task_id, 'message_detached', ${actor}::text,
          jsonb_build_object('message_id', old.message_id, 'title', old.title, 'task_id', made.id)
        from made, taken, old
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array[made.id, taken.task_id] from made, taken
        union all select 'message', array[${id}::uuid] from made
      )
      select exists (select from held) as there, (select id from made) as made,
        (select why from waiting) as why`,
  );
  if (!row.there) return undefined;
  if (row.made !== null) return { taskId: row.made };
  return { refused: row.why ?? "not_waiting" };
}
