import { createHash } from "node:crypto";
import type { Database } from "./database.ts";
import { LINE_LENGTH } from "./description.ts";
import { newId } from "./id.ts";
import { oneLine } from "./line.ts";
import type { Verification } from "./message.ts";
import { storedJson } from "./stored.ts";

/** A claimed message that waits for others which are about the same. */
export interface Joining {
  messageId: string;
  epoch: number;
  /** {@link burstKey}. */
  key: string;
  /** How long a burst is open, from its first message on. */
  seconds: number;
  event: string | null;
  title: string;
  description: string;
  slack?: { place: string; thread_ts: string | null };
}

/** A message of a burst that has become a task. */
export interface Merged {
  message_id: string;
  title: string | null;
}

/** A burst of more is due at once. */
const MOST_MESSAGES = 1_000;
/** So many are told by their titles. */
const MOST_TOLD = 50;
const BURSTS_AT_ONCE = 20;

/** What one burst has in common; messages that are trusted differently never share one. */
export function burstKey(
  { source, webhookType, verification, key }: {
    source: string;
    webhookType: string;
    verification: Verification;
    /** The operator's template, filled. */
    key: string;
  },
): string {
  return createHash("sha256")
    .update(JSON.stringify([source, webhookType.toLowerCase(), verification, key]))
    .digest("hex");
}

/**
 * Puts claimed messages into their bursts, opening those that are not open yet.
 * They stay new, and are nobody's to claim, until their burst is due.
 */
export async function joinBursts(database: Database, joining: readonly Joining[]): Promise<void> {
  const rows = joining.map(({ slack, ...rest }) => ({
    ...rest,
    burst_id: newId(),
    slack_place: slack?.place,
    slack_thread: slack?.thread_ts,
  }));
  await database.query("join bursts", (sql) =>
    sql`
      with joining as (
        select j.* from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as j(
          "messageId" uuid, epoch int, key text, seconds float, event text, title text,
          description text, burst_id uuid, slack_place text, slack_thread text)
        join messages m on m.id = j."messageId" and m.epoch = j.epoch and m.state = 'new'
        where m.burst_id is null
      ), opened as (
        insert into bursts (id, key, event, title, description, slack_place, slack_thread,
          messages, due_at)
        select distinct on (key) burst_id, decode(key, 'hex'), event, title, description,
          slack_place, slack_thread, count(*) over (partition by key),
          now() + make_interval(secs => seconds)
        from joining order by key, "messageId"
        on conflict (key) where not closed do update
        set messages = bursts.messages + excluded.messages,
          due_at = case when bursts.messages + excluded.messages >= ${MOST_MESSAGES} then now()
            else bursts.due_at end
        returning id, key, due_at
      ), joined as (
        update messages m
        set burst_id = o.id, event = j.event, title = j.title, attempts = 0, lease_until = null,
          worker = null, reason = 'Waits until ' ||
            to_char(o.due_at at time zone 'UTC', 'HH24:MI:SS') || ' UTC for more about the same'
        from joining j join opened o on o.key = decode(j.key, 'hex')
        where m.id = j."messageId" and m.epoch = j.epoch and m.state = 'new'
        returning m.id
      )
      insert into changes (kind, ids)
      select 'message', array_agg(id) from joined having count(*) > 0`);
}

/** Makes the tasks of the bursts that are due. @returns how many were settled. */
export async function settleBursts(database: Database, assignee: string): Promise<number> {
  // What is closed gets no more messages; all that joined before are seen from here on.
  const closed = await database.query("close bursts", (sql) =>
    sql`
      with due as (
        select id from bursts where due_at <= now() and not closed
        order by due_at limit ${BURSTS_AT_ONCE} for update skip locked
      )
      update bursts b set closed = true from due where b.id = due.id
      returning b.id`);
  const bursts = await database.query(
    "read closed bursts",
    (sql) =>
      sql<{ id: string; title: string; description: string; count: number; told: Merged[] }[]>`
      select b.id, b.title, b.description,
        (select count(*)::int from messages where burst_id = b.id and state = 'new') as count,
        (select coalesce(json_agg(json_build_object('message_id', m.id, 'title', m.title)
            order by m.id), '[]')
          from (select id, title from messages where burst_id = b.id and state = 'new'
            order by id limit ${MOST_TOLD}) m) as told
      from bursts b where b.closed order by b.due_at limit ${BURSTS_AT_ONCE}`,
  );
  if (bursts.length === 0) return closed.length;
  await settle(
    database,
    bursts.map(({ id, title, description, count, told }) => ({
      burst_id: id,
      task_id: newId(),
      event_id: newId(),
      title: ofAll(count, title),
      description: ofAll(count, description),
      data: count > 1 ? { messages: count, merged: told } : {},
    })),
    assignee,
  );
  return bursts.length;
}

/** The line of all: `5 events: first …`, or that of the only one. */
function ofAll(count: number, first: string): string {
  return count > 1 ? oneLine(`${count} events: first ${first}`, LINE_LENGTH) : first;
}

/** In one statement: a burst that another worker settles meanwhile is left to it. */
async function settle(
  database: Database,
  rows: readonly Record<string, unknown>[],
  assignee: string,
): Promise<void> {
  await database.query("settle bursts", (sql) =>
    sql`
      with given as (
        select * from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as g(
          burst_id uuid, task_id uuid, event_id uuid, title text, description text, data jsonb)
      ), due as (
        select g.*, b.slack_place, b.slack_thread
        from bursts b join given g on g.burst_id = b.id
        where b.closed order by b.id for update of b skip locked
      ), member as (
        select m.id, d.burst_id, row_number() over (partition by d.burst_id order by m.id) as place,
          count(*) over (partition by d.burst_id) as many
        from messages m join due d on d.burst_id = m.burst_id where m.state = 'new'
      ), settled as (
        update messages m
        set state = 'processed', task_id = d.task_id, settled_at = now(), lease_until = null,
          reason = case when member.many > 1
            then 'One task with ' || member.many - 1 || ' more about the same' end
        from member join due d on d.burst_id = member.burst_id
        where m.id = member.id and m.state = 'new'
        returning m.id, m.source
      ), made as (
        insert into tasks (id, message_id, source, title, description, assigned_to)
        select d.task_id, member.id, settled.source, d.title, d.description, ${assignee}
        from due d join member on member.burst_id = d.burst_id and member.place = 1
          join settled on settled.id = member.id
        on conflict (message_id) do nothing returning id
      ), born as (
        insert into task_events (id, task_id, kind, actor, data)
        select d.event_id, made.id, 'created', 'otto', d.data
        from made join due d on d.task_id = made.id
      ), shown as (
        insert into slack_messages (task_id, place, thread_ts)
        select made.id, d.slack_place, d.slack_thread
        from made join due d on d.task_id = made.id where d.slack_place is not null
      ), gone as (
        delete from bursts where id in (select burst_id from due)
      )
      insert into changes (kind, ids)
      select 'message', array_agg(id) from settled having count(*) > 0
      union all select 'task', array_agg(id) from made having count(*) > 0`);
}

/** The messages that a task is about, where these are several. */
export interface MergedTask {
  messages: number;
  /** The first of them. */
  merged: Merged[];
}

/** What a task was merged from; undefined where it is about one message. */
export async function readMerged(
  database: Database,
  taskId: string,
): Promise<MergedTask | undefined> {
  const [row] = await database.query(
    "read what a task was merged from",
    (sql) =>
      sql<{ data: MergedTask }[]>`
      select data from task_events
      where task_id = ${taskId} and kind = 'created' and data ? 'merged'`,
  );
  return row?.data;
}
