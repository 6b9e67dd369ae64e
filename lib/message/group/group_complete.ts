import type { TaskGroup } from "./group.ts";
import type { Database } from "../../store/database.ts";
import { LINE_LENGTH } from "../../../sources/description.ts";
import { newId } from "../../store/id.ts";
import { oneLine } from "../../../sources/kit/line.ts";
import { storedJson } from "../../store/stored.ts";

/** So many messages of a group are told by their titles: a page and a prompt hold no more lines. */
const MOST_TOLD = 50;
/** One statement completes so many groups, each of up to a thousand messages. */
const GROUPS_AT_ONCE = 20;

/** A group that gets no more messages, and what there is of it. */
export interface ClosedGroup extends TaskGroup {
  id: string;
  /** Of its first message. */
  title: string | null;
  description: string | null;
  webhookType: string | null;
  /** Whether anybody knows what that is about. */
  hasSubject: boolean;
  slack_place: string | null;
  slack_thread: string | null;
}

/**
 * Closes the debounce groups (table `bursts`) that are due, and says what is in those that are
 * closed. One that a worker was killed with is there again.
 */
export async function takeClosedGroups(database: Database): Promise<ClosedGroup[]> {
  await closeDue(database);
  return await readClosed(database);
}

async function closeDue(database: Database): Promise<void> {
  await database.query("close groups", (sql) =>
    sql`
      with settled as (
        -- A worker was killed before it took the group away.
        delete from bursts g where closed and not exists (
          select from burst_messages b join messages m on m.id = b.message_id
          where b.burst_id = g.id and m.state = 'new')
      ), due as (
        select id from bursts where due_at <= now() and not closed
        order by due_at limit ${GROUPS_AT_ONCE} for update skip locked
      )
      update bursts g set closed = true from due where g.id = due.id`);
}

/** All that was added before a group was closed has been committed, and is seen here. */
async function readClosed(database: Database): Promise<ClosedGroup[]> {
  return await database.query("read closed groups", (sql) =>
    sql<ClosedGroup[]>`
      select g.id, g.slack_place, g.slack_thread, its.messages, its.merged, first.title,
        first.description, first.webhook_type as "webhookType",
        coalesce(first.subject_id is not null, false) as "hasSubject"
      from (select * from bursts where closed order by due_at limit ${GROUPS_AT_ONCE}) g
      cross join lateral (
        select count(*)::int as messages,
          coalesce(json_agg(json_build_object('message_id', m.message_id, 'title', m.title)
            order by m.message_id) filter (where m.place <= ${MOST_TOLD}), '[]') as merged
        from (
          select message_id, title, row_number() over (order by message_id) as place
          from burst_messages where burst_id = g.id
        ) m
      ) its
      left join lateral (
        select b.title, b.description, m.webhook_type, m.subject_id
        from burst_messages b join messages m on m.id = b.message_id
        where b.burst_id = g.id order by b.message_id limit 1
      ) first on true`);
}

/** The line of all: `5 events: first …`, or that of the only one. */
export function lineOfAll(count: number, first: string): string {
  return count > 1 ? oneLine(`${count} events: first ${first}`, LINE_LENGTH) : first;
}

/**
 * Makes one task of each group, all in one statement.
 * A group that another worker completes meanwhile is left to it; one that has lost
 * a message since it was read (a person has deleted it) is left to the next look,
 * so that nothing of a deleted message is told.
 *
 * @returns how many it completed.
 */
export async function completeGroups(
  database: Database,
  groups: readonly ClosedGroup[],
  assignee: string,
): Promise<number> {
  if (groups.length === 0) return 0;
  const rows = groups.map(({ id, title, description, messages, merged }) => ({
    group_id: id,
    task_id: newId(),
    event_id: newId(),
    messages,
    title: lineOfAll(messages, title ?? ""),
    description: lineOfAll(messages, description ?? ""),
    data: messages > 1 ? { messages, merged } : {},
  }));
  const [{ completed }] = await database.query(
    "complete groups",
    (sql) =>
      sql<{ completed: number }[]>`
      with given as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as g(
          group_id uuid, task_id uuid, event_id uuid, messages int, title text, description text,
          data jsonb)
      ), due as (
        select given.*, g.slack_place, g.slack_thread
        from bursts g join given on given.group_id = g.id
        where g.closed order by g.id for update of g skip locked
      ), member as (
        -- Locked before they are counted: one that is deleted just now is not among them.
        select m.id, m.source, m.subject_id, d.group_id
        from due d join burst_messages b on b.burst_id = d.group_id
          join messages m on m.id = b.message_id
        where m.state = 'new' order by m.id for update of m
      ), counted as (
        select d.*, (select count(*) from member where group_id = d.group_id) as there,
          (select id from member where group_id = d.group_id order by id limit 1) as first
        from due d
      ), whole as (
        select * from counted where there = messages
      ), completed as (
        update messages m
        set state = 'processed', task_id = w.task_id, settled_at = now(), lease_until = null,
          reason = case when w.messages > 1
            then 'One task with ' || w.messages - 1 || ' more about the same' end
        from member join whole w on w.group_id = member.group_id
        where m.id = member.id
        returning m.id
      ), made as (
        insert into tasks (id, message_id, source, title, description, assigned_to, messages,
          subject_id)
        select w.task_id, w.first, member.source, w.title, w.description, ${assignee}, w.messages,
          member.subject_id
        from whole w join member on member.id = w.first
        returning id
      ), born as (
        insert into task_events (id, task_id, kind, actor, data)
        select w.event_id, made.id, 'created', 'otto', w.data
        from made join whole w on w.task_id = made.id
      ), shown as (
        insert into slack_messages (task_id, place, thread_ts)
        select made.id, w.slack_place, w.slack_thread
        from made join whole w on w.task_id = made.id where w.slack_place is not null
      ), gone as (
        delete from bursts where id in (select group_id from whole)
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from completed having count(*) > 0
        union all select 'task', array_agg(id) from made having count(*) > 0
      )
      select count(*)::int as completed from whole`,
  );
  return completed;
}
