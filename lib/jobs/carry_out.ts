import { type JobInspection, removeJob } from "../arq/inspect_job.ts";
import type { Database } from "../store/database.ts";
import { cancelTask } from "../task/task.ts";
import { countLoss, endRounds, type LiveTask, markStarted } from "./job_rows.ts";
import type { JobStores } from "./job_stores.ts";
import type { Ending } from "./jobs.ts";
import type { JobAction } from "./reconcile.ts";
import { FUNCTION_UNKNOWN, type ResultEnd, type ResultReader } from "./result.ts";
import { jobIdOf } from "./round.ts";
import type { Submitter } from "./submitter.ts";

/** Who has worked on a job that was not Otto's, in the timeline. */
const FOREIGN = "arq";

/** A task, what was found of its job, and what is to be done. */
export interface Reconciled {
  task: LiveTask;
  inspection: JobInspection;
  action: JobAction;
}

/**
 * A worker that lives hears that it is to abort within its `poll_delay`, half a second: in this time
 * a dead worker's work starts elsewhere.
 */
const MOST_ABORTING_MS = 10_000;

/**
 * Does what `reconcile` has said about one task.
 *
 * @returns how the task is to be ended, when it is.
 */
export async function carryOut(
  stores: JobStores,
  { task, inspection, action }: Reconciled,
  { submitter, results, onlyOtto }: {
    submitter: Submitter;
    results: ResultReader;
    onlyOtto: boolean;
  },
): Promise<Ending[]> {
  const { redis, database, queue, log } = stores;
  const jobId = jobIdOf(task);
  log.debug("job.reconciled", { job_id: jobId, found: inspection.state, action: action.do });
  switch (action.do) {
    case "take it out": {
      const patienceMs = action.isOver ? MOST_ABORTING_MS : undefined;
      if (await removeJob(redis, queue, jobId, patienceMs)) await endRounds(database, [task]);
      return [];
    }
    case "note its start":
      await markStarted(database, { ...task, actor: FOREIGN });
      return [];
    case "cancel":
      await cancelTask(database, { id: task.id, actor: "otto" });
      return [];
    case "submit it again":
      log.warn("job.submitted_again", { job_id: jobId });
      await submitter.submitAgain(task);
      if (!onlyOtto) await countLoss(database, task);
      return [];
    case "collect its result": {
      const size = inspection.state === "ended" ? inspection.size : 0;
      const end = await results.read({ jobId, size, claimedTry: task.job_try });
      if (!end) return [];
      if (end.status === "cancelled") {
        await cancelTask(database, { id: task.id, actor: FOREIGN });
        return [];
      }
      return await finish(stores, task, {
        end: await orLater(database, task, end),
        actor: FOREIGN,
      });
    }
    case "finish":
      if (action.takeOut && !await removeJob(redis, queue, jobId)) return [];
      return await finish(stores, task, { end: action.end, actor: "otto" });
  }
}

/**
 * A worker that does not know the function has done nothing, and others may know it:
 * the task is tried in new rounds for about a quarter of an hour, in which a worker
 * that was started with the wrong code is replaced.
 */
const MOST_UNKNOWN_ROUNDS = 6;
const FIRST_WAIT_SECONDS = 15;

async function orLater(
  database: Database,
  { id }: LiveTask,
  end: Exclude<ResultEnd, { status: "cancelled" }>,
): Promise<Ending["end"]> {
  if (end.status !== "failed" || end.error.code !== FUNCTION_UNKNOWN) return end;
  const before = await countUnknownRounds(database, id);
  if (before >= MOST_UNKNOWN_ROUNDS) return end;
  const afterSeconds = FIRST_WAIT_SECONDS * 2 ** before;
  return { status: "later", afterSeconds, reason: end.error.message };
}

/** In how many rounds so far no worker knew the function, since one did or a person acted. */
async function countUnknownRounds(database: Database, id: string): Promise<number> {
  const [{ count }] = await database.query(
    "count rounds of nobody's",
    (sql) =>
      sql<{ count: number }[]>`
      select count(*)::int as count from task_events
      where task_id = ${id} and kind = 'put_off' and actor = ${FOREIGN}
        and at > coalesce((select max(at) from task_events
          where task_id = ${id} and kind in ('claimed', 'woken', 'retried')), '-infinity')`,
  );
  return count;
}

async function finish(
  { database }: JobStores,
  task: LiveTask,
  { end, actor }: Pick<Ending, "end" | "actor">,
): Promise<Ending[]> {
  const { id, source } = task;
  // One that was never seen to start has no epoch yet that may end it.
  const epoch = task.status === "running" ? task.epoch : await markStarted(database, {
    ...task,
    actor: FOREIGN,
    startedAt: "times" in end ? end.times?.startedAt : undefined,
  });
  return epoch === undefined ? [] : [{ id, epoch, source, actor, end }];
}
