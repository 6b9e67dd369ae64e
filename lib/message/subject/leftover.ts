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
  subject_id: string | null;
  messages: { message_id: string; title: string | null; role: string }[];
  /** Of its subject: whoever changes what is open there changes it. */
  version: number | null;
  /** The task that a newer message has made already, and that is trusted alike. */
  next: string | null;
}

/**
 * Makes one new task of the messages that a task has left unread at its end: its agent reads none
 * that come later, or was at the end of its rounds. Where a newer message has made the next task
 * already they go to that one, so that there are never two about the same. A worker that is killed
 * before leaves it to the next, as does one that finds its subject changed.
 *
 * @returns how many tasks it made, or gave them to.
 */
export async function continueLeftovers(database: Database, assignee: string): Promise<number> {
  const found = await database.query("find what was left unread", (sql) =>
    sql<LeavingTask[]>`
      select t.id, t.subject_id, s.version, (
          select next.id from tasks next join messages its on its.id = next.message_id
          where next.id = s.open_task and next.open and next.id <> t.id
            and lower(its.webhook_type) = lower(own.webhook_type)
            and (its.verification = 'verified') = (own.verification = 'verified')
        ) as next, coalesce((
        select json_agg(json_build_object('message_id', i.message_id, 'title', m.title,
          'role', i.role) order by i.message_id)
        from task_inbox i join messages m on m.id = i.message_id
        where i.task_id = t.id and i.delivered_at is null and i.role <> 'closes'), '[]') as messages
      from tasks t left join subjects s on s.id = t.subject_id
        left join messages own on own.id = t.message_id
      where t.id in (select id from tasks where ${sql.unsafe(LEAVING)} order by id limit ${AT_ONCE})
      order by t.id`);
  // One of a subject at a time: what the next one has left goes to the task of the first.
  const leaving = found.filter(({ subject_id: id }, at) =>
    id === null || found.findIndex((each) => each.subject_id === id) === at
  );
  if (leaving.length === 0) return 0;
  const [{ done }] = await database.query(
    "make tasks of what was left unread",
    (sql) =>
      sql<{ done: number }[]>`
      with given as (
        select * from jsonb_to_recordset(${storedJson(leaving.map(toRow))}::text::jsonb)
          as g(old_id uuid, new_id uuid, next uuid, version int, event_id uuid, first uuid,
            ids uuid[], messages int, title text, data jsonb, moves jsonb)
      ), about as (
        -- Before their tasks, as everybody takes them.
        select s.id, s.version from subjects s
        where s.id in (select t.subject_id from tasks t join given on given.old_id = t.id)
        order by s.source, s.key for update
      ), member as (
        -- Locked before they are counted: one that is deleted just now is not among them.
        select m.id, given.old_id
        from given cross join (select count(*) from about) locked
          join messages m on m.id = any(given.ids)
        order by m.id for update of m
      ), able as (
        select g.*, t.source, t.subject_id
        from given g join tasks t on t.id = g.old_id left join about on about.id = t.subject_id
        where t.leaves_unread and about.version is not distinct from g.version
          -- One that was deleted meanwhile is told by nobody: the next look has what is left.
          and (select count(*) from member where old_id = g.old_id) = cardinality(g.ids)
        for update of t
      ), joined as (
        -- Unless it has ended meanwhile: the next look sees that.
        update tasks t set news = t.news + a.messages, messages = t.messages + a.messages,
          wake_at = case when t.status = 'waiting_event' then now() else t.wake_at end
        from (select next, sum(messages)::int as messages from able
          where next is not null and messages > 0 group by next) a
        where t.id = a.next and t.open
        returning t.id
      ), ended as (
        update tasks t set leaves_unread = false, messages = greatest(1, t.messages - able.messages)
        from able
        where t.id = able.old_id and (able.next is null or able.messages = 0
          or able.next in (select id from joined))
        returning t.id
      ), made as (
        insert into tasks (id, message_id, source, title, description, assigned_to, messages,
          subject_id)
        select a.new_id, a.first, a.source, a.title, a.title, ${assignee}, a.messages, a.subject_id
        from ended join able a on a.old_id = ended.id join member m on m.id = a.first
        where a.next is null
        on conflict (message_id) do nothing returning id
      ), shown as (
        -- Where the task before is shown: a task's place is its own from its beginning on.
        insert into slack_messages (task_id, place, thread_ts)
        select a.new_id, sm.place, sm.thread_ts
        from made join able a on a.new_id = made.id join slack_messages sm on sm.task_id = a.old_id
      ), going as (
        select a.*, coalesce(a.next, a.new_id) as to_id from ended join able a on a.old_id = ended.id
        where a.next is not null or a.new_id in (select id from made)
      ), moved as (
        update messages m set task_id = g.to_id, reason = 'Not read by the task before'
        from going g where m.id = any(g.ids)
        returning m.id
      ), theirs as (
        -- Whoever retries the task before is not to read them, too.
        delete from task_inbox i using going g
        where i.task_id = g.old_id and i.message_id = any(g.ids)
      ), inboxed as (
        insert into task_inbox (task_id, message_id, role)
        select g.next, move.message_id, move.role
        from going g cross join jsonb_to_recordset(g.moves) as move(message_id uuid, role text)
        where g.next is not null
        on conflict do nothing
      ), opened as (
        update subjects s set version = s.version + 1,
          open_task = case when g.next is null and not exists (
            select from tasks t where t.id = s.open_task and t.open and t.id <> g.old_id
          ) then g.new_id else s.open_task end
        from going g where s.id = g.subject_id
      ), born as (
        insert into task_events (id, task_id, kind, actor, data)
        select g.event_id, g.new_id, 'created', 'otto', g.data from going g where g.next is null
        union all
        select move.event_id, g.next, 'message_added', 'otto', jsonb_build_object(
          'message_id', move.message_id, 'title', move.title, 'role', move.role)
        from going g cross join jsonb_to_recordset(g.moves)
          as move(event_id uuid, message_id uuid, title text, role text)
        where g.next is not null
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from moved having count(*) > 0
        union all select 'task', array_agg(distinct to_id) from going having count(*) > 0
      )
      select count(*)::int as done from going`,
  );
  return done;
}

/** What the statement is given of a task. */
function toRow({ id, messages, version, next }: LeavingTask) {
  const title = messages[0]?.title ?? "";
  const told = messages.map(({ message_id, title }) => ({ message_id, title }));
  return {
    old_id: id,
    new_id: newId(),
    next,
    version,
    event_id: newId(),
    first: messages[0]?.message_id ?? null,
    ids: messages.map(({ message_id }) => message_id),
    messages: messages.length,
    title: messages.length > 1
      ? oneLine(`${messages.length} events: first ${title}`)
      : title || "A later message",
    data: {
      continues: id,
      ...(messages.length > 1
        ? { messages: messages.length, merged: told.slice(0, MOST_TOLD) }
        : {}),
    },
    moves: messages.map((each) => ({ ...each, event_id: newId() })),
  };
}
