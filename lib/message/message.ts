import { type BodyColumns, bodyOf } from "./body.ts";
import {
  BODY,
  BODY_BYTES,
  CONTENTS,
  DROPPED,
  ENVELOPE,
  type Envelope,
  readEnvelope,
} from "./contents.ts";
import type { SubjectRole } from "../../sources/subject.ts";
import type { Database } from "../store/database.ts";
import { idArray } from "../store/stored.ts";
import { PHASE, type Phase } from "./search/phase.ts";
import { type SubjectRef, subjectRef } from "./subject/subject.ts";

export const MESSAGE_STATES = ["new", "processed", "filtered", "failed", "rejected"] as const;
export type MessageState = typeof MESSAGE_STATES[number];
export type Verification = "verified" | "unverified" | "rejected";

/** A message as the API shows it. */
export interface Message {
  message_id: string;
  webhook_type: string;
  source: string;
  event: string | null;
  title: string | null;
  state: MessageState;
  /** Of it and its task together. */
  phase: Phase;
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
  /** What it is about, and what it does to it. */
  subject: SubjectRef | null;
  role: SubjectRole | null;
  replay_of: string | null;
  /** When a person let it in that had been refused. */
  released_at: Date | null;
  /** Whether a person has changed the body before it was replayed, here or in what this replays. */
  edited: boolean;
  /** Whether its body and headers were dropped by their age. */
  dropped: boolean;
}

/** One message with everything that was received. */
export interface WholeMessage extends Message {
  /** Where it was not `POST`. */
  method?: string;
  headers: Headers;
  body: Uint8Array;
}

/** The bytes of a message as they were received; undefined when it is gone, or they were dropped. */
export async function readBody(database: Database, id: string): Promise<Uint8Array | undefined> {
  const [row] = await database.query(
    "read a message's body",
    (sql) =>
      sql<BodyColumns[]>`
      select ${sql.unsafe(`${BODY} as body, ${BODY_BYTES} as body_bytes`)}
      from messages m ${sql.unsafe(CONTENTS)} where m.id = ${id} and not ${sql.unsafe(DROPPED)}`,
  );
  return row && bodyOf(row);
}

/** What came with a message; undefined when it is gone. */
export async function readMessageEnvelope(
  database: Database,
  id: string,
): Promise<Envelope | undefined> {
  const [row] = await database.query(
    "read a message's envelope",
    (sql) =>
      sql<{ envelope: string | null }[]>`
      select ${sql.unsafe(ENVELOPE)} as envelope from messages m ${sql.unsafe(CONTENTS)}
      where m.id = ${id}`,
  );
  return row && readEnvelope(row.envelope);
}

interface MessageRow
  extends Omit<Message, "hint" | "delivery_id" | "url" | "client_ip" | "content_type" | "edited"> {
  envelope: string | null;
}

const columns = `id as message_id, webhook_type, source, event, title, state, reason, repeats,
  verification, size, received_at, attempts, error, task_id, ${
  subjectRef("m.subject_id")
} as subject, role, replay_of,
  released_at, ${ENVELOPE} as envelope,
  ${DROPPED} as dropped, ${PHASE} as phase`;
const table = `messages m ${CONTENTS}`;

function toMessage({ envelope, ...row }: MessageRow): Message {
  const { url, client_ip, delivery_id, headers, hint, edited } = readEnvelope(envelope);
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

/** The named messages, in no order. */
export async function findMessages(
  database: Database,
  ids: readonly string[],
): Promise<Message[]> {
  const rows = await database.query("find messages", (sql) =>
    sql<MessageRow[]>`
      select ${sql.unsafe(columns)} from ${sql.unsafe(table)}
      where id = any(${idArray(ids)}::uuid[])`);
  return rows.map(toMessage);
}

/** One message, also by an alias that it was once answered under. */
export async function readMessage(
  database: Database,
  id: string,
): Promise<WholeMessage | undefined> {
  const [row] = await database.query("read a message", (sql) =>
    sql<(MessageRow & BodyColumns)[]>`
      select ${sql.unsafe(`${columns}, ${BODY} as body, ${BODY_BYTES} as body_bytes`)}
      from ${sql.unsafe(table)}
      where id = coalesce((select message_id from message_aliases where alias = ${id}), ${id})`);
  if (!row) return undefined;
  const { body, body_bytes, ...rest } = row;
  const { method, headers } = readEnvelope(row.envelope);
  return {
    ...toMessage(rest),
    method,
    headers: new Headers(headers),
    body: bodyOf({ body, body_bytes }),
  };
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
        case when size <= ${SMALL_BYTES} then ${sql.unsafe(BODY)} end as body,
        case when size <= ${SMALL_BYTES} then ${sql.unsafe(BODY_BYTES)} end as body_bytes
      from (
        select distinct on (coalesce(a.message_id, i.id)) coalesce(a.message_id, i.id) as asked,
          i.place
        from unnest(${idArray(ids)}::uuid[]) with ordinality as i(id, place)
        left join message_aliases a on a.alias = i.id
      ) i join messages m on m.id = i.asked ${sql.unsafe(CONTENTS)} order by i.place`,
  );
  for (const { asked, body, body_bytes, ...row } of rows) {
    const whole = row.size <= SMALL_BYTES
      ? bodyOf({ body, body_bytes })
      : await readBody(database, asked);
    const { method, headers } = readEnvelope(row.envelope);
    if (whole) yield { ...toMessage(row), method, headers: new Headers(headers), body: whole };
  }
}

/** When a message came through each of its first stages. */
export interface Passage {
  stored_at: Date;
  claimed_at: Date | null;
  settled_at: Date | null;
}

export async function readPassage(database: Database, id: string): Promise<Passage | undefined> {
  const [row] = await database.query(
    "read a message's times",
    (sql) =>
      sql<Passage[]>`select stored_at, claimed_at, settled_at from messages where id = ${id}`,
  );
  return row;
}
