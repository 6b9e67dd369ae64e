import type { Database, Sql } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { idArray } from "../store/stored.ts";
import type { TaskStatus } from "../task/task.ts";
import {
  claimedColumns,
  type ClaimedRow,
  type ClaimedTask,
  MOST_TASK_ATTEMPTS,
  toClaimedTask,
} from "../task/claim.ts";
import type { Held } from "./jobs.ts";
import type { Round } from "./round.ts";
import { takeOverInbox } from "./report/inbox.ts";

/** A task that is to be put into the queue. */
export interface Unsubmitted extends Round {
  title: string;
  description: string;
  source: string;
  message_id: string;
  /** Its last worker goes on with what comes later. */
  continues: boolean;
  /** How many later messages such a worker has not read. */
  unread: number;
}

/** The last two of an {@link Unsubmitted}. */
const continuing = (sql: Sql) =>
  sql`t.job_continues as continues, case when t.job_continues then (
    select count(*)::int from task_inbox i where i.task_id = t.id and i.delivered_at is null)
    else 0 end as unread`;

/** Whether a task may be started now: one that was put off must wait for its time. */
const due = (sql: Sql) => sql`(t.not_before is null or t.not_before <= now())`;

/** How many tasks have a job in Redis; counted up to `most`. */
export async function countSubmitted(database: Database, most: number): Promise<number> {
  const [{ count }] = await database.query(
    "count the jobs in Redis",
    (sql) =>
      sql<{ count: number }[]>`
      select count(*)::int as count from (
        select from tasks where job_state is not null limit ${most}) submitted`,
  );
  return count;
}

/**
 * Tasks that wait and have no job, oldest first; also those that were started before
 * Redis was configured, once their lease in the database has run out.
 */
export async function listUnsubmitted(database: Database, limit: number): Promise<Unsubmitted[]> {
  return await database.query("find tasks to submit", (sql) =>
    sql<Unsubmitted[]>`
      select id, job_round as round, title, description, source, message_id, ${continuing(sql)}
      from tasks t
      where job_state is null and open and question is null
        and status in ('pending', 'running')
        and case status when 'pending' then ${due(sql)} else lease_until < now() end
      order by id limit ${limit}`);
}

const rounds = (sql: Sql, list: readonly Round[]) =>
  sql`jsonb_to_recordset(${
    JSON.stringify(list.map(({ id, round }) => ({ id, round })))
  }::text::jsonb) as r(id uuid, round int)`;

/** A part of a statement: the tasks that are in these rounds, taken in one order, as everybody takes several. */
const taken = (sql: Sql, list: readonly Round[]) =>
  sql`taken as (
    select t.id, t.job_round as round from tasks t join ${rounds(sql, list)}
      on r.id = t.id and r.round = t.job_round
    order by t.id for update of t)`;

/** Notes that these tasks' jobs are in the queue. */
export async function markSubmitted(database: Database, list: readonly Round[]): Promise<void> {
  await database.query("note submitted tasks", (sql) =>
    sql`
      with ${taken(sql, list)}
      update tasks t
      set job_state = 'submitted', job_submitted_at = now(), status = 'pending',
        epoch = t.epoch + (t.status = 'running')::int,
        job_epoch = t.epoch + (t.status = 'running')::int, lease_until = null, worker = null
      from taken r
      where t.id = r.id and t.job_round = r.round and t.job_state is null
        and t.status in ('pending', 'running')`);
}

/** A task with a job that may be started, if nobody has it. */
export interface Candidate extends Round {
  attempts: number;
}

/** Tasks that may be started, oldest first, after this id; some are in others' hands, as Redis knows. */
export async function listCandidates(
  database: Database,
  { after, limit }: { after?: string; limit: number },
): Promise<Candidate[]> {
  return await database.query("find out which jobs may start", (sql) =>
    sql<Candidate[]>`
      select t.id, t.job_round as round, t.attempts from tasks t
      where t.job_state is not null and t.status in ('pending', 'running')
        and t.attempts < ${MOST_TASK_ATTEMPTS} and ${due(sql)}
        ${after ? sql`and t.id > ${after}` : sql``}
      order by t.id limit ${limit}`);
}

