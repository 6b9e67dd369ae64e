import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Database } from "../store/database.ts";
import { bodyColumns } from "./body.ts";
import { BODY, BODY_BYTES, CONTENTS, DROPPED, storeGiven } from "./contents.ts";
import type { MessageState } from "./message.ts";
import { newId } from "../store/id.ts";
import type { NewMessage, Receipt } from "./new_message.ts";
import { idArray, storedJson, storedText } from "../store/stored.ts";

/** A message that was not inserted, because another one has its id or its delivery. */
export interface LostRow {
  message: NewMessage;
  /** The delivery's {@link deliveryKey}; null where a repeat does not count. */
  key: Buffer | null;
}

/** The stored message that a lost row ran into. */
interface Winner {
  asked: string;
  id: string;
  state: MessageState;
  same: boolean;
}

const bodyHash = ({ body }: NewMessage) => createHash("sha256").update(body).digest("hex");

/**
 * What the rows that were not inserted ran into. Bodies are compared by their hashes; one that was
 * dropped by its age is taken for the same.
 */
async function findWinners(
  database: Database,
  lost: readonly LostRow[],
  ms?: number,
): Promise<Map<string, Winner>> {
  const asked = lost.map(({ message, key }) => ({
    asked: message.id,
    source: message.source,
    key: key?.toString("hex") ?? null,
    body: bodyHash(message),
  }));
  const winners = await database.query("find repeated messages", (sql) =>
    sql<Winner[]>`
      select l.asked, m.id, m.state, ${sql.unsafe(DROPPED)} or
        sha256(coalesce(${sql.unsafe(BODY_BYTES)},
          convert_to(coalesce(${sql.unsafe(BODY)}, ''), 'UTF8'))) = decode(l.body, 'hex') as same
      from jsonb_to_recordset(${storedJson(asked)}::text::jsonb)
        as l(asked uuid, source text, key text, body text)
      cross join lateral (
        select id, state, envelope, body, body_bytes from messages
        where id = l.asked or (source = l.source and delivery_key = decode(l.key, 'hex'))
        order by id = l.asked desc limit 1
      ) m ${sql.unsafe(CONTENTS)}`, ms);
  return new Map(winners.map((winner) => [winner.asked, winner]));
}

/**
 * Finds what the rows that were not inserted ran into, and acts on it: counts a repeat, keeps
 * another body of the same delivery beside the first.
 *
 * @param receipts gets a receipt for each of them.
 * @param left how many milliseconds there are still, asked before each statement.
 * @throws when the message that one of them repeats is gone by now.
 */
export async function resolveLost(
  database: Database,
  lost: readonly LostRow[],
  receipts: Map<string, Receipt>,
  left: () => number | undefined,
): Promise<void> {
  const winners = await findWinners(database, lost, left());
  const repeated: string[] = [];
  for (const row of lost) {
    const winner = winners.get(row.message.id);
    if (!winner) {
      throw new Error("Cannot store a message: the one it repeats has just been deleted");
    }
    // An earlier try of ours whose answer was lost.
    const own = winner.id === row.message.id;
    receipts.set(row.message.id, {
      messageId: winner.id,
      repeat: !own,
      waiting: winner.state === "new" || (winner.same && winner.state === "failed"),
    });
    if (!own && winner.same) repeated.push(winner.id);
    if (!own && !winner.same) await storeVariant(database, row, winner.id, left());
  }
  if (repeated.length > 0) await countRepeats(database, repeated, left());
}

/** Counts repeats; one of a failed message queues that again. */
async function countRepeats(
  database: Database,
  ids: readonly string[],
  ms?: number,
): Promise<void> {
  await database.query("count repeats", (sql) =>
    sql`
      with repeated as (
        select id, count(*)::int as times from unnest(${idArray(ids)}::uuid[]) as r(id) group by id
        order by id
      ), counted as (
        update messages m
        set repeats = m.repeats + r.times,
          state = case when m.state = 'failed' then 'new' else m.state end,
          error = case when m.state = 'failed' then null else m.error end,
          settled_at = case when m.state = 'failed' then null else m.settled_at end,
          attempts = case when m.state = 'failed' then 0 else m.attempts end
        from repeated r where m.id = r.id returning m.id
      )
      insert into changes (kind, ids)
      select 'message', array_agg(id) from counted having count(*) > 0`, ms);
}

/** Keeps another body that came under a delivery id, once however often it comes; nobody works it. */
async function storeVariant(
  database: Database,
  { message }: LostRow,
  first: string,
  ms?: number,
): Promise<void> {
  const [text, bytes] = bodyColumns(message.body);
  const key = createHash("sha256").update(message.envelope.delivery_id ?? "").update("\0")
    .update(message.body).digest();
  await database.query("store another body of a delivery", (sql) =>
    sql`
      with given as (
        select ${newId()}::uuid as id, ${message.webhookType} as webhook_type,
          ${message.source} as source, ${key}::bytea as delivery_key,
          ${message.verification} as verification,
          ${storedText(JSON.stringify(message.envelope))} as envelope, ${text}::text as body,
          ${bytes}::bytea as body_bytes, ${message.body.byteLength}::int as size,
          ${message.receivedAt}::timestamptz as received_at, 'filtered' as state,
          ${`same delivery id as ${first}, but another body`} as reason, now() as settled_at
      ), ${
      sql.unsafe(storeGiven(
        `id, webhook_type, source, delivery_key, verification, size, received_at, state, reason,
        settled_at`,
        "on conflict (source, delivery_key) do update set repeats = messages.repeats + 1",
      ))
    }
      insert into changes (kind, ids) select 'message', array_agg(id) from stored`, ms);
}
