import { oneLine } from "../../../sources/kit/line.ts";
import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";

/** One statement makes so many tasks. */
const AT_ONCE = 20;
/**
 * Whether a row of `tasks` has ended and left messages of which a task is to be made, in SQL: no
 * task is made while their subject is stopped.
 */
export const LEAVING = `leaves_unread and not exists (
  select from subjects s where s.id = tasks.subject_id and s.stopped_at is not null)`;

/** As many titles of one task's messages as its page lists. */
const MOST_TOLD = 50;

/** A task that has ended with messages that it has not read. */
interface LeavingTask {
  id: string;
  messages: { message_id: string; title: string | null }[];
}

/**
 * Makes one new task of the messages that a task has left unread at its end: its agent reads none
 * that come later, or was at the end of its rounds. A worker that is killed before leaves it to the
 * next.
 *
 * @returns how many tasks it made.
 */
export async function continueLeftovers(database: Database, assignee: string): Promise<number> {
  const leaving = await database.query("find what was left unread", (sql) =>
    sql<LeavingTask[]>`
      select t.id, coalesce((
        select json_agg(json_build_object('message_id', i.message_id, 'title', m.title)
          order by i.message_id)
        from task_inbox i join messages m on m.id = i.message_id
        where i.task_id = t.id and i.delivered_at is null and i.role <> 'closes'), '[]') as messages
      from tasks t
      where t.id in (select id from tasks where ${sql.unsafe(LEAVING)} order by id limit ${AT_ONCE})
      order by t.id`);
  if (leaving.length === 0) return 0;
  const rows = leaving.map(({ id, messages }) => {
    const title = messages[0]?.title ?? "";
    const line = messages.length > 1
      ? oneLine(`${messages.length} events: first ${title}`)
      : title || "A later message";
    return {
      old_id: id,
      new_id: newId(),
      event_id: newId(),
      first: messages[0]?.message_id ?? null,
      ids: messages.map(({ message_id }) => message_id),
      messages: messages.length,
      title: line,
      data: {
        continues: id,
        ...(messages.length > 1
          ? { messages: messages.length, merged: messages.slice(0, MOST_TOLD) }
          : {}),
      },
    };
  });
  const [{ made }] = await database.query(
    "make tasks of what was left unread",
    (sql) =>
      sql<{ made: number }[]>`
      with given as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as g(old_id uuid,
          new_id uuid, event_id uuid, first uuid, ids uuid[], messages int, title text, data jsonb)
      ), about as (
        -- Before their tasks, as everybody takes them.
        select s.id from subjects s
        where s.id in (select t.subject_id from tasks t join given on given.old_id = t.id)
        order by s.source, s.key for update
      ), member as (
        -- Locked before they are counted: one that is deleted just now is not among them.
        select m.id, given.old_id
        from given cross join (select count(*) from about) locked
          join messages m on m.id = any(given.ids)
        order by m.id for update of m
      ), ended as (
        update tasks t set leaves_unread = false, messages = greatest(1, t.messages - given.messages)
        from given
        where t.id = given.old_id and t.leaves_unread
          -- One that was deleted meanwhile is told by nobody: the next look has what is left.
          and (select count(*) from member where old_id = given.old_id) = cardinality(given.ids)
        returning t.id, t.source, t.subject_id
      ), made as (
        insert into tasks (id, message_id, source, title, description, assigned_to, messages,
          subject_id)
        select g.new_id, g.first, ended.source, g.title, g.title, ${assignee}, g.messages,
          ended.subject_id
        from ended join given g on g.old_id = ended.id join member m on m.id = g.first
        on conflict (message_id) do nothing returning id
      ), moved as (
        update messages m set task_id = g.new_id, reason = 'Not read by the task before'
        from given g join made on made.id = g.new_id where m.id = any(g.ids)
        returning m.id
      ), theirs as (
        -- Whoever retries the task before is not to read them, too.
        delete from task_inbox i using given g join made on made.id = g.new_id
        where i.task_id = g.old_id and i.message_id = any(g.ids)
      ), opened as (
        update subjects s set open_task = g.new_id, version = s.version + 1
        from given g join made on made.id = g.new_id join ended on ended.id = g.old_id
        where s.id = ended.subject_id and (s.open_task is null or s.open_task = g.old_id)
      ), born as (
        insert into task_events (id, task_id, kind, actor, data)
        select g.event_id, made.id, 'created', 'otto', g.data
        from made join given g on g.new_id = made.id
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from moved having count(*) > 0
        union all select 'task', array_agg(id) from made having count(*) > 0
      )
      select count(*)::int as made from made`,
  );
  return made;
}