/** Those of these rounds whose task has ended or is gone, so that nobody waits for their jobs. */
export async function findOver(database: Database, list: readonly Round[]): Promise<Round[]> {
  return await database.query("find out which jobs are for nothing", (sql) =>
    sql<Round[]>`
      select r.id, r.round from ${rounds(sql, list)} left join tasks t on t.id = r.id
      where t.id is null
        or t.job_state is null and t.job_round = r.round and t.status in ('completed', 'failed', 'cancelled')`);
}

/** Starts tasks whose jobs this worker has claimed; what is not returned was not started. */
export async function startTasks(
  database: Database,
  worker: string,
  list: readonly Round[],
): Promise<ClaimedTask[]> {
  const rows = await database.query(
    "start tasks",
    (sql) =>
      sql<(ClaimedRow & { continued: boolean })[]>`
      with ${taken(sql, list)}, claimed as (
        update tasks t
        set status = 'running', epoch = t.epoch + 1, attempts = t.attempts + 1,
          worker = ${worker}, lease_until = null, started_at = coalesce(t.started_at, now()),
          job_state = 'started', job_epoch = t.epoch + 1, job_try = null
        from taken r
        where t.id = r.id and t.job_round = r.round and t.status in ('pending', 'running')
          and t.attempts < ${MOST_TASK_ATTEMPTS} and ${due(sql)}
        returning t.id, t.epoch, t.attempts, t.title, t.description, t.described, t.subject_id,
          t.message_id, t.job_continues
      ), numbered as (
        select *, row_number() over (order by id) as place from claimed
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select (${idArray(list.map(() => newId()))}::uuid[])[place], id,
          case when attempts = 1 then 'started' else 'taken_over' end, ${worker},
          jsonb_build_object('attempt', attempts)
        from numbered
      ), changed as (
        insert into changes (kind, ids)
        select 'task', array_agg(id) from claimed having count(*) > 0
      )
      select ${claimedColumns(sql)}, t.job_continues as continued from claimed t
      join messages m on m.id = t.message_id`,
  );
  const continued = rows.filter(({ continued }) => continued).map(({ id, epoch }) => ({
    id,
    epoch,
  }));
  await takeOverInbox(database, continued, { by: "otto", continues: false });
  return rows.map(toClaimedTask);
}

/**
 * Notes that somebody else works on a task, whose end is then this epoch's.
 *
 * @param startedAt since when, in milliseconds since 1970 by that worker's clock;
 * since now when left out. It counts where it can be right.
 * @returns the new epoch; undefined when the task has moved on meanwhile.
 */
export async function markStarted(
  database: Database,
  { id, epoch, actor, startedAt }: Held & { actor: string; startedAt?: number },
): Promise<number | undefined> {
  const [row] = await database.query(
    "note that a task was started",
    (sql) =>
      sql<{ epoch: number }[]>`
      with started as (
        update tasks t
        set status = 'running', epoch = t.epoch + 1, worker = null, lease_until = null,
          started_at = coalesce(t.started_at, before.since), job_state = 'started',
          job_epoch = t.epoch + 1, job_continues = false
        from (
          select id, status as was, least(now(), greatest(created_at,
            to_timestamp(coalesce(${startedAt ?? null}::float8 / 1000, 'infinity')))) as since
          from tasks where id = ${id}
        ) before
        where t.id = before.id and t.epoch = ${epoch} and t.status in ('pending', 'running')
        returning t.id, t.epoch, before.was, before.since
      ), noted as (
        insert into task_events (id, task_id, at, kind, actor, data)
        select ${newId()}, id, since,
          case was when 'pending' then 'started' else 'taken_over' end, ${actor}, '{}'::jsonb
        from started
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from started
      )
      select epoch from started`,
  );
  return row?.epoch;
}

