import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { storedJson } from "../../store/stored.ts";
import type { Round } from "../round.ts";

/** What came of a claim over HTTP. */
export type HttpClaim =
  | {
    state: "claimed";
    epoch: number;
    /** Whoever had it before went on with what came later: see `takeOverInbox`. */
    continued: boolean;
  }
  /** The job is not the task's any more: the task was retried, ended, cancelled or put off. */
  | { state: "stale" }
  /** A later try of the job has claimed it already. */
  | { state: "taken" }
  | { state: "missing" };

/** python-arq forgets how many tries a job had so long after the last, and counts anew, in seconds. */
const TRIES_KEPT_SECONDS = 88_400;

/**
 * Starts a task for an external worker that has its job, in this try. Whatever
 * had it before may not end it any more. The same try may claim again: the
 * answer may have been lost, or ARQ has forgotten the tries before.
 */
export async function claimByHttp(
  database: Database,
  { id, round, jobTry, worker }: Round & { jobTry: number; worker: string },
): Promise<HttpClaim> {
  const [row] = await database.query(
    "claim a task over HTTP",
    (sql) =>
      sql<{ current: boolean; continued: boolean; epoch: number | null }[]>`
      with before as (
        select id, job_try, job_continues as continued,
          -- One that waits for a worker again, after a wait or a retry, gets another job than this.
          job_round = ${round} and (status = 'running' or status = 'pending'
            and (job_state is null or job_state = 'submitted' and job_epoch = epoch)) as current
        from tasks where id = ${id} for update
      ), claimed as (
        update tasks t
        set status = 'running', epoch = t.epoch + 1, worker = null, lease_until = null,
          started_at = coalesce(t.started_at, now()), job_state = 'started',
          job_epoch = t.epoch + 1, job_try = ${jobTry}
        from before
        where t.id = before.id and current and (coalesce(before.job_try, 0) <= ${jobTry}
          or (select max(at) from task_events e where e.task_id = t.id and e.kind = 'claimed')
            < now() - make_interval(secs => ${TRIES_KEPT_SECONDS}))
        returning t.id, t.epoch
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, id, 'claimed', ${worker},
          jsonb_build_object('attempt', ${jobTry}::int) from claimed
      ), changed as (
        insert into changes (kind, ids) select 'task', array[id] from claimed
      )
      select current, continued, (select epoch from claimed) as epoch from before`,
  );
  if (!row) return { state: "missing" };
  const { epoch, continued } = row;
  if (epoch !== null) return { state: "claimed", epoch, continued };
  return { state: row.current ? "taken" : "stale" };
}

/**
 * Writes a step into the timeline of a running task; the newest one once more is the same step,
 * whose answer was lost, or that asks again what has come.
 *
 * @returns how many later messages nobody has read; undefined when it does not run in this epoch
 *   any more.
 */
export async function noteProgress(
  database: Database,
  { id, round, epoch, text, data }: Round & {
    epoch: number;
    text: string;
    data: unknown;
  },
): Promise<number | undefined> {
  const [row] = await database.query("note a task's progress", (sql) =>
    sql<{ unread: number }[]>`
      with running as (
        select id from tasks
        where id = ${id} and job_round = ${round} and epoch = ${epoch} and status = 'running'
      ), step as (
        select ${storedJson({ text, data })}::text::jsonb as data
      ), noted as (
        insert into task_events (id, task_id, kind, actor, data)
        select ${newId()}, running.id, 'progress', 'agent', step.data
        from running, step, lateral (
          select e.kind, e.data from task_events e where e.task_id = running.id
          order by e.id desc limit 1) newest
        where newest.kind <> 'progress' or newest.data <> step.data
        returning task_id
      ), changed as (
        insert into changes (kind, ids) select 'task', array[task_id] from noted
      )
      select (select count(*)::int from task_inbox i
        where i.task_id = running.id and i.delivered_at is null) as unread from running`);
  return row?.unread;
}

/** What a caller's round and epoch of a task are compared with; undefined when there is no such task. */
export async function readClaimState(
  database: Database,
  id: string,
): Promise<
  { source: string; round: number; epoch: number; status: string } | undefined
> {
  const [row] = await database.query(
    "read where a task stands",
    (sql) =>
      sql<{ source: string; round: number; epoch: number; status: string }[]>`
      select source, job_round as round, epoch, status from tasks where id = ${id}`,
  );
  return row;
}
