import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Database } from "./database.ts";
import { storedJson } from "./stored.ts";

/** A signed message, and what nobody could change in it. */
export interface Capture {
  messageId: string;
  source: string;
  key: readonly (string | Uint8Array)[];
}

/**
 * Remembers signed messages by what cannot be changed in them. May be called again
 * for the same message.
 *
 * @returns for each message that had come before, under another delivery id, the
 * id of the first one: of one that was worked, or is to be.
 */
export async function rememberCaptures(
  database: Database,
  captures: readonly Capture[],
): Promise<Map<string, string>> {
  const rows = captures.map(({ messageId, source, key }) => ({
    message_id: messageId,
    source,
    key: hashOf(key),
  })).sort((one, other) => one.key < other.key ? -1 : 1);
  // Apart from the question below: what another worker has just inserted is seen only then.
  await database.query("remember signed messages", (sql) =>
    sql`
      insert into message_captures (source, key, message_id)
      select source, decode(key, 'hex'), message_id
      from jsonb_to_recordset(${storedJson(rows)}::text::jsonb)
        as c(message_id uuid, source text, key text)
      order by source, key, message_id
      on conflict do nothing`);
  const repeated = await database.query(
    "find signed messages again",
    (sql) =>
      sql<{ id: string; first: string }[]>`
      select c.message_id as id, m.id as first
      from jsonb_to_recordset(${storedJson(rows)}::text::jsonb)
        as c(message_id uuid, source text, key text)
      join message_captures r on r.source = c.source and r.key = decode(c.key, 'hex')
      join messages m on m.id = r.message_id
      where m.id <> c.message_id and (m.task_id is not null or m.state = 'new')`,
  );
  return new Map(repeated.map(({ id, first }) => [id, first]));
}

/** With the length of each part, so that no two lists of parts are the same bytes. */
function hashOf(parts: Capture["key"]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.byteLength}:`).update(bytes);
  }
  return hash.digest("hex");
}
