import { createHash } from "node:crypto";
import type { SubjectRole } from "../../../sources/subject.ts";
import type { Database, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import type { Verification } from "../message.ts";
import { storedJson } from "../../store/stored.ts";

/** Says of a new message, in SQL, that it does not wait in a group: there it is leased for ever. */
export const notHeld = (sql: Sql) => sql`lease_until is distinct from 'infinity'`;

/** A claimed message that waits for others which are about the same (the `merge` of SOURCES_FILE). */
export interface GroupedMessage {
  messageId: string;
  epoch: number;
  key: GroupKey;
  /** How long the group is open, from its first message on. */
  seconds: number;
  event: string | null;
  title: string;
  description: string;
  /** Who alone may read it. */
  audience?: string;
  slack?: { place: string; thread_ts: string | null };
}

/**
 * A group of so many is due at once: all of it is completed in one statement, while the next group
 * with the same key is open.
 */
const MOST_MESSAGES = 1_000;

/** What a debounce group has in common; messages that are trusted differently never share one. */
export interface GroupKey {
  source: string;
  webhookType: string;
  verification: Verification;
  fromHere: boolean;
  /** The operator's template, filled; without one, the key of the subject, once that is known. */
  key?: string;
}

/** The same as the store has it. */
export function groupKey(
  { source, webhookType, verification, fromHere, key }: GroupKey,
): string {
  return createHash("sha256")
    .update(JSON.stringify([source, webhookType.toLowerCase(), verification, fromHere, key]))
    .digest("hex");
}

/**
 * Puts claimed messages into their debounce groups (table `bursts`), opening those that are not
 * open yet. They stay new, and are nobody's to claim, until their group is completed.
 */
export async function addToGroup(
  database: Database,
  messages: readonly GroupedMessage[],
): Promise<void> {
  const rows = messages.map(({ slack, key, ...rest }) => ({
    ...rest,
    key: groupKey(key),
    group_id: newId(),
    slack_place: slack?.place,
    slack_thread: slack?.thread_ts,
  }));
  await database.query("add messages to groups", (sql) =>
    sql`
      with given as (
        select g.* from jsonb_to_recordset(${storedJson(rows)}::text::jsonb) as g(
          "messageId" uuid, epoch int, key text, seconds float, event text, title text,
          description text, group_id uuid, slack_place text, slack_thread text, audience text)
        join messages m on m.id = g."messageId" and m.epoch = g.epoch and m.state = 'new'
        order by m.id for update of m
      ), opened as (
        insert into bursts (id, key, slack_place, slack_thread, messages, due_at)
        select distinct on (key) group_id, decode(key, 'hex'), slack_place, slack_thread,
          count(*) over (partition by key), now() + make_interval(secs => seconds)
        from given order by key, "messageId"
        on conflict (key) where not closed do update
        set messages = bursts.messages + excluded.messages,
          due_at = case when bursts.messages + excluded.messages >= ${MOST_MESSAGES} then now()
            else bursts.due_at end
        returning id, key, due_at
      ), added as (
        insert into burst_messages (message_id, burst_id, title, description)
        select g."messageId", o.id, g.title, g.description
        from given g join opened o on o.key = decode(g.key, 'hex')
        on conflict (message_id) do nothing returning message_id, burst_id
      ), held as (
        update messages m
        set event = g.event, title = g.title, audience = g.audience, attempts = 0, lease_until = 'infinity',
          worker = null, reason = 'Waits until ' ||
            to_char(o.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') ||
            ' UTC for more about the same'
        from added join opened o on o.id = added.burst_id
          join given g on g."messageId" = added.message_id
        where m.id = added.message_id
        returning m.id
      )
      insert into changes (kind, ids)
      select 'message', array_agg(id) from held having count(*) > 0`);
}

/** A message of a group that has become a task. */
export interface GroupMember {
  message_id: string;
  title: string | null;
}

/** The messages that a task is about, where these are several; its timeline keeps them so. */
export interface TaskGroup {
  messages: number;
  /** The first of them. */
  merged: GroupMember[];
}

/** The messages that a task was made of; undefined where it is about one. */
export async function readGroup(
  database: Database,
  taskId: string,
): Promise<TaskGroup | undefined> {
  const [row] = await database.query(
    "read the group of a task",
    (sql) =>
      sql<{ data: TaskGroup }[]>`
      select data from task_events
      where task_id = ${taskId} and kind = 'created' and data ? 'merged'`,
  );
  return row?.data;
}

/** A message that waits in a closed group. */
export interface WaitingMember {
  id: string;
  epoch: number;
  event: string | null;
  title: string;
  description: string;
  role: SubjectRole | null;
  /** Whether it is about the same as the first. */
  isAbout: boolean;
  /** Whether what the first is about is closed now. */
  isClosed: boolean;
  /** Whether the senders' times say that it was opened after it was closed. */
  isOpenByTime: boolean;
  webhookType: string;
  verified: boolean;
  source: string;
  key: string;
}

/** The messages that wait in a closed group, in the order of their arrival. */
export async function readWaiting(database: Database, groupId: string): Promise<WaitingMember[]> {
  return await database.query("read a group's messages", (sql) =>
    sql<WaitingMember[]>`
      with member as (
        select m.*, b.title as line, b.description from burst_messages b
          join messages m on m.id = b.message_id
        where b.burst_id = ${groupId} and m.state = 'new'
      ), about as (
        select s.* from subjects s
        where s.id = (select subject_id from member order by id limit 1)
      )
      select m.id, m.epoch, m.event, m.line as title, m.description, m.role,
        m.subject_id = about.id as "isAbout", about.closed_at is not null as "isClosed",
        coalesce(about.opened_sent_at >= about.closed_sent_at, false) as "isOpenByTime",
        m.webhook_type as "webhookType", m.verification = 'verified' as verified, about.source, about.key
      from member m, about order by m.id`);
}

/** With how many other messages a message shares its task. */
export async function countSharing(database: Database, messageId: string): Promise<number> {
  const [{ count }] = await database.query(
    "count the others of a group",
    (sql) =>
      sql<{ count: number }[]>`
      select count(*)::int as count from burst_messages its
      join burst_messages other on other.burst_id = its.burst_id
        and other.message_id <> its.message_id
      where its.message_id = ${messageId}`,
  );
  return count;
}
