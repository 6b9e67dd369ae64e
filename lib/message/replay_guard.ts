import { createHash } from "node:crypto";
import type { Database, Sql } from "../store/database.ts";
import { storedJson } from "../store/stored.ts";

/**
 * A signed message, and what nobody could change in it: whoever has captured a signed request may
 * send it again under another delivery id, but not with other such bytes.
 */
export interface GuardEntry {
  messageId: string;
  source: string;
  /** {@link guardKey} of those bytes. */
  key: string;
}

/** The SHA-256, in hex, of what nobody could change in a signed message: often its whole body. */
export function guardKey(unchangeable: string | Uint8Array): string {
  return createHash("sha256").update(unchangeable).digest("hex");
}

/**
 * Remembers signed messages by what cannot be changed in them. May be called again
 * for the same message.
 *
 * @returns for each message that had come before, under another delivery id, the
 * id of the first one: of one that was worked, or is to be.
 */
export async function rememberSigned(
  database: Database,
  entries: readonly GuardEntry[],
): Promise<Map<string, string>> {
  const rows = entries.map(toGuardRow);
  // Of several with the same key the first stays: a statement cannot change one row twice.
  const newestFirst = rows.toSorted((one, other) => one.message_id < other.message_id ? 1 : -1);
  const firsts = new Map(newestFirst.map((row) => [`${row.source}:${row.key}`, row]));
  // Apart from the question below: what another worker has just inserted is seen only then.
  await database.query("remember signed messages", (sql) =>
    sql`
      insert into message_captures (source, key, message_id)
      select e.source, decode(e.key, 'hex'), e.message_id
      from jsonb_to_recordset(${storedJson([...firsts.values()])}::text::jsonb)
        as e(message_id uuid, source text, key text)
      join messages m on m.id = e.message_id
      order by e.source, e.key, e.message_id
      for key share of m
      -- One that was left out or has failed is not the first of anything.
      on conflict (source, key) do update set message_id = excluded.message_id
      where not exists (
        select from messages m
        where m.id = message_captures.message_id and ${counts(sql)})`);
  const repeated = await database.query(
    "find signed messages again",
    (sql) =>
      sql<{ id: string; first: string }[]>`
      select e.message_id as id, m.id as first
      from jsonb_to_recordset(${storedJson(rows)}::text::jsonb)
        as e(message_id uuid, source text, key text)
      join message_captures r on r.source = e.source and r.key = decode(e.key, 'hex')
      join messages m on m.id = r.message_id
      where m.id <> e.message_id and ${counts(sql)}`,
  );
  return new Map(repeated.map(({ id, first }) => [id, first]));
}

/**
 * The first message with any of these signed parts, of those that were worked or
 * are to be, `but` this one; undefined when there is none.
 */
export async function findFirstSigned(
  database: Database,
  { source, keys, but = null }: {
    source: string;
    keys: readonly (string | Uint8Array)[];
    but?: string | null;
  },
): Promise<string | undefined> {
  if (keys.length === 0) return undefined;
  const hashes = `{${keys.map(guardKey).join(",")}}`;
  const [row] = await database.query(
    "find a signed message",
    (sql) =>
      sql<{ message_id: string }[]>`
      select r.message_id from message_captures r join messages m on m.id = r.message_id
      where r.source = ${source}
        and r.key in (select decode(hash, 'hex') from unnest(${hashes}::text[]) as h(hash))
        and m.id is distinct from ${but}::uuid and ${counts(sql)}
      order by r.message_id limit 1`,
  );
  return row?.message_id;
}

/**
 * Whether message `m` was worked, or is to be: only then is another one a repeat of it. A close that
 * found nothing open was worked, too, and its copy is to close nothing that was opened since.
 */
function counts(sql: Sql) {
  return sql`(m.task_id is not null or m.state in ('new', 'processed'))`;
}

/** A {@link GuardEntry} as the statements about them take it. */
export function toGuardRow({ messageId, source, key }: GuardEntry) {
  return { message_id: messageId, source, key };
}
