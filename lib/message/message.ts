import { Buffer } from "node:buffer";
import type { Database } from "../store/database.ts";
import { firstIdAt, newId } from "../store/id.ts";
import { idArray } from "../store/stored.ts";

export const MESSAGE_STATES = ["new", "processed", "filtered", "failed", "rejected"] as const;
export type MessageState = typeof MESSAGE_STATES[number];
export type Verification = "verified" | "unverified" | "rejected";

/** What came with the body. Headers are kept as they came, secrets included. */
export interface Envelope {
  url: string;
  /** Where it was not `POST`. */
  method?: string;
  client_ip: string;
  delivery_id: string | null;
  headers: [name: string, value: string][];
  /** For a sender that we do not know by this name, but by its headers. */
  hint?: string;
  /** A person has changed the body before it was replayed. */
  edited?: true;
}

/** A message as the API shows it. */
export interface Message {
  message_id: string;
  webhook_type: string;
  source: string;
  event: string | null;
  title: string | null;
  state: MessageState;
  reason: string | null;
  hint: string | null;
  repeats: number;
  verification: Verification;
  delivery_id: string | null;
  url: string;
  client_ip: string;
  content_type: string | null;
  size: number;
  received_at: Date;
  attempts: number;
  error: string | null;
  task_id: string | null;
  replay_of: string | null;
  /** Whether a person has changed the body before it was replayed, here or in what this replays. */
  edited: boolean;
}

/** One message with everything that was received. */
export interface WholeMessage extends Message {
  /** Where it was not `POST`. */
  method?: string;
  headers: Headers;
  body: Uint8Array;
}

/** A body as it is kept: clean UTF-8 as text, anything else as bytes. */
export interface BodyColumns {
  body: string | null;
  body_bytes: Uint8Array | null;
}

export function bodyOf(row: BodyColumns): Uint8Array {
  if (row.body_bytes !== null) return row.body_bytes;
  return Buffer.from(row.body ?? "", "utf8");
}

/** The bytes of a message as they were received; undefined when it is gone. */
export async function readBody(database: Database, id: string): Promise<Uint8Array | undefined> {
  const [row] = await database.query(
    "read a message's body",
    (sql) => sql<BodyColumns[]>`select body, body_bytes from messages where id = ${id}`,
  );
  return row && bodyOf(row);
}

export interface MessageFilter {
  state?: MessageState;
  webhook_type?: string;
  source?: string;
  task_id?: string;
  /** Only messages older than this id. */
  before?: string;
  limit: number;
}

interface MessageRow
  extends Omit<Message, "hint" | "delivery_id" | "url" | "client_ip" | "content_type" | "edited"> {
  envelope: string;
}

const columns = `id as message_id, webhook_type, source, event, title, state, reason, repeats,
  verification, size, received_at, attempts, error, task_id, replay_of, envelope`;

function toMessage({ envelope, ...row }: MessageRow): Message {
  const { url, client_ip, delivery_id, headers, hint, edited } = JSON.parse(envelope) as Envelope;
  const contentType = headers.find(([name]) => name === "content-type");
  return {
    ...row,
    hint: hint ?? null,
    url,
    client_ip,
    delivery_id,
    content_type: contentType?.[1] ?? null,
    edited: edited ?? false,
  };
}

/** Messages, newest first. */
export async function listMessages(
  database: Database,
  { state, webhook_type, source, task_id, before, limit }: MessageFilter,
): Promise<Message[]> {
  const rows = await database.query("list messages", (sql) =>
    sql<MessageRow[]>`
      select ${sql.unsafe(columns)} from messages
      where true
        ${state ? sql`and state = ${state}` : sql``}
        ${webhook_type ? sql`and webhook_type = ${webhook_type}` : sql``}
        ${source ? sql`and source = ${source}` : sql``}
        ${task_id ? sql`and task_id = ${task_id}` : sql``}
        ${before ? sql`and id < ${before}` : sql``}
      order by id desc limit ${limit}`);
  return rows.map(toMessage);
}

/** The named messages, in no order. */
export async function findMessages(
  database: Database,
  ids: readonly string[],
): Promise<Message[]> {
  const rows = await database.query("find messages", (sql) =>
    sql<MessageRow[]>`
      select ${sql.unsafe(columns)} from messages where id = any(${idArray(ids)}::uuid[])`);
  return rows.map(toMessage);
}

/** One message, also by an alias that it was once answered under. */
export async function readMessage(
  database: Database,
  id: string,
): Promise<WholeMessage | undefined> {
  const [row] = await database.query("read a message", (sql) =>
    sql<(MessageRow & BodyColumns)[]>`
      select ${sql.unsafe(columns)}, body, body_bytes from messages
      where id = coalesce((select message_id from message_aliases where alias = ${id}), ${id})`);
  if (!row) return undefined;
  const { body, body_bytes, ...rest } = row;
  const { method, headers } = JSON.parse(row.envelope) as Envelope;
  return {
    ...toMessage(rest),
    method,
    headers: new Headers(headers),
    body: bodyOf({ body, body_bytes }),
  };
}

