import { Buffer, isAscii } from "node:buffer";
import { createHash } from "node:crypto";
import type { Database } from "../store/database.ts";
import type { Envelope, MessageState, Verification } from "./message.ts";
import { newId } from "../store/id.ts";
import { idArray, storedJson, storedText } from "../store/stored.ts";

/** A message that is to be kept. */
export interface NewMessage {
  id: string;
  webhookType: string;
  source: string;
  verification: Verification;
  envelope: Envelope;
  body: Uint8Array;
  receivedAt: Date;
}

/** Where a message was kept. */
export interface Receipt {
  /** The id the sender gets: of the first message with this delivery id. */
  messageId: string;
  repeat: boolean;
  /** Whether there is now something for a worker to do. */
  waiting: boolean;
}

const PARAMETERS = 9;
const COLUMNS = `id, webhook_type, source, delivery_key, verification, envelope, body, body_bytes,
  received_at`;
const ROW = "::uuid ::text ::text ::bytea ::text ::text ::text ::bytea ::timestamptz".split(" ");

const statements = new Map<number, string>();

/**
 * The insert for `count` rows. The change row tells the live stream of the
 * whole batch at once: a row for each message would cost an eighth of the time.
 */
function insertStatement(count: number): string {
  let statement = statements.get(count);
  if (!statement) {
    const rows = Array.from(
      { length: count },
      (_, row) =>
        `(${ROW.map((cast, column) => `$${row * PARAMETERS + column + 1}${cast}`).join(",")})`,
    );
    statement = `
      with given (${COLUMNS}) as (values ${rows.join(",")}),
      stored as (
        insert into messages (${COLUMNS}, size)
        select ${COLUMNS}, coalesce(octet_length(body), octet_length(body_bytes), 0)
        from given where id is not null
        on conflict do nothing returning id
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from stored having count(*) > 0
      )
      select id from stored`;
    statements.set(count, statement);
  }
  return statement;
}

const NO_ROW = new Array(PARAMETERS).fill(null);

/**
 * Types that the driver would otherwise guess from each value, nulls
 * differently, so that almost every batch would be a statement of its own.
 */
const BYTEA = 17;
const TIMESTAMPTZ = 1184;
const TYPES = [0, 0, 0, BYTEA, 0, 0, 0, BYTEA, TIMESTAMPTZ];

/** SHA-256 of the delivery id: ids may be longer than an index takes. */
export function deliveryKey(deliveryId: string): Buffer {
  return createHash("sha256").update(deliveryId).digest();
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Clean UTF-8 travels as text: as bytea each byte would be two on the wire. */
export function bodyColumns(body: Uint8Array): [text: string | null, bytes: Buffer | null] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (body.includes(0)) return [null, bytes];
  // Most bodies are plain ASCII, and for those this is many times as fast.
  if (isAscii(body)) return [bytes.toString("latin1"), null];
  try {
    return [utf8.decode(body), null];
  } catch {
    return [null, bytes];
  }
}

interface InsertRow {
  message: NewMessage;
  key: Buffer | null;
  parameters: unknown[];
}

function toRow(message: NewMessage): InsertRow {
  const { delivery_id } = message.envelope;
  const key = delivery_id === null ? null : deliveryKey(delivery_id);
  return {
    message,
    key,
    parameters: [
      message.id,
      message.webhookType,
      message.source,
      key,
      message.verification,
      storedText(JSON.stringify(message.envelope)),
      ...bodyColumns(message.body),
      message.receivedAt,
    ],
  };
}

/** What is left of some milliseconds from now on, whenever it is asked. */
function countDown(ms: number | undefined): () => number | undefined {
  const until = performance.now() + (ms ?? 0);
  return () => ms === undefined ? undefined : Math.max(1, until - performance.now());
}

/**
 * Keeps a batch of messages in one statement, each delivery once: a repeat is
 * counted on the first message and gets its id; a repeat of a failed message
 * makes that one new again; the same delivery id with another body is kept
 * beside it, flagged and not worked. May be repeated with the same messages.
 * All of it together takes at most `ms` milliseconds.
 *
 * @returns a receipt for each message, in their order.
 */
