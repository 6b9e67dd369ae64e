import { createHash, randomBytes } from "node:crypto";
import { equalBytes } from "../../sources/signature/signature.ts";
import type { Database, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";

/** A token of a person's own, as an admin sees it: the secret in it is shown once. */
export interface PersonToken {
  id: string;
  user_id: string;
  /** What it is for, in its owner's words. */
  name: string;
  /** How it begins; good to tell it from others, and for nothing else. */
  handle: string;
  role: "admin" | "reader";
  created_at: Date;
  expires_at: Date | null;
  /** To {@link USED_MINUTES} minutes. */
  last_used_at: Date | null;
}

/** Whose token was shown, and what it is good for. */
export interface TokenHolder {
  tokenId: string;
  role: PersonToken["role"];
  user: { id: string; name: string };
}

/** Nobody counts more of them; the oldest have to be revoked first. */
export const MOST_TOKENS = 50;
/** So often a use is noted: a program calls a hundred times a second. */
const USED_MINUTES = 10;
/** Twelve characters find the row, 32 (192 bits) prove that it is theirs. */
const SHAPE = /^(otto_[0-9a-f]{12})_[A-Za-z0-9_-]{32}$/;

const hashOf = (token: string) => createHash("sha256").update(token).digest();

/**
 * Makes a token for a person.
 *
 * @param days after which it ends; undefined for one that does not.
 * @returns it, to be shown once; undefined when there is no such person, or they have
 *   {@link MOST_TOKENS} already.
 */
export async function createPersonToken(
  database: Database,
  { userId, name, role, days }: {
    userId: string;
    name: string;
    role: PersonToken["role"];
    days?: number;
  },
): Promise<{ secret: string; token: PersonToken } | undefined> {
  const handle = `otto_${randomBytes(6).toString("hex")}`;
  const secret = `${handle}_${randomBytes(24).toString("base64url")}`;
  const [token] = await database.query("make a person's token", (sql) =>
    sql<PersonToken[]>`
      insert into person_tokens (id, user_id, name, handle, hash, role, expires_at)
      select ${newId()}, id, ${name}, ${handle}, ${hashOf(secret)}, ${role},
        now() + make_interval(days => ${days ?? null}::int)
      from users
      where id = ${userId} and kind = 'person'
        and ${MOST_TOKENS} > (select count(*) from person_tokens where user_id = ${userId})
      returning ${sql.unsafe(COLUMNS)}`);
  return token && { secret, token };
}

const COLUMNS = "id, user_id, name, handle, role, created_at, expires_at, last_used_at";

/** A person's tokens, newest first; those that have ended, too. */
export async function listPersonTokens(
  database: Database,
  userId: string,
): Promise<PersonToken[]> {
  return await database.query("list a person's tokens", (sql) =>
    sql<PersonToken[]>`
      select ${sql.unsafe(COLUMNS)} from person_tokens
      where user_id = ${userId} order by id desc limit ${MOST_TOKENS}`);
}

/** Ends a token and all sessions that were opened with it; undefined when they have no such token. */
export async function revokePersonToken(
  database: Database,
  { userId, id }: { userId: string; id: string },
): Promise<PersonToken | undefined> {
  const [token] = await database.query("revoke a person's token", (sql) =>
    sql<PersonToken[]>`
      delete from person_tokens where id = ${id} and user_id = ${userId}
      returning ${sql.unsafe(COLUMNS)}`);
  return token;
}

interface HolderRow {
  token_id: string;
  hash: Uint8Array;
  role: PersonToken["role"];
  user_id: string;
  user_name: string;
  /** Whether its last use was noted long ago. */
  stale: boolean;
}

/** Whose token this is; undefined when it is nobody's, was revoked, or has run out. */
export async function holderOfToken(
  database: Database,
  secret: string,
): Promise<TokenHolder | undefined> {
  const handle = SHAPE.exec(secret)?.[1];
  if (handle === undefined) return undefined;
  const [row] = await database.query("find a person's token", (sql) =>
    sql<HolderRow[]>`
      ${holders(sql)}
      where t.handle = ${handle} and (t.expires_at is null or t.expires_at > now())`);
  if (!row || !equalBytes(hashOf(secret), row.hash)) return undefined;
  return await noteUse(database, row);
}

/** Whose token it was that a session was opened with; undefined when either has ended. */
export async function holderOfSession(
  database: Database,
  hash: Uint8Array,
): Promise<TokenHolder | undefined> {
  const [row] = await database.query("find a person's session", (sql) =>
    sql<HolderRow[]>`
      ${holders(sql)} join sessions s on s.token_id = t.id
      where s.hash = ${hash} and s.expires_at > now()
        and (t.expires_at is null or t.expires_at > now())`);
  return row && await noteUse(database, row);
}

/** Whether a token is still good: for what goes on after whoever showed it was let in. */
export async function isTokenGood(database: Database, tokenId: string): Promise<boolean> {
  const rows = await database.query("look whether a token is good", (sql) =>
    sql`
      select from person_tokens
      where id = ${tokenId} and (expires_at is null or expires_at > now())`);
  return rows.length > 0;
}

const holders = (sql: Sql) =>
  sql`
    select t.id as token_id, t.hash, t.role, u.id as user_id, u.name as user_name,
      t.last_used_at is null
        or t.last_used_at < now() - make_interval(mins => ${USED_MINUTES}) as stale
    from person_tokens t join users u on u.id = t.user_id`;

async function noteUse(
  database: Database,
  { token_id: tokenId, role, user_id: id, user_name: name, stale }: HolderRow,
): Promise<TokenHolder> {
  if (stale) {
    // Whoever may come in is let in, also where nothing can be written.
    await database.query(
      "note a token's use",
      (sql) => sql`update person_tokens set last_used_at = now() where id = ${tokenId}`,
    ).catch(() => {});
  }
  return { tokenId, role, user: { id, name } };
}
