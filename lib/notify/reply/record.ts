import type { ReplyCall } from "../../../sources/reply.ts";
import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { intoOutbox, REPLY_CHANNEL, WEB_CHANNEL } from "../../store/outbox.ts";
import { idArray, storedText } from "../../store/stored.ts";
import { CALL_MS, type VendorAnswer } from "./client.ts";

/** What was sent, now or in an earlier try whose answer never came. */
export interface SentAnswer {
  ok: true;
  status?: number;
  requestId?: string;
  id?: string;
  /** The id of what was made with it. */
  beside?: string;
}

/** How far a reply is: `error` is why it is not sent, yet or at all. */
export type ReplyFate =
  | { state: "sent" }
  | { state: "pending"; error: string | null }
  | { state: "dead"; error: string };

/** A reply that this process has in hand. */
export interface ClaimedReply {
  id: string;
  task_id: string;
  source: string;
  call: ReplyCall;
  attempts: number;
  /** How often it was sent without an answer that says so. */
  unsure: number;
  created_at: Date;
  /** The holder of the lease. */
  worker: string;
  /** A person has cancelled its task, and not wanted it sent since. */
  cancelled: boolean;
  /** Older than {@link MOST_HOURS}, since a person last wanted it sent. */
  isOld: boolean;
  /** A person gave it another round of tries, none of which is in doubt yet: they have looked there. */
  wasLookedFor: boolean;
}

/** With a call's time twice: a search, and the reply itself. */
const LEASE_SECONDS = 3 * CALL_MS / 1_000;
/** With the waits below about two hours. */
const MOST_TRIES = 12;
/** A vendor may ask for longer waits, and nobody may have worked for days: then an answer is none. */
export const MOST_HOURS = 6;
/** Waits double up to this. */
const MOST_WAIT_SECONDS = 15 * 60;

const isDue = (sql: Sql) =>
  sql`n.channel = ${REPLY_CHANNEL} and n.state = 'pending'
    and (n.lease_until is null or n.lease_until < now())`;

/** Whether any reply waits: a condition in SQL. */
export function repliesWait(sql: Sql): Fragment {
  return sql`exists (select from notifications n where ${isDue(sql)})`;
}

/** Claims replies that are due, the oldest first; with `only`, that one alone. */
export async function claimReplies(
  database: Database,
  { max, only }: { max: number; only?: string },
): Promise<ClaimedReply[]> {
  const worker = newId();
  return await database.query("claim replies", (sql) =>
    sql<ClaimedReply[]>`
      with due as (
        select n.id from notifications n where ${isDue(sql)}
          and ${only === undefined ? sql`true` : sql`n.id = ${only}`}
        order by n.id limit ${max} for update skip locked
      )
      update notifications n
      set worker = ${worker}, attempts = n.attempts + 1,
        lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
      from due, replies r where n.id = due.id and r.notification_id = n.id
      returning n.id, n.task_id, n.attempts, n.unsure, n.created_at, n.worker, r.source, r.call,
        exists (select from tasks t where t.id = n.task_id and t.status = 'cancelled'
          and (r.retried_at is null or t.finished_at > r.retried_at)) as cancelled,
        greatest(n.created_at, r.retried_at) < now() - make_interval(hours => ${MOST_HOURS})
          as "isOld",
        r.retried_at is not null and (r.begun_at is null or r.begun_at < r.retried_at)
          as "wasLookedFor"`);
}

/** How far a reply is; undefined when it is gone. */
export async function readFate(database: Database, id: string): Promise<ReplyFate | undefined> {
  const [row] = await database.query(
    "look how far a reply is",
    (sql) =>
      sql<ReplyFate[]>`
      select state, error from notifications where id = ${id} and channel = ${REPLY_CHANNEL}`,
  );
  return row;
}

/** Takes the lease anew for one call, and writes down that it is under way: a worker may be killed in it. */
export async function beginReply(
  database: Database,
  { id, worker }: ClaimedReply,
): Promise<boolean> {
  const rows = await database.query("begin to send a reply", (sql) =>
    sql`
      with begun as (
        update notifications
        set lease_until = now() + make_interval(secs => ${LEASE_SECONDS}), unsure = unsure + 1
        where id = ${id} and worker = ${worker} and lease_until > now() and state = 'pending'
        returning id
      )
      update replies r set begun_at = now() from begun where r.notification_id = begun.id
      returning r.notification_id`);
  return rows.length > 0;
}

/** Which of these ids are known as replies of ours. */
export async function findSentIds(
  database: Database,
  source: string,
  ids: readonly (string | undefined)[],
): Promise<Set<string>> {
  const named = ids.filter((id) => id !== undefined);
  if (named.length === 0) return new Set();
  const rows = await database.query(
    "find replies by the vendor's ids",
    (sql) =>
      sql<{ sent_id: string }[]>`
      select sent_id from replies where source = ${source} and sent_id in ${sql(named)}`,
  );
  return new Set(rows.map(({ sent_id }) => sent_id));
}

