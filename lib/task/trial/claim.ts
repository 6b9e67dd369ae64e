import { LEASE_SECONDS, RENEWED_SECONDS } from "../../message/claim.ts";
import type { Verification } from "../../message/message.ts";
import type { Database, Sql } from "../../store/database.ts";
import { storedJson } from "../../store/stored.ts";
import { unflushed } from "../../store/unflushed.ts";

/** What has lost so many workers since it last came on is not tried again. */
const MOST_ATTEMPTS = 3;
const LOST = { code: "worker_lost", message: "every worker that took it stopped in the middle" };
const LATE = { code: "too_late", message: "it had not ended when its time was up" };

/** Which turn at which trial: every write is refused once there is a newer one. */
export interface TrialLease {
  id: string;
  epoch: number;
}

/** A trial in a worker's hands until its lease runs out. */
export interface ClaimedTrial extends TrialLease {
  messageId: string;
  source: string;
  instruction: string | null;
  tools: string[] | null;
  model: string;
  /** Until its time is up, by the store's clock. */
  msLeft: number;
  webhookType: string;
  verification: Verification;
  receivedAt: Date;
  /** Of the message's body, in bytes. */
  size: number;
  /** The task that the message has; null where it has none. */
  taskId: string | null;
  subjectId: string | null;
}

/** Whether a row of `trials` may be claimed now: a condition in SQL. */
export const claimableTrial = (sql: Sql) =>
  sql`slot is not null and (lease_until is null or lease_until < now())
    and (not_before is null or not_before <= now()) and deadline_at > now()
    and attempts < ${MOST_ATTEMPTS}::int`;

/** Whether a row of `trials` is open and nobody will end it any more: a condition in SQL. */
const abandonedTrial = (sql: Sql) =>
  sql`slot is not null and (lease_until is null or lease_until < now())
    and (deadline_at <= now() or attempts >= ${MOST_ATTEMPTS}::int)`;

/** Claims up to `max` trials for a worker: new ones, and those whose worker is gone. */
export async function claimTrials(
  database: Database,
  { worker, max }: { worker: string; max: number },
): Promise<ClaimedTrial[]> {
  return await database.query("claim trials", (sql) =>
    sql<ClaimedTrial[]>`
      with picked as (
        select id from trials where ${claimableTrial(sql)}
        order by id limit ${max} for update skip locked
      ), claimed as (
        update trials t
        set status = 'running', epoch = t.epoch + 1, attempts = t.attempts + 1, worker = ${worker},
          lease_until = now() + make_interval(secs => ${LEASE_SECONDS}), not_before = null,
          waits_for = null, started_at = coalesce(t.started_at, now())
        from picked where t.id = picked.id
        returning t.*
      )
      select t.id, t.epoch, t.message_id as "messageId", t.source, t.instruction, t.tools, t.model,
        (extract(epoch from t.deadline_at - now()) * 1000)::float8 as "msLeft",
        m.webhook_type as "webhookType", m.verification, m.received_at as "receivedAt", m.size,
        m.task_id as "taskId", m.subject_id as "subjectId"
      from claimed t join messages m on m.id = t.message_id`);
}

/**
 * Prolongs the leases on the trials this worker holds.
 *
 * @returns the ids it still holds: the others were cancelled, taken over or are gone.
 */
export async function holdTrials(
  database: Database,
  worker: string,
  held: readonly TrialLease[],
): Promise<Set<string>> {
  if (held.length === 0) return new Set();
  const rows = await database.query("prolong the leases on trials", (sql) =>
    sql<{ id: string }[]>`
      update trials t set lease_until = now() + make_interval(secs => ${RENEWED_SECONDS})
      from jsonb_to_recordset(${JSON.stringify(held)}::text::jsonb) as h(id uuid, epoch int)
      where t.id = h.id and t.epoch = h.epoch and t.status = 'running' and t.worker = ${worker}
        and ${unflushed(sql)}
      returning t.id`);
  return new Set(rows.map(({ id }) => id));
}

/** What came of a turn at a trial. */
export type TrialEnd =
  | { status: "completed"; text: string; data: unknown }
  | { status: "failed"; code: string; message: string }
  /** It goes on after so many seconds. */
  | { status: "later"; afterSeconds: number; reason: string };

/**
 * Writes down what came of a turn. What would go on later than its time is up fails with its reason.
 *
 * @returns whether it was still the newest turn.
 */
export async function endTrial(
  database: Database,
  { id, epoch }: TrialLease,
  end: TrialEnd,
): Promise<boolean> {
  const isOurs = (sql: Sql) => sql`id = ${id} and epoch = ${epoch} and status = 'running'`;
  const rows = end.status === "later"
    ? await database.query("put a trial off", (sql) =>
      sql`
        update trials t
        set status = case when later.fits then 'pending' else 'failed' end,
          slot = case when later.fits then t.slot end,
          state = case when later.fits then t.state end,
          not_before = case when later.fits then later.at end,
          waits_for = case when later.fits then ${end.reason}::text end,
          attempts = 0, lease_until = null, worker = null,
          error_code = case when not later.fits then ${LATE.code}::text end,
          error_message = case when not later.fits then ${end.reason}::text end,
          finished_at = case when not later.fits then now() end
        from (
          select id, now() + make_interval(secs => ${end.afterSeconds}) as at,
            now() + make_interval(secs => ${end.afterSeconds}) < deadline_at as fits
          from trials where ${isOurs(sql)} for update) later
        where t.id = later.id returning t.id`)
    : await database.query("end a trial", (sql) =>
      sql`
        update trials
        set status = ${end.status}, slot = null, state = null, lease_until = null, worker = null,
          finished_at = now(),
          result_text = ${end.status === "completed" ? end.text : null}::text,
          result_data = ${end.status === "completed" ? storedJson(end.data) : null}::text::jsonb,
          error_code = ${end.status === "failed" ? end.code : null}::text,
          error_message = ${end.status === "failed" ? end.message : null}::text
        where ${isOurs(sql)} returning id`);
  return rows.length > 0;
}

/** Fails what nobody will end any more: its workers were lost, or its time is up. */
export async function endAbandonedTrials(database: Database): Promise<number> {
  const rows = await database.query("end trials that nobody ends", (sql) =>
    sql`
      update trials
      set status = 'failed', slot = null, state = null, lease_until = null, worker = null,
        finished_at = now(),
        error_code = case when deadline_at <= now() then ${LATE.code}::text else ${LOST.code} end,
        error_message = case when deadline_at <= now()
          then coalesce(waits_for, ${LATE.message}::text) else ${LOST.message} end
      where ${abandonedTrial(sql)} returning id`);
  return rows.length;
}

/**
 * Gives what a worker has in hand back at once, for others to take.
 *
 * @param counts whether the try counts, as where the host may end the next one, too.
 */
export async function releaseTrials(
  database: Database,
  worker: string,
  { counts = false } = {},
): Promise<void> {
  await database.query("release trials", (sql) =>
    sql`
      update trials
      set status = 'pending', epoch = epoch + 1, lease_until = null, worker = null,
        attempts = greatest(attempts - ${counts ? 0 : 1}::int, 0)
      where slot is not null and status = 'running' and worker = ${worker}`);
}

/** Ends the leases of workers that cannot live any more; their tries count. */
export async function endTrialLeases(database: Database): Promise<void> {
  await database.query(
    "end the leases on trials",
    (sql) =>
      sql`update trials set lease_until = now() - interval '1 second'
      where slot is not null and status = 'running'`,
  );
}
