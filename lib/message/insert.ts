import { Buffer } from "node:buffer";
import type { BatchLimits } from "../async/batch.ts";
import { bodyColumns } from "./body.ts";
import { storeGiven } from "./contents.ts";
import type { Database } from "../store/database.ts";
import { deliveryKey, type NewMessage, type Receipt } from "./new_message.ts";
import { resolveLost } from "./repeat.ts";
import { storedText } from "../store/stored.ts";

const HOT = "id, webhook_type, source, delivery_key, verification, received_at";
const COLUMNS = `${HOT}, envelope, body, body_bytes`;
const ROW = "::uuid ::text ::text ::bytea ::text ::timestamptz ::text ::text ::bytea".split(" ");
/** How many parameters one row has. */
const PARAMETERS = ROW.length;

/** A larger body goes in a statement of its own: in a batch all others would wait for it. */
export const LARGE_BYTES = 256 * 1024;
/** A power of two, since statements are made for such numbers of rows only. */
const MOST_ROWS = 64;

/** What one statement may hold; a large body goes alone. */
export const BATCH_LIMITS: BatchLimits<NewMessage> = {
  items: MOST_ROWS,
  weight: LARGE_BYTES * 4,
  weigh: ({ body }) => body.byteLength > LARGE_BYTES ? Infinity : body.byteLength,
};

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
      with rows (${COLUMNS}) as (values ${rows.join(",")}),
      given as (
        select *, coalesce(octet_length(body), octet_length(body_bytes), 0) as size from rows
      ), ${storeGiven(`${HOT}, size`, "on conflict do nothing")}, changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from stored having count(*) > 0
      )
      select id from stored`;
    statements.set(count, statement);
  }
  return statement;
}

/** Fills a statement for more rows up: a row without an id is not inserted. */
const NO_ROW = new Array(PARAMETERS).fill(null);

/**
 * The columns' types, by their object ids in PostgreSQL (pg_type.dat; 0 leaves it to the server).
 * The driver would otherwise guess them from each value, nulls differently, so that almost every
 * batch would be a statement of its own.
 */
const BYTEA = 17;
const TIMESTAMPTZ = 1184;
const TYPES = [0, 0, 0, BYTEA, 0, TIMESTAMPTZ, 0, 0, BYTEA];

/** A message with what is computed of it once. */
interface InsertRow {
  message: NewMessage;
  key: Buffer | null;
  parameters: unknown[];
}

function toRow(message: NewMessage, key = keyOf(message)): InsertRow {
  return {
    message,
    key,
    parameters: [
      message.id,
      message.webhookType,
      message.source,
      key,
      message.verification,
      message.receivedAt,
      storedText(JSON.stringify(message.envelope)),
      ...bodyColumns(message.body),
    ],
  };
}

function keyOf({ envelope: { delivery_id } }: NewMessage): Buffer | null {
  return delivery_id === null ? null : deliveryKey(delivery_id);
}

/** What is left of some milliseconds from now on, whenever it is asked. */
function countDown(ms: number | undefined): () => number | undefined {
  const until = performance.now() + (ms ?? 0);
  return () => ms === undefined ? undefined : Math.max(1, until - performance.now());
}

/**
 * Keeps a batch of messages in one statement, each delivery once: a repeat is
 * counted on the first message and gets its id; a repeat of a failed message
 * makes that one new again; the same delivery id with another content is a
 * message of its own, flagged. May be repeated with the same messages. All of
 * it together takes at most `ms` milliseconds.
 *
 * @returns a receipt for each message, in their order.
 */
export async function storeMessages(
  database: Database,
  messages: readonly NewMessage[],
  ms?: number,
): Promise<Receipt[]> {
  const left = countDown(ms);
  const receipts = new Map<string, Receipt>();
  let rows = messages.map((message) => toRow(message));
  // What has another content than the first under its id comes round once more, as one of its own.
  for (let round = 0; rows.length > 0; round++) {
    if (round > 1) throw new Error("Cannot store a message: its key has another message");
    rows = await storeRows(database, rows, receipts, left);
  }
  return messages.map((message) => receipts.get(message.id)!);
}

/** Keeps what is new of some rows, and counts the repeats; those that are neither are given back. */
async function storeRows(
  database: Database,
  rows: readonly InsertRow[],
  receipts: Map<string, Receipt>,
  left: () => number | undefined,
): Promise<InsertRow[]> {
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
  for (const row of firsts) {
    if (ids.has(row.message.id)) {
      receipts.set(row.message.id, { messageId: row.message.id, repeat: false, waiting: true });
    } else {
      lost.push(row);
    }
  }
  if (lost.length === 0) return [];
  const others = await resolveLost(database, lost, receipts, left);
  return others.map(({ message, key }) => toRow(message, key));
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
