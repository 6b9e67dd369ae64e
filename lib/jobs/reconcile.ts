import type { JobInspection } from "../arq/inspect_job.ts";
import { MOST_ATTEMPTS } from "../message/claim.ts";
import type { LiveTask } from "./job_rows.ts";
import { type Ending, WORKER_LOST } from "./jobs.ts";
import type { GenerationReading } from "./redis_generation.ts";

/** What is to be done about a job. */
export type Reconciliation =
  | { do: "nothing" | "end the round" | "take it out" | "note its start" | "submit it again" }
  | { do: "collect its result" }
  | { do: "finish"; end: Ending["end"]; takeOut?: boolean };

/** Our workers' claims begin so; from Python it is "1". */
export const OWNER_PREFIX = "otto:";
/** A job that others may have begun and that is lost more often is not submitted any more. */
const MOST_LOSSES = 3;

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
 * Time alone never brings a job back, nor does its being gone: jobs outlive their
 * work only in their results, which a worker need not keep. Only one that went
 * with all of Redis' data is submitted again.
 *
 * @param since what is known of the time since the look before.
 */
export function reconcile(
  task: LiveTask,
  look: JobInspection,
  since: GenerationReading,
): Reconciliation {
  switch (task.status) {
    case "pending":
      return judgePending(task, look, since);
    case "running":
      return judgeRunning(task, look);
    default:
      // The task has ended or waits for a person: what is left of its job goes.
      if (look.state === "waiting") return { do: "take it out" };
      if (look.state !== "running") return { do: "end the round" };
      return { do: task.status === "cancelled" ? "take it out" : "nothing" };
  }
}

function judgePending(
  task: LiveTask,
  look: JobInspection,
  since: GenerationReading,
): Reconciliation {
  const ofPython = look.state === "running" && !look.owner.startsWith(OWNER_PREFIX);
  // Retried, answered or put off since: what this job says is about an earlier turn.
  if (task.job_state === "started" || task.job_epoch !== task.epoch) {
    if (look.state === "waiting" || ofPython) return { do: "take it out" };
    return { do: look.state === "running" ? "nothing" : "end the round" };
  }
  switch (look.state) {
    case "ended":
      return { do: "collect its result" };
    case "running":
      return { do: ofPython ? "note its start" : "nothing" };
    case "waiting":
      return { do: "nothing" };
    case "gone":
      if (!since.lost) return { do: "finish", end: UNKNOWN };
      // A worker of ours tells the database before it begins.
      if (since.alone) return { do: "submit it again" };
      return since.isWatched(task.waited) && task.losses < MOST_LOSSES
        ? { do: "submit it again" }
        : { do: "finish", end: UNKNOWN };
  }
}

function judgeRunning(task: LiveTask, look: JobInspection): Reconciliation {
  switch (look.state) {
    case "ended":
      return task.job_epoch === task.epoch ? { do: "collect its result" } : { do: "end the round" };
    case "running":
      // Python took over what a worker of ours had to let go.
      return task.worker !== null && !look.owner.startsWith(OWNER_PREFIX)
        ? { do: "note its start" }
        : { do: "nothing" };
    case "waiting":
      return task.worker !== null && !task.worker_lives && task.attempts >= MOST_ATTEMPTS
        ? { do: "finish", end: { status: "failed", error: WORKER_LOST }, takeOut: true }
        : { do: "nothing" };
    case "gone":
      // A worker of ours ends it in the database, whatever Redis has forgotten.
      return task.worker_lives ? { do: "nothing" } : { do: "finish", end: UNKNOWN };
  }
}
