import { createHash, randomBytes } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { Database } from "../store/database.ts";
import { equalBytes } from "../../sources/signature/signature.ts";

/** What somebody who has shown a token may do: everything, or look at everything. */
export type Role = "admin" | "reader";

/** Proves who somebody is, without knowing the admin's token: only its hash is kept. */
export interface Admin {
  roleOfToken(token: string): Promise<Role | undefined>;
  /** A session for someone who has shown a token: a random text for a cookie. */
  openSession(role: Role): Promise<string>;
  roleOfSession(session: string): Promise<Role | undefined>;
  closeSession(session: string): Promise<void>;
  /**
   * Makes a random token that all replicas share, unless there is one already.
   *
   * @returns the token, to be shown once; undefined when it was made before or
   * the operator has set `ADMIN_TOKEN`.
   */
  makeToken(): Promise<string | undefined>;
  /** Makes a new token in place of a lost one: the old one and all sessions end. */
  replaceToken(): Promise<string>;
}

export const SESSION_SECONDS = 30 * 24 * 60 * 60;

const hashOf = (text: string) => createHash("sha256").update(text).digest();
const randomText = () => randomBytes(24).toString("base64url");

/**
 * The admin of this Otto: with `ADMIN_TOKEN`, or else with a random token whose
 * hash is in the database; and whoever has `READ_TOKEN`. Sessions are random texts of
 * which the database has the hash, so whoever reads the database cannot sign in
 * with what stands there.
 */
export function openAdmin(
  { adminToken, readToken }: Pick<Config, "adminToken" | "readToken">,
  database: Database,
): Admin {
  const configured = adminToken === undefined ? undefined : hashOf(adminToken);
  const reading = readToken === undefined ? undefined : hashOf(readToken);

  async function theHash(): Promise<Uint8Array | undefined> {
    if (configured) return configured;
    const [row] = await database.query(
      "read the admin token",
      (sql) =>
        sql<{ hash: Uint8Array }[]>`
        select decode(value, 'hex') as hash from settings where name = 'admin_token_hash'`,
    );
    return row?.hash;
  }

  /** Sessions of an earlier token are none. */
  async function sessionKey(session: string, role: Role): Promise<Uint8Array | undefined> {
    const hash = role === "reader" ? reading : await theHash();
    return hash && createHash("sha256").update(hash).update(session).digest();
  }

  async function isSession(session: string, role: Role): Promise<boolean> {
    const key = await sessionKey(session, role);
    if (!key) return false;
    const rows = await database.query(
      "read a session",
      (sql) => sql`select from sessions where hash = ${key} and expires_at > now()`,
    );
    return rows.length > 0;
  }

  return {
    async roleOfToken(token) {
      const shown = hashOf(token);
      const hash = await theHash();
      if (hash !== undefined && equalBytes(shown, hash)) return "admin";
      return reading !== undefined && equalBytes(shown, reading) ? "reader" : undefined;
    },
    async openSession(role) {
      const session = randomText();
      const key = await sessionKey(session, role);
      await database.query("open a session", (sql) =>
        sql`
          with old as (delete from sessions where expires_at < now())
          insert into sessions (hash, expires_at)
          values (${key!}, now() + make_interval(secs => ${SESSION_SECONDS}))`);
      return session;
    },
    async roleOfSession(session) {
      if (await isSession(session, "admin")) return "admin";
      return await isSession(session, "reader") ? "reader" : undefined;
    },
    async closeSession(session) {
      for (const role of ["admin", "reader"] as const) {
        const key = await sessionKey(session, role);
        if (!key) continue;
        await database.query(
          "close a session",
          (sql) => sql`delete from sessions where hash = ${key}`,
        );
      }
    },
    async makeToken() {
      if (configured) return undefined;
      const token = randomText();
      const [made] = await database.query(
        "keep the admin token",
        (sql) =>
          sql`insert into settings (name, value)
          values ('admin_token_hash', ${hashOf(token).toString("hex")})
          on conflict (name) do nothing returning name`,
      );
      return made && token;
    },
    async replaceToken() {
      const token = randomText();
      await database.query("replace the admin token", (sql) =>
        sql`
          with old as (delete from sessions)
          insert into settings (name, value)
          values ('admin_token_hash', ${hashOf(token).toString("hex")})
          on conflict (name) do update set value = excluded.value`);
      return token;
    },
  };
}
