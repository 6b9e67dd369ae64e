import type { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { Database } from "../store/database.ts";
import { equalBytes } from "../../sources/signature/signature.ts";
import { holderOfSession, holderOfToken, type TokenHolder } from "./person_token.ts";

/** What somebody who has shown a token may do: everything, look at everything, or have work done. */
export type Role = "admin" | "reader" | "drainer";
/** Who may have a session: a page would show the others nothing. */
type SessionRole = Exclude<Role, "drainer">;

/** What somebody may do, and who they are where their token is a person's own. */
export interface Identity<R extends Role = Role> {
  role: R;
  holder?: TokenHolder;
}

/** Proves who somebody is, without knowing the admin's token: only its hash is kept. */
export interface Admin {
  identifyToken(token: string): Promise<Identity | undefined>;
  /** A session for someone who has shown a token: a random text for a cookie. */
  openSession(identity: Identity<SessionRole>): Promise<string>;
  identifySession(session: string): Promise<Identity<SessionRole> | undefined>;
  closeSession(session: string): Promise<void>;
  /**
   * Makes a random token that all replicas share, unless there is one already.
   *
   * @returns the token, to be shown once; undefined when it was made before or
   * the operator has set `ADMIN_TOKEN`.
   */
  makeToken(): Promise<string | undefined>;
  /** Makes a new token in place of a lost one: the old one and all sessions and codes end. */
  replaceToken(): Promise<string>;
  /** A code that signs the admin in once, within {@link CODE_MINUTES}; sessions go on. */
  makeCode(): Promise<string>;
  /** Uses a code up; false when it was used, has run out, or never was one. */
  redeemCode(code: string): Promise<boolean>;
}

/** Long enough to go from a terminal to a browser; what stays in a log's history is worth nothing. */
export const CODE_MINUTES = 15;

/** 30 days: whoever looks in once a month signs in anew. */
export const SESSION_SECONDS = 30 * 24 * 60 * 60;

const hashOf = (text: string) => createHash("sha256").update(text).digest();
/** 192 bits: nobody guesses it, and it has no character that a URL or a shell would change. */
const randomText = () => randomBytes(24).toString("base64url");

/** The hash that somebody's token must have, by role; undefined where there is no such token. */
interface TokenHashes {
  admin(): Promise<Uint8Array | undefined>;
  reader: Uint8Array | undefined;
}

/**
 * The admin of this Otto: with `ADMIN_TOKEN`, or else with a random token whose
 * hash is in the database; whoever has `READ_TOKEN` or `DRAIN_TOKEN`; and people with tokens of
 * their own. Sessions are random texts of which the database has the hash, so whoever reads the database cannot sign in
 * with what stands there.
 */
export function openAdmin(
  { adminToken, readToken, drainToken }: Pick<Config, "adminToken" | "readToken" | "drainToken">,
  database: Database,
): Admin {
  const configured = adminToken === undefined ? undefined : hashOf(adminToken);
  const reader = readToken === undefined ? undefined : hashOf(readToken);
  const drainer = drainToken === undefined ? undefined : hashOf(drainToken);
  const admin = async () => configured ?? await readTokenHash(database);
  return {
    async identifyToken(token) {
      const shown = hashOf(token);
      const hash = await admin();
      if (hash !== undefined && equalBytes(shown, hash)) return { role: "admin" };
      if (reader !== undefined && equalBytes(shown, reader)) return { role: "reader" };
      if (drainer !== undefined && equalBytes(shown, drainer)) return { role: "drainer" };
      const holder = await holderOfToken(database, token);
      return holder && { role: holder.role, holder };
    },
    ...openSessions({ admin, reader }, database),
    ...openCodes(admin, database),
    async makeToken() {
      if (configured) return undefined;
      const token = randomText();
      return await keepTokenHash(database, hashOf(token)) ? token : undefined;
    },
    async replaceToken() {
      const token = randomText();
      await replaceTokenHash(database, hashOf(token));
      return token;
    },
  };
}

/** Sessions are bound to the token that opened them: those of an earlier one are none. */
function openSessions(
  hashes: TokenHashes,
  database: Database,
): Pick<Admin, "openSession" | "identifySession" | "closeSession"> {
  async function sessionKey(
    session: string,
    role: SessionRole,
  ): Promise<Uint8Array | undefined> {
    const hash = role === "reader" ? hashes.reader : await hashes.admin();
    return hash && createHash("sha256").update(hash).update(session).digest();
  }

  async function isOpen(session: string, role: SessionRole): Promise<boolean> {
    const key = await sessionKey(session, role);
    if (!key) return false;
    const rows = await database.query(
      "read a session",
      (sql) => sql`select from sessions where hash = ${key} and expires_at > now()`,
    );
    return rows.length > 0;
  }

  return {
    async openSession({ role, holder }) {
      const session = randomText();
      const key = holder ? personKey(session) : await sessionKey(session, role);
      await database.query("open a session", (sql) =>
        sql`
          with old as (delete from sessions where expires_at < now())
          insert into sessions (hash, expires_at, token_id)
          values (${key!}, now() + make_interval(secs => ${SESSION_SECONDS}),
            ${holder?.tokenId ?? null})`);
      return session;
    },
    async identifySession(session) {
      if (await isOpen(session, "admin")) return { role: "admin" };
      if (await isOpen(session, "reader")) return { role: "reader" };
      const holder = await holderOfSession(database, personKey(session));
      return holder && { role: holder.role, holder };
    },
    async closeSession(session) {
      const keys = [
        await sessionKey(session, "admin"),
        await sessionKey(session, "reader"),
        personKey(session),
      ];
      for (const key of keys) {
        if (!key) continue;
        await database.query(
          "close a session",
          (sql) => sql`delete from sessions where hash = ${key}`,
        );
      }
    },
  };
}

/** A person's session is bound to their token by its row. */
function personKey(session: string): Uint8Array {
  return createHash("sha256").update("person's session\0").update(session).digest();
}

/** Codes are kept beside the sessions, by a hash that no session has. */
function openCodes(
  admin: TokenHashes["admin"],
  database: Database,
): Pick<Admin, "makeCode" | "redeemCode"> {
  const keyOf = (token: Uint8Array, code: string) =>
    createHash("sha256").update("sign-in code\0").update(token).update(code).digest();
  return {
    async makeCode() {
      const token = await admin();
      if (!token) throw new Error("Cannot make a sign-in code: there is no admin token yet");
      const code = randomText();
      await database.query("make a sign-in code", (sql) =>
        sql`
          insert into sessions (hash, expires_at)
          values (${keyOf(token, code)}, now() + make_interval(mins => ${CODE_MINUTES}))`);
      return code;
    },
    async redeemCode(code) {
      const token = await admin();
      if (!token) return false;
      const rows = await database.query("redeem a sign-in code", (sql) =>
        sql`
          delete from sessions where hash = ${keyOf(token, code)} and expires_at > now()
          returning hash`);
      return rows.length > 0;
    },
  };
}

async function readTokenHash(database: Database): Promise<Uint8Array | undefined> {
  const [row] = await database.query(
    "read the admin token",
    (sql) =>
      sql<{ hash: Uint8Array }[]>`
      select decode(value, 'hex') as hash from settings where name = 'admin_token_hash'`,
  );
  return row?.hash;
}

/** Keeps the hash unless there is one; returns whether it did. */
async function keepTokenHash(database: Database, hash: Buffer): Promise<boolean> {
  const rows = await database.query(
    "keep the admin token",
    (sql) =>
      sql`insert into settings (name, value)
      values ('admin_token_hash', ${hash.toString("hex")})
      on conflict (name) do nothing returning name`,
  );
  return rows.length > 0;
}

/** Keeps the hash in place of another, whose sessions end. */
async function replaceTokenHash(database: Database, hash: Buffer): Promise<void> {
  await database.query("replace the admin token", (sql) =>
    sql`
      with old as (delete from sessions)
      insert into settings (name, value)
      values ('admin_token_hash', ${hash.toString("hex")})
      on conflict (name) do update set value = excluded.value`);
}
