import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import type { Config } from "./config.ts";
import type { Database } from "./database.ts";
import { encodeHex, equalBytes, hmac } from "./signature.ts";

/** Proves who is the admin, without knowing the token: only its hash is kept. */
export interface Admin {
  isToken(token: string): boolean;
  /** A session for someone who has shown the token. */
  newSession(): Promise<string>;
  isSession(session: string): Promise<boolean>;
  /** The token, when it was made just now: to be shown once. */
  readonly newToken?: string;
}

export const SESSION_SECONDS = 30 * 24 * 60 * 60;

const hashOf = (token: string) => createHash("sha256").update(token).digest();

/**
 * The admin token from `ADMIN_TOKEN`, or a random one that all replicas share:
 * the first to need one makes it and keeps its hash in the database.
 */
export async function openAdmin(
  { adminToken }: Pick<Config, "adminToken">,
  database: Database,
): Promise<Admin> {
  if (adminToken !== undefined) return createAdmin(hashOf(adminToken));
  const token = randomBytes(24).toString("base64url");
  const [made] = await database.query(
    "keep the admin token",
    (sql) =>
      sql`insert into settings (name, value)
      values ('admin_token_hash', ${hashOf(token).toString("hex")})
      on conflict (name) do nothing returning name`,
  );
  if (made) return { ...createAdmin(hashOf(token)), newToken: token };
  const [kept] = await database.query(
    "read the admin token",
    (sql) => sql<{ value: string }[]>`select value from settings where name = 'admin_token_hash'`,
  );
  return createAdmin(Buffer.from(kept.value, "hex"));
}

function createAdmin(hash: Uint8Array): Admin {
  // A new token makes every old session invalid.
  const sign = async (expires: string) =>
    encodeHex(await hmac("SHA-256", encodeHex(hash), expires));
  return {
    isToken: (token) => equalBytes(hashOf(token), hash),
    async newSession() {
      const expires = String(Math.floor(Date.now() / 1_000) + SESSION_SECONDS);
      return `${expires}.${await sign(expires)}`;
    },
    async isSession(session) {
      const [, expires, signature] = /^(\d{10})\.([0-9a-f]{64})$/.exec(session) ?? [];
      if (!expires || Number(expires) * 1_000 < Date.now()) return false;
      return equalBytes(
        new TextEncoder().encode(signature),
        new TextEncoder().encode(await sign(expires)),
      );
    },
  };
}
