import type { Buffer } from "node:buffer";
import type { Database } from "../store/database.ts";
import { bodyColumns } from "./body.ts";
import { BODY, BODY_BYTES, CONTENTS, ENVELOPE, storeGiven } from "./contents.ts";
import { deliveryKey, type NewMessage, variantKey } from "./new_message.ts";
import { findDelivery } from "./repeat.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Verification } from "./message.ts";
import { isRowError } from "../store/row_error.ts";
import { storedText } from "../store/stored.ts";

/** A request that failed verification. */
export interface RejectedMessage extends Omit<NewMessage, "verification"> {
  /** Of the body as it came, in bytes; more than `body` has when that was too large to keep. */
  size: number;
}

/** Keeps what failed verification, so that a person can see why and let it in later. */
export interface Quarantine {
  /**
   * Keeps a message in the background; `diagnose` says why it was refused.
   * Beyond a few dozen in ten seconds neither is called: nothing was promised to a
   * sender that got a 401.
   */
  put(source: string, message: () => RejectedMessage, diagnose: () => Promise<string>): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

/** What all rejected messages of one database may take together. */
export interface QuarantineLimits {
  messages: number;
  bytes: number;
}

const QUARANTINE_LIMITS: QuarantineLimits = {
  messages: 1_000,
  bytes: 64 * 1024 * 1024,
};
/** Whoever sets a source up looks within days at what was refused. */
const REJECTED_DAYS = 14;
/** Of a larger body only the head is kept, for the diagnosis: such a message cannot be released. */
export const MOST_KEPT_BYTES = 256 * 1024;
/**
 * So many from one source in ten seconds, and at once from all, in one process: a flood must cost
 * little, and a sender whose secret is wrong tells of a dozen things within a second.
 */
export const MOST_IN_A_WINDOW = 50;
const WINDOW_MS = 10_000;
const MOST_AT_ONCE = 32;

export function openQuarantine(
  { database, log }: { database: Database; log: Log },
): Quarantine {
  const writing = new Set<Promise<void>>();
  const kept = new Map<string, number>();
  let window = -Infinity;

  function isTooMuch(source: string): boolean {
    const now = performance.now();
    if (now - window >= WINDOW_MS) {
      window = now;
      kept.clear();
    }
    const count = (kept.get(source) ?? 0) + 1;
    kept.set(source, count);
    return writing.size >= MOST_AT_ONCE || count > MOST_IN_A_WINDOW;
  }

  async function keep(message: RejectedMessage, diagnose: () => Promise<string>) {
    try {
      await storeRejected(database, message, await diagnose());
      await trimQuarantine(database);
    } catch (error) {
      log.warn("quarantine.failed", { webhook_type: message.webhookType, error: errorText(error) });
    }
  }

  return {
    put(source, message, diagnose) {
      if (isTooMuch(source)) return;
      const write = keep(message(), diagnose).finally(() => writing.delete(write));
      writing.add(write);
    },
    async idle() {
      while (writing.size > 0) await Promise.all(writing);
    },
  };
}

/** Keeps one rejected message, with its reason. */
export async function storeRejected(
  database: Database,
  { id, webhookType, source, envelope, body, size, receivedAt }: RejectedMessage,
  reason: string,
): Promise<void> {
  const [text, bytes] = bodyColumns(body);
  await database.query("keep a rejected message", (sql) =>
    sql`
      with given as (
        select ${id}::uuid as id, ${webhookType} as webhook_type, ${source} as source,
          'rejected' as verification, ${storedText(JSON.stringify(envelope))} as envelope,
          ${text}::text as body, ${bytes}::bytea as body_bytes, ${size}::int as size,
          ${receivedAt}::timestamptz as received_at, 'rejected' as state,
          ${storedText(reason)} as reason, now() as settled_at
      ), ${
      sql.unsafe(storeGiven(
        "id, webhook_type, source, verification, size, received_at, state, reason, settled_at",
        "on conflict do nothing",
      ))
    }
      insert into changes (kind, ids)
      select 'message', array_agg(id) from stored having count(*) > 0`);
}

/**
 * Removes the rejected messages that are beyond the limits: the oldest of the
 * source that has most, so that whoever floods one source drives out nobody
 * else's.
 *
 * @returns how many.
 */
export async function trimQuarantine(
  database: Database,
  { messages, bytes }: QuarantineLimits = QUARANTINE_LIMITS,
): Promise<number> {
  const rows = await database.query("trim the rejected messages", (sql) =>
    sql`
      delete from messages where state = 'rejected' and id in (
        select id from (
          select id, row_number() over fair as place, sum(size) over fair as bytes
          from (
            select m.id, row_number() over (
                partition by source order by stored_at desc, id desc) as turn, stored_at,
              octet_length(${sql.unsafe(ENVELOPE)}) + coalesce(
                octet_length(${sql.unsafe(BODY)}), octet_length(${sql.unsafe(BODY_BYTES)}), 0)
                as size
            from messages m ${sql.unsafe(CONTENTS)} where state = 'rejected'
          ) its window fair as (order by turn, stored_at desc, id desc)
        ) m
        where place > ${messages} or bytes > ${bytes}
      ) returning id`);
  return rows.length;
}

/**
 * Removes rejected messages that were stored long before this time of the database's.
 *
 * @returns how many.
 */
export async function forgetRejected(database: Database, now: Date): Promise<number> {
  const before = new Date(now.getTime() - REJECTED_DAYS * 24 * 60 * 60 * 1_000);
  const rows = await database.query(
    "forget old rejected messages",
    (sql) =>
      sql`
      delete from messages where state = 'rejected' and stored_at < ${before} returning id`,
  );
  return rows.length;
}

/** A rejected message, and why it is one. */
export interface RejectedReason {
  message_id: string;
  reason: string;
  stored_at: Date;
}

/** The newest rejected messages of a source, by its one name: few are kept of all of them together. */
export async function listRejected(
  database: Database,
  name: string,
  most: number,
): Promise<RejectedReason[]> {
  return await database.query(
    "list the rejected messages",
    (sql) =>
      sql<RejectedReason[]>`
      select id as message_id, coalesce(reason, '') as reason, stored_at from messages
      where state = 'rejected' and (source = ${name}
        or source = 'generic' and lower(webhook_type collate "C") = ${name})
      order by id desc limit ${most}`,
  );
}

/** What came of a release: `repeats` is the message that this delivery has become already. */
export type Release = { released: true } | { released: false; repeats?: string };

/**
 * Makes a rejected message a new one that workers take, under its own id. Its
 * delivery key is set now, so that the sender's next attempt is a repeat.
 */
export async function releaseRejected(
  database: Database,
  { id, source, verification, actor, deliveryId, body, content }: {
    id: string;
    source: string;
    verification: Verification;
    /** Who lets it in. */
    actor: string;
    deliveryId: string | null;
    body: Uint8Array;
    /** See `contentKey`. */
    content: string | undefined;
  },
): Promise<Release> {
  const keys = deliveryId === null
    ? [null]
    : [deliveryKey(deliveryId), variantKey(deliveryId, { content, body })];
  for (const key of keys) {
    try {
      return { released: await makeNew(database, { id, verification, actor, key }) };
    } catch (error) {
      if (deliveryId === null || !isRowError(error)) throw error;
      const repeats = await findDelivery(database, { source, deliveryId, body, content });
      if (repeats !== undefined) return { released: false, repeats };
    }
  }
  return { released: false };
}

async function makeNew(
  database: Database,
  { id, verification, actor, key }: {
    id: string;
    verification: Verification;
    actor: string;
    key: Buffer | null;
  },
): Promise<boolean> {
  const rows = await database.query("release a rejected message", (sql) =>
    sql`
      with refused as materialized (
        select id, stored_at, reason from messages where id = ${id} and state = 'rejected' for update
      ), released as (
        update messages
        set state = 'new', verification = ${verification}, delivery_key = ${key}, reason = null,
          settled_at = null, stored_at = now(), released_at = now()
        where id in (select id from refused) and state = 'rejected' returning id
      ), noted as (
        insert into message_history (message_id, at, kind, actor, reason)
        select id, stored_at, 'refused', null, refused.reason from refused
        union all select id, now(), 'released', ${actor}::text, null from refused
      ), changed as (
        insert into changes (kind, ids)
        select 'message', array_agg(id) from released having count(*) > 0
      )
      select id from released`);
  return rows.length > 0;
}
