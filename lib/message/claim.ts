import type { Database, Sql } from "../store/database.ts";
import { type BodyColumns, bodyOf } from "./body.ts";
import { BODY, BODY_BYTES, ENVELOPE, readEnvelope } from "./contents.ts";
import type { Verification } from "./message.ts";
import { idArray } from "../store/stored.ts";
import { unflushed } from "../store/unflushed.ts";

/** A message in a worker's hands until its lease runs out. */
export interface ClaimedMessage {
  id: string;
  epoch: number;
  webhookType: string;
  verification: Verification;
  method: string;
  url: string;
  /** Whether the person at this machine sent it. */
  fromHere: boolean;
  /** Its sender is a person who wants it worked again. */
  isReplay: boolean;
  headers: Headers;
  receivedAt: Date;
  /** When a worker first had it in its hands. */
  claimedAt: Date;
  /** Of the body, in bytes. */
  size: number;
  /** Left out when large: ask {@link readBody}. */
  body?: Uint8Array;
}

/**
 * A worker that stops beating loses its messages and tasks after this: four of its heartbeats, so
 * that one whose loop is blocked for two seconds loses nothing, and soon enough for others to start
 * within ten.
 */
export const LEASE_SECONDS = 6;
/**
 * From a heartbeat on: a worker dies somewhere between two of them, so half of its tasks are taken over
 * within five seconds.
 */
export const RENEWED_SECONDS = 5;
/**
 * What has crashed a worker this often is not tried again: once may be chance, and the last try is
 * made alone, so that nothing else is blamed for it.
 */
export const MOST_ATTEMPTS = 3;
/** Larger bodies are read one at a time, to bound memory. */
const CLAIMED_BODY_BYTES = 256 * 1024;
/** One claim ends with the message that reaches this, so that all of it is done within its lease. */
const CLAIMED_BYTES = 2 * 1024 * 1024;

/** The columns of {@link smallContents}. */
interface SmallBody extends BodyColumns {
  size: number;
}

interface ClaimedRow extends SmallBody {
  id: string;
  epoch: number;
  webhook_type: string;
  verification: Verification;
  replay_of: string | null;
  envelope: string;
  received_at: Date;
  claimed_at: Date;
}

/** How long a claim of a message `m` lasts: a large body takes longer to read and parse. */
function leaseOf(sql: Sql) {
  return sql`make_interval(secs => ${LEASE_SECONDS} + m.size / 1048576.0)`;
}

/** The envelope and body of a message `m` and its contents `c`, the body empty where it is large. */
function smallContents(sql: Sql) {
  return sql`m.size, ${sql.unsafe(ENVELOPE)} as envelope,
    case when m.size <= ${CLAIMED_BODY_BYTES} then ${sql.unsafe(BODY)} end as body,
    case when m.size <= ${CLAIMED_BODY_BYTES} then ${sql.unsafe(BODY_BYTES)} end as body_bytes`;
}

/** The body in the columns of {@link smallContents}; undefined when it is large. */
function bodyIfSmall(row: SmallBody): Uint8Array | undefined {
  return row.size <= CLAIMED_BODY_BYTES ? bodyOf(row) : undefined;
}

const isFree = (sql: Sql) => sql`state = 'new' and (lease_until is null or lease_until < now())`;

/** Whether a row of `messages` may be claimed now: a condition in SQL. */
export function claimableMessage(sql: Sql) {
  return sql`${isFree(sql)} and attempts < ${MOST_ATTEMPTS}`;
}

/**
 * Claims up to `max` new messages for a worker, fewer where they are large: those
 * named, or without names the oldest that have waited for some milliseconds, of
 * which no bell may have told.
 *
 * One on its last try comes alone, before all that are younger, so that what crashes workers takes
 * no other message down with it. It is not called by name.
 */
export async function claimMessages(
  database: Database,
  { worker, max, ids, waitedMs = 0 }: {
    worker: string;
    max: number;
    ids?: readonly string[];
    waitedMs?: number;
  },
): Promise<ClaimedMessage[]> {
  const rows = await database.query("claim messages", (sql) => {
    const which = ids
      ? sql`id = any(${idArray(ids)}::uuid[]) and attempts < ${MOST_ATTEMPTS - 1}`
      : sql`attempts < ${MOST_ATTEMPTS}
          and stored_at <= now() - make_interval(secs => ${waitedMs / 1_000})`;
    return sql<ClaimedRow[]>`
      with waiting as (
        select id, size, attempts from messages
        where ${isFree(sql)} and ${which} and ${unflushed(sql)}
        order by id limit ${max} for update skip locked
      ), suspect as (
        select id from waiting where attempts >= ${MOST_ATTEMPTS - 1} order by id limit 1
      ), picked as (
        select id from (select id, sum(size) over (order by id) - size as before from waiting) w
        where (not exists (select from suspect) and before < ${CLAIMED_BYTES})
          or id = (select id from suspect)
      )
      update messages m
      set lease_until = now() + ${leaseOf(sql)}, worker = ${worker},
          epoch = m.epoch + 1, attempts = m.attempts + 1,
          claimed_at = coalesce(m.claimed_at, now())
      from picked left join message_contents c on c.message_id = picked.id
      where m.id = picked.id
      returning m.id, m.epoch, m.webhook_type, m.verification, m.replay_of, m.received_at,
        m.claimed_at, ${smallContents(sql)}`;
  });
  return rows.map(toClaimed);
}

function toClaimed(row: ClaimedRow): ClaimedMessage {
  const { method, url, headers, from_here } = readEnvelope(row.envelope);
  return {
    id: row.id,
    epoch: row.epoch,
    webhookType: row.webhook_type,
    verification: row.verification,
    method: method ?? "POST",
    url,
    fromHere: from_here === true,
    isReplay: row.replay_of !== null,
    headers: new Headers(headers),
    receivedAt: row.received_at,
    claimedAt: row.claimed_at,
    size: row.size,
    body: bodyIfSmall(row),
  };
}

/**
 * Gives claimed messages back untouched: with `ids` because the store failed in
 * the middle, without because the worker stops.
 */
export async function releaseMessages(
  database: Database,
  worker: string,
  ids?: readonly string[],
): Promise<void> {
  await database.query("release messages", (sql) =>
    sql`update messages
      set lease_until = null, worker = null, attempts = greatest(attempts - 1, 0)
      where state = 'new' and worker = ${worker}
        ${ids ? sql`and id = any(${idArray(ids)}::uuid[])` : sql``}`);
}

/** Gives claimed messages back untouched, to be claimed again after some seconds. */
export async function putOffMessages(
  database: Database,
  { worker, ids, seconds }: { worker: string; ids: readonly string[]; seconds: number },
): Promise<void> {
  await database.query("put messages off", (sql) =>
    sql`update messages
      set lease_until = now() + make_interval(secs => ${seconds}), worker = null,
        attempts = greatest(attempts - 1, 0)
      where state = 'new' and worker = ${worker} and id = any(${idArray(ids)}::uuid[])`);
}

/**
 * Ends the leases of workers that cannot live any more. Their tries count, but the first
 * one made alone only once: a process that people stop and start is killed by chance, too.
 * As long as a message was claimed no more often than it may be, that was the first.
 */
export async function endMessageLeases(database: Database): Promise<void> {
  await database.query(
    "end the leases on messages",
    (sql) =>
      sql`update messages
      set lease_until = null,
        attempts = attempts - (attempts >= ${MOST_ATTEMPTS} and epoch <= ${MOST_ATTEMPTS})::int
      where state = 'new' and worker is not null and lease_until is not null`,
  );
}
