import type { MergedTask } from "./group.ts";
import type { Database } from "../store/database.ts";
import { LINE_LENGTH } from "../../sources/description.ts";
import { newId } from "../store/id.ts";
import { oneLine } from "../../sources/kit/line.ts";
import { storedJson } from "../store/stored.ts";

/** So many messages of a burst are told by their titles. */
const MOST_TOLD = 50;
const BURSTS_AT_ONCE = 20;

/** A burst that gets no more messages, and what there is of it. */
interface Closed extends MergedTask {
  id: string;
  /** Of its first message. */
  title: string | null;
  description: string | null;
}

/**
 * Makes the tasks of the bursts that are due: closes them, reads what has joined,
 * and settles each in one statement. A worker that is killed in between leaves a
 * closed burst to the next.
 *
 * @returns how many it settled.
 */
export async function completeGroups(database: Database, assignee: string): Promise<number> {
  await closeDue(database);
  const bursts = await readClosed(database);
  return bursts.length > 0 ? await settle(database, bursts, assignee) : 0;
}

async function closeDue(database: Database): Promise<void> {
  await database.query("close bursts", (sql) =>
    sql`
      with due as (
        select id from bursts where due_at <= now() and not closed
        order by due_at limit ${BURSTS_AT_ONCE} for update skip locked
      )
      update bursts b set closed = true from due where b.id = due.id`);
}

/** All that joined before a burst was closed has been committed, and is seen here. */
async function readClosed(database: Database): Promise<Closed[]> {
  return await database.query("read closed bursts", (sql) =>
    sql<Closed[]>`
      select b.id, its.messages, its.merged, first.title, first.description
      from (select * from bursts where closed order by due_at limit ${BURSTS_AT_ONCE}) b
      cross join lateral (
        select count(*)::int as messages,
          coalesce(json_agg(json_build_object('message_id', m.message_id, 'title', m.title)
            order by m.message_id) filter (where m.place <= ${MOST_TOLD}), '[]') as merged
        from (
          select message_id, title, row_number() over (order by message_id) as place
          from burst_messages where burst_id = b.id
        ) m
      ) its
      left join lateral (
        select title, description from burst_messages where burst_id = b.id
        order by message_id limit 1
      ) first on true`);
}

/** The line of all: `5 events: first …`, or that of the only one. */
function ofAll(count: number, first: string): string {
  return count > 1 ? oneLine(`${count} events: first ${first}`, LINE_LENGTH) : first;
}

/**
 * A burst that another worker settles meanwhile is left to it; one that has lost
 * a message since it was read (a person has deleted it) is left to the next look,
 * so that nothing of a deleted message is told.
 */
async function settle(
  database: Database,
  bursts: readonly Closed[],
  assignee: string,
): Promise<number> {
  const rows = bursts.map(({ id, title, description, messages, merged }) => ({
    burst_id: id,
    task_id: newId(),
    event_id: newId(),
    messages,
    title: ofAll(messages, title ?? ""),
    description: ofAll(messages, description ?? ""),
    data: messages > 1 ? { messages, merged } : {},
  }));
  const [{ settled }] = await database.query(
    "settle bursts",
    (sql) =>
      sql<{ settled: number }[]>`
      with given as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as g(
          burst_id uuid, task_id uuid, event_id uuid, messages int, title text, description text,
          data jsonb)
      ), due as (
        select g.*, b.slack_place, b.slack_thread
        from bursts b join given g on g.burst_id = b.id
        where b.closed order by b.id for update of b skip locked
      ), member as (
        -- Locked before they are counted: one that is deleted just now is not among them.
        select m.id, m.source, d.burst_id
        from due d join burst_messages j on j.burst_id = d.burst_id
          join messages m on m.id = j.message_id
        where m.state = 'new' order by m.id for update of m
      ), counted as (
        select d.*, (select count(*) from member where burst_id = d.burst_id) as there,
          (select id from member where burst_id = d.burst_id order by id limit 1) as first
        from due d
      ), whole as (
        select * from counted where there = messages
      ), settled as (
        update messages m
        set state = 'processed', task_id = w.task_id, settled_at = now(), lease_until = null,
          reason = case when w.messages > 1
            then 'One task with ' || w.messages - 1 || ' more about the same' end
        from member join whole w on w.burst_id = member.burst_id
        where m.id = member.id
        returning m.id
      ), made as (
        insert into tasks (id, message_id, source, title, description, assigned_to)
        select w.task_id, w.first, member.source, w.title, w.description, ${assignee}
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
        delete from bursts where id in (select burst_id from whole)
      ), told as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from settled having count(*) > 0
        union all select 'task', array_agg(id) from made having count(*) > 0
      )
      select count(*)::int as settled from whole`,
  );
  return settled;
}
