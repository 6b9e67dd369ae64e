import type { Database, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import type { Verification } from "../message/message.ts";
import { LEASE_SECONDS, RENEWED_SECONDS } from "../message/claim.ts";
import type { KeptDescription } from "../message/kept_description.ts";
import { idArray } from "../store/stored.ts";
import { unflushed } from "../store/unflushed.ts";

/** A task that has lost so many workers is started alone from then on. */
export const MOST_SHARED_ATTEMPTS = 2;
/**
 * What has lost so many workers is not tried again. Two of the tries are made alone: where processes
 * are killed every few seconds, one of them may well be hit by chance, too.
 */
export const MOST_TASK_ATTEMPTS = 4;

/** A task in a worker's hands until its lease runs out, with what the agent may see. */
export interface ClaimedTask {
  id: string;
  epoch: number;
  title: string;
  description: string;
  messageId: string;
  webhookType: string;
  verification: Verification;
  receivedAt: Date;
  /** Of the message's body, in bytes. */
  size: number;
  /** What was kept of the message's description; null where it has to be read again. */
  described: KeptDescription | null;
  /** What it is about; null where that is not known. */
  subjectId: string | null;
  /** Earlier tries lost their workers: nothing else should be at hand when this one does. */
  alone: boolean;
}

/** Whether a row of `tasks` may be claimed now: a condition in SQL. */
export function claimable(sql: Sql, mostAttempts: number) {
  return sql`open and question is null and status in ('pending', 'running')
    and (lease_until is null or lease_until < now()) and attempts < ${mostAttempts}
    and (not_before is null or not_before <= now())`;
}

/** Whether a row of `tasks` has lost too many workers: a condition in SQL. */
export function crashed(sql: Sql, mostAttempts: number) {
  return sql`open and question is null and status = 'running' and attempts >= ${mostAttempts}
    and lease_until < now()`;
}

/**
 * Claims up to `max` tasks for a worker and starts them: pending ones and those
 * whose worker is gone. One that has lost two workers comes alone and only to empty hands,
 * so that what crashes workers takes no other task down with it; until then
 * nothing behind it is claimed.
 */
export async function claimTasks(
  database: Database,
  { worker, max, emptyHanded = true, mostAttempts = MOST_TASK_ATTEMPTS }: {
    worker: string;
    max: number;
    emptyHanded?: boolean;
    mostAttempts?: number;
  },
): Promise<ClaimedTask[]> {
  const events = Array.from({ length: max }, newId);
  const rows = await database.query("claim tasks", (sql) =>
    sql<ClaimedRow[]>`
      with waiting as (
        select id, attempts from tasks
        where ${claimable(sql, mostAttempts)}
        order by id limit ${max} for update skip locked
      ), suspect as (
        select id from waiting where attempts >= ${MOST_SHARED_ATTEMPTS} order by id limit 1
      ), picked as (
        select id, row_number() over (order by id) as place from waiting
        where not exists (select from suspect)
          or (${emptyHanded} and id = (select id from suspect))
      ), claimed as (
        update tasks t
        set status = 'running', epoch = t.epoch + 1, attempts = t.attempts + 1,
          worker = ${worker}, lease_until = now() + make_interval(secs => ${LEASE_SECONDS}),
          started_at = coalesce(t.started_at, now())
        from picked where t.id = picked.id
        returning t.id, t.epoch, t.attempts, t.title, t.description, t.described, t.message_id,
          t.subject_id, picked.place
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select (${idArray(events)}::uuid[])[place], id,
          case when attempts = 1 then 'started' else 'taken_over' end, ${worker},
          jsonb_build_object('attempt', attempts)
        from claimed
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from claimed having count(*) > 0
      )
      select ${claimedColumns(sql)}
      from claimed t join messages m on m.id = t.message_id`);
  return rows.map(toClaimedTask);
}

/** The columns of {@link claimedColumns}. */
export type ClaimedRow =
  & Pick<
    ClaimedTask,
    "id" | "epoch" | "title" | "description" | "verification" | "size"
  >
  & {
    message_id: string;
    webhook_type: string;
    received_at: Date;
    attempts: number;
    described: string | null;
    subject_id: string | null;
  };

/** What a {@link ClaimedTask} is made of: from the rows just started `t` and their messages `m`. */
export function claimedColumns(sql: Sql) {
  return sql`t.id, t.epoch, t.attempts, t.title, t.description, t.described, t.message_id,
    t.subject_id, m.webhook_type, m.verification, m.received_at, m.size`;
}

export function toClaimedTask(row: ClaimedRow): ClaimedTask {
  return {
    id: row.id,
    epoch: row.epoch,
    title: row.title,
    description: row.description,
    verification: row.verification,
    messageId: row.message_id,
    webhookType: row.webhook_type,
    receivedAt: row.received_at,
    size: row.size,
    subjectId: row.subject_id,
    described: row.described && JSON.parse(row.described),
    alone: row.attempts > MOST_SHARED_ATTEMPTS,
  };
}

/**
 * Prolongs the leases on tasks this worker holds.
 *
 * @returns the ids it still holds: the others were cancelled or taken over.
 */
export async function holdTasks(
  database: Database,
  worker: string,
  held: readonly { id: string; epoch: number }[],
): Promise<Set<string>> {
  if (held.length === 0) return new Set();
  const rows = await database.query("prolong leases", (sql) =>
    sql<{ id: string }[]>`
      with held as (
        -- In one order, as everybody takes several.
        select t.id, t.epoch from tasks t
        join jsonb_to_recordset(${JSON.stringify(held)}::text::jsonb) as h(id uuid, epoch int)
          on t.id = h.id and t.epoch = h.epoch
        where t.status = 'running' and t.worker = ${worker} order by t.id for update of t
      )
      update tasks t set lease_until = now() + make_interval(secs => ${RENEWED_SECONDS})
      from held h
      where t.id = h.id and t.epoch = h.epoch and t.status = 'running' and t.worker = ${worker}
        and ${unflushed(sql)}
      returning t.id`);
  return new Set(rows.map((row) => row.id));
}

/** Which of these are still this turn's to work on: the others were cancelled or taken over. */
export async function findOurs(
  database: Database,
  held: readonly { id: string; epoch: number }[],
): Promise<Set<string>> {
  const rows = await database.query("look whether tasks go on", (sql) =>
    sql<{ id: string }[]>`
      select t.id from tasks t
      join jsonb_to_recordset(${JSON.stringify(held)}::text::jsonb) as h(id uuid, epoch int)
        on t.id = h.id and t.epoch = h.epoch
      where t.status = 'running'`);
  return new Set(rows.map((row) => row.id));
}

/** Gives unfinished tasks back at once, for another worker to start anew. */
export async function releaseTasks(database: Database, worker: string): Promise<void> {
  await database.query("release tasks", (sql) =>
    sql`
      update tasks
      set status = 'pending', epoch = epoch + 1, attempts = greatest(attempts - 1, 0),
        lease_until = null, worker = null
      where worker = ${worker} and open and status = 'running'`);
}

/**
 * Ends the leases on what a worker has in hand, for others to take over: the try counts, as it
 * would have if the worker had been killed.
 */
export async function cutOffTasks(database: Database, worker: string): Promise<void> {
  await database.query(
    "end the leases on tasks in hand",
    (sql) =>
      sql`update tasks set lease_until = now() - interval '1 second'
      where worker = ${worker} and open and status = 'running'`,
  );
}

/** The tasks that have lost too many workers. */
export async function findCrashedTasks(
  database: Database,
  mostAttempts: number,
): Promise<{ id: string; epoch: number; source: string }[]> {
  return await database.query(
    "find tasks that crash workers",
    (sql) =>
      sql<{ id: string; epoch: number; source: string }[]>`
      select id, epoch, source from tasks
      where ${crashed(sql, mostAttempts)}
      order by id limit 100`,
  );
}

/** Ends the leases of workers that cannot live any more; their tries count. */
export async function endTaskLeases(database: Database): Promise<void> {
  await database.query(
    "end the leases on tasks",
    (sql) =>
      sql`update tasks set lease_until = now() - interval '1 second'
      where open and status = 'running' and lease_until is not null`,
  );
}