export async function storeMessages(
  database: Database,
  messages: readonly NewMessage[],
  ms?: number,
): Promise<Receipt[]> {
  const left = countDown(ms);
  const rows = messages.map(toRow);
  const seen = new Set<string>();
  const firsts: InsertRow[] = [];
  const lost: InsertRow[] = [];
  for (const row of rows) {
    const name = row.key ? `${row.message.source} ${row.key.toString("latin1")}` : row.message.id;
    (seen.has(name) ? lost : firsts).push(row);
    seen.add(name);
  }
  // Two processes that store the same deliveries must take their locks in the same order.
  firsts.sort(byKey);
  const ids = await insertRows(database, firsts, left());
  const receipts = new Map<string, Receipt>();
  for (const row of firsts) {
    if (ids.has(row.message.id)) {
      receipts.set(row.message.id, { messageId: row.message.id, repeat: false, waiting: true });
    } else {
      lost.push(row);
    }
  }
  if (lost.length > 0) await resolveLost(database, lost, receipts, left);
  return messages.map((message) => receipts.get(message.id)!);
}

function byKey(a: InsertRow, b: InsertRow): number {
  if (!a.key || !b.key) return a.key ? 1 : b.key ? -1 : 0;
  return a.message.source < b.message.source
    ? -1
    : a.message.source > b.message.source
    ? 1
    : Buffer.compare(a.key, b.key);
}

async function insertRows(
  database: Database,
  rows: readonly InsertRow[],
  ms?: number,
): Promise<Set<string>> {
  // A few sizes only, filled up with empty rows, so that few statements are prepared.
  const size = 2 ** Math.ceil(Math.log2(rows.length));
  const parameters = rows.flatMap((row) => row.parameters);
  for (let row = rows.length; row < size; row++) parameters.push(...NO_ROW);
  const stored = await database.query(
    "store messages",
    (sql) =>
      sql.unsafe<{ id: string }[]>(
        insertStatement(size),
        parameters.map((value, at) => sql.typed(value as never, TYPES[at % PARAMETERS])) as never[],
        { prepare: true },
      ),
    ms,
  );
  return new Set(stored.map((row) => row.id));
}

interface Winner {
  asked: string;
  id: string;
  state: MessageState;
  same: boolean;
}

const bodyHash = ({ body }: NewMessage) => createHash("sha256").update(body).digest("hex");

/** What the rows that were not inserted ran into. Bodies are compared by their hashes. */
async function findWinners(
  database: Database,
  lost: readonly InsertRow[],
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
      select l.asked, m.id, m.state,
        sha256(coalesce(m.body_bytes, convert_to(coalesce(m.body, ''), 'UTF8')))
          = decode(l.body, 'hex') as same
      from jsonb_to_recordset(${storedJson(asked)}::text::jsonb)
        as l(asked uuid, source text, key text, body text)
      cross join lateral (
        select id, state, body, body_bytes from messages
        where id = l.asked or (source = l.source and delivery_key = decode(l.key, 'hex'))
        order by id = l.asked desc limit 1
      ) m`, ms);
  return new Map(winners.map((winner) => [winner.asked, winner]));
}

/** Finds what the rows that were not inserted ran into, and acts on it. */
async function resolveLost(
  database: Database,
  lost: readonly InsertRow[],
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

async function storeVariant(
  database: Database,
  { message, parameters }: InsertRow,
  first: string,
  ms?: number,
): Promise<void> {
  const [, , , , , , text, bytes] = parameters as (string | Buffer | null)[];
  const key = createHash("sha256").update(message.envelope.delivery_id ?? "").update("\0")
    .update(message.body).digest();
  await database.query("store another body of a delivery", (sql) =>
    sql`
      with stored as (
        insert into messages (id, webhook_type, source, delivery_key, verification, envelope,
          body, body_bytes, size, received_at, state, reason, settled_at)
        values (${newId()}, ${message.webhookType}, ${message.source}, ${key},
          ${message.verification}, ${storedText(JSON.stringify(message.envelope))},
          ${text as string | null}, ${bytes as Buffer | null}, ${message.body.byteLength},
          ${message.receivedAt}, 'filtered',
          ${`same delivery id as ${first}, but another body`}, now())
        on conflict (source, delivery_key) do update set repeats = messages.repeats + 1
        returning id
      )
      insert into changes (kind, ids) select 'message', array_agg(id) from stored`, ms);
}