/** A reply was sent: in the outbox and in the task's timeline. */
export async function recordSent(
  database: Database,
  { id, task_id, source, call, worker }: ClaimedReply,
  { id: sentId, beside, requestId, status }: SentAnswer,
): Promise<void> {
  const data = {
    to: call.to,
    source,
    notification_id: id,
    sent_id: sentId ?? null,
    request_id: requestId ?? null,
    status: status ?? null,
  };
  await database.query("record that a reply is sent", (sql) =>
    sql`
      with sent as (
        update notifications
        set state = 'sent', sent_at = now(), error = null, lease_until = null, unsure = 0
        where id = ${id} and worker = ${worker} and state = 'pending' returning id, text
      ), kept as (
        update replies r
        set sent_id = ${sentId ?? null}, beside_id = ${beside ?? null}, request_id = ${
      requestId ?? null
    },
          status = ${status ?? null}
        from sent where r.notification_id = sent.id returning r.approved_by
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}::uuid, ${task_id}::uuid, 'replied', 'otto', ${
      JSON.stringify(data)
    }::text::jsonb
          || jsonb_build_object('text', left(sent.text, 2000), 'approved_by', kept.approved_by)
        from sent, kept
      )
      insert into changes (kind, ids)
      select each.kind, each.ids from sent, (values
        ('notification', ${idArray([id])}::uuid[]), ('task', ${idArray([task_id])}::uuid[])
      ) as each(kind, ids)`);
}

/** Puts a reply off, or gives it up: with the vendor's words, in the outbox, the timeline and the web UI. */
export async function recordFailure(
  database: Database,
  { id, source, call, attempts, worker }: ClaimedReply,
  { error, later, status, requestId, retryAfterSeconds, unsure }: VendorAnswer & { ok: false },
): Promise<void> {
  const dead = !later || attempts >= MOST_TRIES;
  const own = Math.min(2 ** attempts, MOST_WAIT_SECONDS) * (0.5 + Math.random() / 2);
  // What a vendor asks for is the least: some ask for no time at all, again and again.
  const wait = Math.max(own, retryAfterSeconds ?? 0);
  const data = {
    to: call.to,
    source,
    notification_id: id,
    status: status ?? null,
    request_id: requestId ?? null,
  };
  await database.query("record that a reply is not sent", (sql) =>
    sql`
      with unsent as (
        update notifications
        set state = ${dead ? "dead" : "pending"}, error = ${storedText(error)},
          -- Refused: that it was sent is not in doubt.
          unsure = case when ${unsure} then unsure else greatest(unsure - 1, 0) end,
          lease_until = now() + make_interval(secs => ${dead ? 0 : wait})
        where id = ${id} and worker = ${worker} and state = 'pending'
        returning id, task_id, destination, text, ${JSON.stringify(data)}::text::jsonb as data
      ), kept as (
        update replies r
        set request_id = ${requestId ?? null}, status = ${status ?? null},
          begun_at = case when ${unsure} then begun_at end
        from unsent where r.notification_id = unsent.id
      ), ${tellFailure(sql, { dead, error })}`);
}

/** What the vendor says of a reply that it took: nobody got it. Says so once. */
export async function recordUndelivered(
  database: Database,
  { source, sentId, error }: { source: string; sentId: string; error: string },
): Promise<void> {
  await database.query("record that a reply did not arrive", (sql) =>
    sql`
      with unsent as (
        update notifications n set state = 'dead', error = ${storedText(error)}
        from replies r
        where r.source = ${source} and r.sent_id = ${sentId} and n.id = r.notification_id
          and n.state = 'sent'
        returning n.id, n.task_id, n.destination, n.text, jsonb_build_object('to', r.place,
          'source', r.source, 'notification_id', n.id, 'status', r.status,
          'request_id', r.request_id) as data
      ), ${tellFailure(sql, { dead: true, error })}`);
}

/** The end of a statement that has `unsent`: tells people, in the timeline and the web UI, where it is the end. */
const tellFailure = (sql: Sql, { dead, error }: { dead: boolean; error: string }) =>
  sql`
    noted as (
      insert into task_events (id, task_id, kind, actor, data)
      select ${newId()}::uuid, task_id, 'reply_failed', 'otto',
        data || jsonb_build_object('error', ${storedText(error)}::text)
      from unsent where ${dead}
    ), told as (${
    intoOutbox(
      sql,
      sql`
        select ${newId()}::uuid, 'notification:' || id, task_id, null::uuid, ${WEB_CHANNEL},
          ${WEB_CHANNEL}, 'reply_failed', 'The reply (' || destination || ') was not sent: ' || ${
        storedText(error)
      }::text
        from unsent where ${dead}`,
    )
  })
    insert into changes (kind, ids)
    select 'notification', array_agg(id) from (
      select id from unsent union all select id from told) n having count(*) > 0`;
