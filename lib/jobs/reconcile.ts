import type { JobInspection } from "../arq/inspect_job.ts";
import { MOST_TASK_ATTEMPTS } from "../task/claim.ts";
import type { LiveTask } from "./job_rows.ts";
import { type Ending, WORKER_LOST } from "./jobs.ts";
import type { GenerationReading } from "./redis_generation.ts";

/** What is to be done about a task whose job is not where the database has it. */
export type JobAction =
  | { do: "note its start" | "submit it again" | "collect its result" | "cancel" }
  /** `isOver`: its worker has reported its end, so who does not abort it is no longer needed. */
  | { do: "take it out"; isOver?: boolean }
  | { do: "finish"; end: Ending["end"]; takeOut?: boolean };

/** What follows from where a task's job is. */
export type Reconciliation = { do: "nothing" } | { do: "end the round" } | JobAction;

/** What our workers write into a job's in-progress key begins so; Python's workers write "1". */
export const OWNER_PREFIX = "otto:";

/**
 * How often a job that a Python worker may have begun unseen is submitted again.
 * Each time may do its work twice, so it is as often as a task may crash its worker.
 */
const MOST_LOSSES = 3;

/**
 * A worker that goes on with what comes later decides itself how to end what was closed, within an
 * hour: then the task is cancelled, as by a person.
 */
const MOST_CLOSING_SECONDS = 3_600;

/** Whether a worker that is not Otto's has the job. */
export function isForeignRun(found: JobInspection): boolean {
  return found.state === "running" && !found.owner.startsWith(OWNER_PREFIX);
}

/** The end of a task whose job was begun, or may have been, and left no result. */
const UNKNOWN: Ending["end"] = {
  status: "failed",
  error: {
    code: "outcome_unknown",
    message: "outcome unknown: its job is gone from Redis without a result. " +
      "It may have been done; look before you retry it.",
  },
};

/**
 * Compares what the database knows of a task with where its job is.
 *
 * That a job is gone is no reason to submit it again, however long ago it was: it
 * has been run, by a worker that keeps no results. Only a job that was lost with
 * all of Redis' data is submitted again.
 *
 * @param reading whether Redis has lost its data since all jobs were inspected before.
 */
export function reconcile(
  task: LiveTask,
  found: JobInspection,
  reading: GenerationReading,
): Reconciliation {
  switch (task.status) {
    case "pending":
      return reconcilePending(task, found, reading);
    case "running":
      return reconcileRunning(task, found);
    default:
      // The task has ended or waits for a person: what is left of its job goes.
      if (found.state === "waiting") return { do: "take it out" };
      if (found.state !== "running") return { do: "end the round" };
      return { do: task.status === "cancelled" ? "take it out" : "nothing" };
  }
}

function reconcilePending(
  task: LiveTask,
  found: JobInspection,
  reading: GenerationReading,
): Reconciliation {
  // Retried, answered or put off since it was submitted: the job is of an earlier round.
  if (task.job_state === "started" || task.job_epoch !== task.epoch) {
    if (found.state === "waiting" || isForeignRun(found)) {
      return { do: "take it out", isOver: task.job_epoch === null };
    }
    return { do: found.state === "running" ? "nothing" : "end the round" };
  }
  switch (found.state) {
    case "ended":
      return { do: "collect its result" };
    case "running":
      // A worker of ours notes the start itself, right after its claim.
      return { do: isForeignRun(found) ? "note its start" : "nothing" };
    case "waiting":
      return { do: "nothing" };
    case "gone":
      return mayHaveBegun(task, reading)
        ? { do: "finish", end: UNKNOWN }
        : { do: "submit it again" };
  }
}

/** Whether a job that is gone, and that the database has as waiting, may have been worked on. */
function mayHaveBegun(task: LiveTask, { lost, onlyOtto, coversWait }: GenerationReading): boolean {
  // Redis still has its data, so somebody took the job out.
  if (!lost) return true;
  // Otto's own workers tell the database before they begin.
  if (onlyOtto) return false;
  return !coversWait(task.waited) || task.losses >= MOST_LOSSES;
}

function reconcileRunning(task: LiveTask, found: JobInspection): Reconciliation {
  switch (found.state) {
    case "ended":
      return task.job_epoch === task.epoch ? { do: "collect its result" } : { do: "end the round" };
    case "running":
      if ((task.closed_seconds ?? 0) > MOST_CLOSING_SECONDS) return { do: "cancel" };
      // Python took over what a worker of ours had to let go.
      return { do: task.worker !== null && isForeignRun(found) ? "note its start" : "nothing" };
    case "waiting":
      return task.worker !== null && !task.worker_lives && task.attempts >= MOST_TASK_ATTEMPTS
        ? { do: "finish", end: { status: "failed", error: WORKER_LOST }, takeOut: true }
        : { do: "nothing" };
    case "gone":
      // A worker of ours that lives ends it in the database, whatever Redis has lost.
      return task.worker_lives ? { do: "nothing" } : { do: "finish", end: UNKNOWN };
  }
}
