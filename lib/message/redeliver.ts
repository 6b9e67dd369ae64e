import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { bodyColumns } from "./body.ts";
import { BODY, BODY_BYTES, CONTENTS, ENVELOPE, type Envelope, storeGiven } from "./contents.ts";
import { readMessageEnvelope, type Verification } from "./message.ts";
import { storedText } from "../store/stored.ts";

const STORE_REPLAYS = storeGiven(
  "id, webhook_type, source, verification, size, received_at, replay_of",
  "on conflict (id) do nothing",
);

/** A message that was made by a replay, beside the one that it replays. */
export interface Redelivery {
  message_id: string;
  replay_of: string;
}

/**
 * Makes new messages with the same bytes, headers and time of receipt, to be
 * worked like new ones, trusted as somebody has found out just now. Rejected
 * messages are left alone: nobody vouches for them. One whose new id is there already, `made` by a
 * try before, is left out.
 */
export async function redeliverMessages(
  database: Database,
  asked: readonly { id: string; verification: Verification; made?: string }[],
): Promise<Redelivery[]> {
  const pairs = asked.map(({ id, verification, made = newId() }) => ({
    message_id: made,
    replay_of: id,
    verification,
  }));
  return await database.query("replay messages", (sql) =>
    sql<Redelivery[]>`
      with pair as (
        select * from jsonb_to_recordset(${JSON.stringify(pairs)}::text::jsonb)
          as p(message_id uuid, replay_of uuid, verification text)
      ), given as (
        select p.message_id as id, m.webhook_type, m.source, p.verification,
          ${sql.unsafe(`${ENVELOPE} as envelope, ${BODY} as body, ${BODY_BYTES} as body_bytes`)},
          m.size, m.received_at, m.id as replay_of
        from pair p
        join messages m on m.id = p.replay_of and m.state <> 'rejected'
        ${sql.unsafe(CONTENTS)} where ${sql.unsafe(ENVELOPE)} is not null
      ), ${sql.unsafe(STORE_REPLAYS)}, changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from stored having count(*) > 0
      )
      select id as message_id, replay_of from given join stored using (id)`);
}

/** How far a replay of many messages has come, from the messages themselves. */
export interface RedeliveryProgress {
  made: number;
  waiting: number;
  working: number;
  done: number;
  failed: number;
}

/** Counts the replays made between two ids, both included. */
export async function countRedelivered(
  database: Database,
  { from, to }: { from: string; to: string },
): Promise<RedeliveryProgress> {
  const [row] = await database.query("count replays", (sql) =>
    sql<RedeliveryProgress[]>`
      select count(*)::int as made,
        count(*) filter (where m.state = 'new')::int as waiting,
        count(*) filter (where t.status not in ('completed', 'failed', 'cancelled'))::int
          as working,
        count(*) filter (where m.state = 'filtered'
          or t.status in ('completed', 'cancelled'))::int as done,
        count(*) filter (where m.state = 'failed' or t.status = 'failed')::int as failed
      from messages m left join tasks t on t.id = m.task_id
      where m.id between ${from} and ${to} and m.replay_of is not null`);
  return row;
}

/** Headers that vouch for a sender or for the bytes that were sent: of other bytes they would lie. */
const VOUCHES = /sign|hmac|digest|content-md5|secret|token|auth|cookie|^content-length$/i;

/** The headers that an edited message takes over, and the names of those that it does not. */
export function editedHeaders(
  headers: Iterable<[name: string, value: string]>,
  secretNames: readonly string[],
): { kept: [name: string, value: string][]; left: string[] } {
  const all = [...headers];
  const vouches = (name: string) => VOUCHES.test(name) || secretNames.includes(name);
  return {
    kept: all.filter(([name]) => !vouches(name)),
    left: all.map(([name]) => name).filter(vouches),
  };
}

/**
 * Makes a new message of another one, with a body that a person has written: not
 * verified, for nobody has signed it, and received now. Undefined when the
 * other one is rejected, or gone.
 */
export async function redeliverEdited(
  database: Database,
  { id, body, secretNames = [] }: {
    id: string;
    body: Uint8Array;
    /** Headers that hold the sender's secret. */
    secretNames?: readonly string[];
  },
): Promise<Redelivery | undefined> {
  const before = await readMessageEnvelope(database, id);
  if (!before) return undefined;
  const envelope: Envelope = {
    ...before,
    headers: editedHeaders(before.headers, secretNames).kept,
    edited: true,
  };
  const [text, bytes] = bodyColumns(body);
  const [made] = await database.query("replay an edited message", (sql) =>
    sql<Redelivery[]>`
      with given as (
        select ${newId()}::uuid as id, webhook_type, source, 'unverified' as verification,
          ${storedText(JSON.stringify(envelope))} as envelope, ${text}::text as body,
          ${bytes}::bytea as body_bytes, ${body.byteLength}::int as size, now() as received_at,
          id as replay_of
        from messages where id = ${id} and state <> 'rejected'
      ), ${sql.unsafe(STORE_REPLAYS)}, changed as (
        insert into changes (kind, ids) select 'message', array[id] from stored
      )
      select id as message_id, replay_of from given join stored using (id)`);
  return made;
}