/** So often a worker can change a message just before it is deleted. */
const MOST_DELETIONS = 5;

/**
 * Removes a message (also by an alias), its task, its notifications. Where others
 * share the task it goes all the same, since it tells what is removed: they stay,
 * without one, and can be replayed. False when there is none.
 */
export async function deleteMessage(database: Database, id: string): Promise<boolean> {
  for (let attempt = 0; attempt < MOST_DELETIONS; attempt++) {
    const [{ there, gone }] = await deleteAsSeen(database, id);
    if (gone || !there) return gone;
  }
  throw new Error(`message ${id} changes whenever it is to be deleted`);
}

/** What it has become while its deletion waited for a worker is seen only by another statement. */
async function deleteAsSeen(database: Database, id: string) {
  return await database.query("delete a message", (sql) =>
    sql<{ there: boolean; gone: boolean }[]>`
      with asked as (
        select id, task_id from messages
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
        select t.id from tasks t
        where t.message_id in (select id from asked union all select message_id from shared)
          and exists (select from gone)
      ), told as (
        select n.id from notifications n join gone on true
        where n.message_id = gone.id or n.task_id in (select id from tasks_gone)
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
        union all select 'notification', array_agg(id) from told having count(*) > 0
      )
      select exists (select from asked) as there, exists (select from gone) as gone`);
}

/** A replay: the new message's id beside the one it replays. */
export interface RedeliverOptions {
  message_id: string;
  replay_of: string;
}

/** Larger bodies are read one at a time, to bound memory. */
const SMALL_BYTES = 16 * 1024;

/** The named messages that there are, also by an alias, whole and in the order asked for. */
export async function* readWholeMessages(
  database: Database,
  ids: readonly string[],
): AsyncGenerator<WholeMessage> {
  const rows = await database.query(
    "read messages",
    (sql) =>
      sql<(MessageRow & BodyColumns & { asked: string })[]>`
      select ${sql.unsafe(columns)}, asked,
        case when size <= ${SMALL_BYTES} then body end as body,
        case when size <= ${SMALL_BYTES} then body_bytes end as body_bytes
      from (
        select distinct on (coalesce(a.message_id, i.id)) coalesce(a.message_id, i.id) as asked,
          i.place
        from unnest(${idArray(ids)}::uuid[]) with ordinality as i(id, place)
        left join message_aliases a on a.alias = i.id
      ) i join messages m on m.id = i.asked order by i.place`,
  );
  for (const { asked, body, body_bytes, ...row } of rows) {
    const whole = row.size <= SMALL_BYTES
      ? bodyOf({ body, body_bytes })
      : await readBody(database, asked);
    const { method, headers } = JSON.parse(row.envelope) as Envelope;
    if (whole) yield { ...toMessage(row), method, headers: new Headers(headers), body: whole };
  }
}

/**
 * Makes new messages with the same bytes, headers and time of receipt, to be
 * worked like new ones, trusted as somebody has found out just now. Rejected
 * messages are left alone: nobody vouches for them.
 */
export async function redeliverMessages(
  database: Database,
  asked: readonly { id: string; verification: Verification }[],
): Promise<RedeliverOptions[]> {
  const pairs = asked.map(({ id, verification }) => ({
    message_id: newId(),
    replay_of: id,
    verification,
  }));
  return await database.query("replay messages", (sql) =>
    sql<RedeliverOptions[]>`
      with pair as (
        select * from jsonb_to_recordset(${JSON.stringify(pairs)}::text::jsonb)
          as p(message_id uuid, replay_of uuid, verification text)
      ), stored as (
        insert into messages (id, webhook_type, source, verification, envelope, body, body_bytes,
          size, received_at, replay_of)
        select p.message_id, m.webhook_type, m.source, p.verification, m.envelope, m.body,
          m.body_bytes, m.size, m.received_at, m.id
        from pair p
        join messages m on m.id = p.replay_of and m.state <> 'rejected'
        returning id, replay_of
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from stored having count(*) > 0
      )
      select id as message_id, replay_of from stored`);
}

/** Removes messages received before a time, with all that hangs on them; at most `limit`. */
export async function forgetMessages(
  database: Database,
  before: Date,
  limit: number,
): Promise<number> {
  const rows = await database.query("forget old messages", (sql) =>
    sql`
      delete from messages where id in (
        select m.id from messages m left join tasks t on t.id = m.task_id
        where m.id < ${firstIdAt(before)} and m.state <> 'new'
          and (t.id is null or t.status in ('completed', 'failed', 'cancelled'))
        order by m.id limit ${limit}
      ) returning id`);
  return rows.length;
}
