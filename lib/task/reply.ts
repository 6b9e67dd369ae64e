import type { ReplyCall } from "../../sources/reply.ts";
import type { Database, Fragment, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { intoOutbox, REPLY_CHANNEL } from "../store/outbox.ts";
import { storedJson, storedText } from "../store/stored.ts";

/** Enough of a reply to know it again. */
const MOST_TOLD = 200;

const causeOf = (taskId: string, call: string) => `agent_call:${taskId}:${call}`;

/** How often may be answered. */
export interface ReplyLimits {
  /** Replies of one task. */
  perTask: number;
  /** Replies to one place within any hour. */
  perPlace: number;
  /** Replies to all places of one source within any hour. */
  perSource: number;
}

/** A reply that an agent wants sent. */
export interface WantedReply {
  taskId: string;
  /** The call's place in the run: its beginning, up to the colon, is the try at the task. */
  key: string;
  source: string;
  text: string;
  call: ReplyCall;
}

/** What became of it: it is in the outbox, under this id, or why not. */
export type ReplyOutcome =
  | { id: string }
  /** The task has sent as many as it may. */
  | "per_task"
  /** The place or the source got as many within the last hour as it may. */
  | "per_hour"
  /** An earlier try at the task has sent one. */
  | "earlier_try";

/**
 * Puts a reply into the outbox, if the limits let it, in one statement with the mark that the call
 * was made. The limits are counted under the lock of one row, and so exactly, whoever else counts.
 *
 * @param task selects the task's id, locked, while this worker has it.
 * @param once the mark, given a condition: one row the first time, none ever after.
 */
export async function queueReply(
  database: Database,
  { taskId, key, source, text, call }: WantedReply,
  limits: ReplyLimits,
  { task, once }: { task(sql: Sql): Fragment; once(sql: Sql, given: Fragment): Fragment },
): Promise<ReplyOutcome> {
  const id = newId();
  const cause = (run: string) => causeOf(taskId, run);
  const [run] = key.split(":", 1);
  const [row] = await database.query(
    "put a reply into the outbox",
    (sql) =>
      sql<{ made: boolean; sent: number; earlier: boolean }[]>`
      with task as (${task(sql)}),
      before as (
        select n.cause from notifications n
        where n.task_id = ${taskId} and n.channel = ${REPLY_CHANNEL} and n.state <> 'dead'
      ), counted as (
        select count(*)::int as sent,
          coalesce(bool_or(not starts_with(cause, ${cause(run)}::text || ':')), false) as earlier
        from before
      ), spent as (
        insert into reply_rates as r (source, times, places)
        select ${source}::text, array[now()], array[${call.to}::text]
        from task, counted, agent_calls c
        where c.task_id = task.id and c.key = ${key} and c.state = 'started'
          and counted.sent < ${limits.perTask} and not counted.earlier
        on conflict (source) do update
        set times = array(select l.t from ${lastHour(sql)} order by l.t, l.p) || excluded.times,
          places = array(select l.p from ${lastHour(sql)} order by l.t, l.p) || excluded.places
        where (select count(*) from ${lastHour(sql)}) < ${limits.perSource}
          and (select count(*) from ${lastHour(sql)} where l.p = ${call.to}) < ${limits.perPlace}
        returning r.source
      ), once as (${once(sql, sql`exists (select from spent)`)}),
      told as (${
        intoOutbox(
          sql,
          sql`
            select ${id}::uuid, ${cause(key)}::text, task_id, null::uuid, ${REPLY_CHANNEL}::text,
              ${call.to}::text, 'reply', ${storedText(text)}::text from once`,
        )
      }), kept as (
        insert into replies (notification_id, source, place, call, approved_by)
        select told.id, ${source}, ${call.to}, ${storedJson(call)}::text::jsonb,
          (select a.decided_by from approvals a
            where a.task_id = ${taskId} and a.key = ${key} and a.state = 'used')
        from told
      ), changed as (
        insert into changes (kind, ids)
        select 'notification', array_agg(id) from told having count(*) > 0
      )
      select exists (select from told) as made, sent, earlier from counted`,
  );
  if (row.made) return { id };
  if (row.earlier) return "earlier_try";
  return row.sent >= limits.perTask ? "per_task" : "per_hour";
}

/** The replies of a run at a task that nobody gets, oldest first. */
export async function readUnsentReplies(
  database: Database,
  { taskId, run }: { taskId: string; run: string },
): Promise<{ id: string; to: string; text: string; error: string | null }[]> {
  return await database.query(
    "read which replies were not sent",
    (sql) =>
      sql<{ id: string; to: string; text: string; error: string | null }[]>`
      select n.id, n.destination as to, left(n.text, ${MOST_TOLD}) as text, n.error
      from notifications n
      where n.task_id = ${taskId} and n.channel = ${REPLY_CHANNEL} and n.state = 'dead'
        and starts_with(n.cause, ${causeOf(taskId, `${run}:`)})
      order by n.id`,
  );
}

/** The rate's own entries that are no older than an hour, whichever version of it is locked. */
const lastHour = (sql: Sql) =>
  sql`(select * from unnest(r.times, r.places) as u(t, p) where u.t > now() - interval '1 hour') l`;
