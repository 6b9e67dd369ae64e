import { randomBytes } from "node:crypto";
import { DeadlineError } from "../async/deadline.ts";
import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";

/**
 * As much as an ordinary webhook: where the disk is full a few bytes may still
 * fit into a page that is there already, and a message would not.
 */
const BODY_BYTES = 8 * 1024;

/** The inner block's own SQLSTATE, which takes back what it wrote; PostgreSQL has no such class. */
const TAKEN_BACK = "OTTO1";

/**
 * Whether a message could be committed now: writes one as the inbox does, for
 * at most `ms` milliseconds, and takes it back within the same statement, so
 * that nobody sees it. The commit still goes to the disk and to standbys that
 * are waited for.
 *
 * @throws what the inbox would fail with.
 */
export async function tryToStore(database: Database, ms: number): Promise<void> {
  // Base64 of noise cannot be compressed away, and has nothing to be escaped.
  const body = randomBytes(BODY_BYTES * 3 / 4).toString("base64");
  const id = newId();
  await database.query(
    "try to store a message",
    (sql) =>
      sql.unsafe(`
      do $$ begin
        insert into messages (id, webhook_type, source, verification, size, received_at)
        values ('${id}', 'check', 'generic', 'unverified', ${BODY_BYTES}, now());
        insert into message_contents (message_id, envelope, body) values ('${id}', '{}', '${body}');
        insert into changes (kind, ids) values ('message', array['${id}'::uuid]);
        raise exception using errcode = '${TAKEN_BACK}';
      exception when sqlstate '${TAKEN_BACK}' then null;
      end $$`),
    ms,
  );
}

/** SQLSTATEs (PostgreSQL's manual, appendix A) that have a cause a person can remove. */
const REASONS: Readonly<Record<string, string>> = {
  "53100": "the database's disk is full",
  "53200": "the database is out of memory",
  "53300": "the database has no connection left",
  "25006": "the database is read-only",
  "42501": "the database's user may not write messages",
  "42P01": "the database has no schema yet",
  "57P03": "the database is starting or stopping",
};

/** Why a message was not committed, in words for anyone: nothing in them is a stranger's. */
export function storeReason(error: unknown): string {
  if (error instanceof DeadlineError) return "the database does not answer in time";
  const code = (error as { code?: unknown })?.code;
  if (typeof code !== "string") return "the database cannot be written to";
  return REASONS[code] ??
    (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith("08")
      ? `the database refuses to write (SQLSTATE ${code})`
      : "the database cannot be reached");
}