/** Which of these still run in the epoch of their start, and which were cancelled. */
export async function readHeldStates(
  database: Database,
  held: readonly Held[],
): Promise<{ running: Set<string>; cancelled: Set<string> }> {
  const rows = await database.query(
    "read the states of held tasks",
    (sql) =>
      sql<{ id: string; status: TaskStatus; current: boolean }[]>`
      select t.id, t.status, t.epoch = h.epoch as current from tasks t
      join jsonb_to_recordset(${JSON.stringify(held)}::text::jsonb) as h(id uuid, epoch int)
        on t.id = h.id`,
  );
  const idsOf = (which: (row: typeof rows[number]) => boolean) =>
    new Set(rows.filter(which).map((row) => row.id));
  return {
    running: idsOf(({ status, current }) => current && status === "running"),
    cancelled: idsOf(({ status }) => status === "cancelled"),
  };
}

/** Gives back a worker's tasks without counting the attempt; their jobs stay, for other workers to start. */
export async function releaseStarted(database: Database, worker: string): Promise<void> {
  await database.query("release tasks", (sql) =>
    sql`
      update tasks t
      set status = 'pending', epoch = t.epoch + 1, job_epoch = t.epoch + 1,
        job_state = case when t.job_state is not null then 'submitted' end, job_submitted_at = now(),
        attempts = greatest(t.attempts - 1, 0), lease_until = null, worker = null
      where worker = ${worker} and open and status = 'running'`);
}

/** Notes that these rounds' jobs have ended: if these tasks go on, then in a new round with a job of its own. */
export async function endRounds(database: Database, list: readonly Round[]): Promise<void> {
  if (list.length === 0) return;
  await database.query("note ended jobs", (sql) =>
    sql`
      with ${taken(sql, list)}
      update tasks t
      set job_state = null, job_round = t.job_round + 1, job_epoch = null, job_try = null,
        job_losses = 0, job_submitted_at = null, job_late_at = null
      from taken r
      where t.id = r.id and t.job_round = r.round and t.job_state is not null`);
}

/** A task with a job, as the database has it. */
export interface LiveTask extends Unsubmitted {
  status: TaskStatus;
  epoch: number;
  attempts: number;
  job_state: "submitted" | "started";
  /** Which epoch the end of its job is for; null when its worker has reported that over HTTP. */
  job_epoch: number | null;
  /** The try of the job that has claimed the task over HTTP; null when none has. */
  job_try: number | null;
  /** How often the job has vanished before its start. */
  losses: number;
  /** Seconds since it was put into the queue. */
  waited: number;
  /** The worker of Otto's that has started it; null when none has. */
  worker: string | null;
  /** How long ago a worker that goes on with what comes later was told to end; null where none was. */
  closed_seconds: number | null;
  /** It has sent a heartbeat within ten seconds, the time in which a dead worker's work starts elsewhere. */
  worker_lives: boolean;
}

/** Tasks with a job, oldest first, after this id. */
export async function listLive(
  database: Database,
  { after, limit }: { after?: string; limit: number },
): Promise<LiveTask[]> {
  return await database.query("list tasks with jobs", (sql) =>
    sql<LiveTask[]>`
      select t.id, t.job_round as round, t.title, t.description, t.source, t.message_id, t.status,
        ${continuing(sql)},
        case when t.job_continues and t.closed_by is not null then (
          select extract(epoch from now() - i.added_at)::float8 from task_inbox i
          where i.task_id = t.id and i.message_id = t.closed_by) end as closed_seconds,
        t.epoch, t.attempts, t.job_state, t.job_epoch, t.job_try, t.job_losses as losses,
        extract(epoch from now() - coalesce(t.job_submitted_at, t.created_at))::float8 as waited,
        t.worker,
        exists (select from workers w
          where w.id = t.worker and w.last_seen > now() - interval '10 seconds') as worker_lives
      from tasks t
      where t.job_state is not null ${after ? sql`and t.id > ${after}` : sql``}
      order by t.id limit ${limit}`);
}

/** Counts that a job had to be submitted again. */
export async function countLoss(database: Database, { id, round }: Round): Promise<void> {
  await database.query(
    "count a lost job",
    (sql) =>
      sql`update tasks set job_losses = job_losses + 1 where id = ${id} and job_round = ${round}`,
  );
}
