import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import type { Database } from "../store/database.ts";
import { equalBytes } from "../../sources/signature/signature.ts";
import type { Round } from "./round.ts";

/** Proves that a caller has one round's job: the job alone has its token. */
export interface TaskTokens {
  /** The same for the same round, so that a job which is submitted again is the same job. */
  make(round: Round): Promise<string>;
  /** The round that a token for this task is for; undefined when it is none of ours. */
  read(id: string, token: string): Promise<number | undefined>;
}

/** Tokens by HMAC with a key that all replicas share: the first to need it makes it. */
export function openTaskTokens(database: Database): TaskTokens {
  let key: Promise<Buffer> | undefined;

  function readKey(): Promise<Buffer> {
    key ??= loadKey(database);
    key.catch(() => key = undefined);
    return key;
  }
  async function sign({ id, round }: Round): Promise<Buffer> {
    return createHmac("sha256", await readKey()).update(`${id}:${round}`).digest();
  }

  return {
    async make(round) {
      return `${round.round}.${(await sign(round)).toString("base64url")}`;
    },
    async read(id, token) {
      const [, round, signature] = /^([1-9]\d{0,8})\.([\w-]{43})$/.exec(token) ?? [];
      if (round === undefined) return undefined;
      const right = await sign({ id, round: Number(round) });
      // Compared as text: decoding ignores bits of the last letter, so four texts would be the same token.
      return equalBytes(Buffer.from(signature), Buffer.from(right.toString("base64url")))
        ? Number(round)
        : undefined;
    },
  };
}

async function loadKey(database: Database): Promise<Buffer> {
  await database.query(
    "make the key of task tokens",
    (sql) =>
      sql`insert into settings (name, value)
      values ('task_token_key', ${randomBytes(32).toString("hex")}) on conflict (name) do nothing`,
  );
  const [kept] = await database.query(
    "read the key of task tokens",
    (sql) => sql<{ value: string }[]>`select value from settings where name = 'task_token_key'`,
  );
  return Buffer.from(kept.value, "hex");
}
