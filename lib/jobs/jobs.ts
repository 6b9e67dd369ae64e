import type { ClaimedTask } from "../task/claim.ts";
import type { Finish, WorkTimes } from "../task/finish.ts";

/** A task in a worker's hands: only the epoch of its start may end it. */
export interface Held {
  id: string;
  epoch: number;
}

/** The end of a task that somebody else has worked on. */
export interface Ending extends Held {
  source: string;
  actor: string;
  end:
    | { status: "completed"; result: { text: string; data: unknown }; times?: WorkTimes }
    | { status: "failed"; error: { code: string; message: string }; times?: WorkTimes }
    /** Nothing has been done: it is tried again, no sooner than in so many seconds. */
    | { status: "later"; afterSeconds: number; reason: string };
}

/** A task that no agent has started for too long. */
export interface UnstartedTask {
  id: string;
  source: string;
  /** For people. */
  text: string;
}

/** How many jobs wait and who works on them, as `/webhook/stats` shows it. */
export interface JobQueue {
  queue: string;
  depth: number;
  oldest_age_seconds: number | null;
  /** Of the oldest thousand jobs, those in somebody's hands. */
  running: number;
  /** By their health keys. */
  workers: { key: string; complete: number; failed: number; retried: number; ongoing: number }[];
}

/**
 * Brings tasks to the agent and says whose they are.
 *
 * The promise: a task is in one worker's hands at a time, by one lease, and is
 * taken over within ten seconds when that worker dies. Each start raises the
 * task's epoch in the database and only that epoch may end it, so a worker that
 * was presumed dead changes nothing: the first end wins. Where tasks wait, in
 * which order, and who else may take them, is each implementation's own matter.
 */
export interface Jobs {
  readonly backend: "postgres" | "arq";
  /** How often {@link Jobs.collect} is worth calling, in milliseconds. */
  readonly collectEveryMs: number;
  /** What has lost so many workers is not tried again. */
  readonly mostAttempts: number;
  /**
   * Starts up to `max` tasks for this worker, oldest first. One that has crashed
   * every worker that took it comes alone, and only to a worker that has nothing
   * else in hand.
   */
  claim(
    which: { worker: string; max: number; emptyHanded: boolean },
  ): Promise<ClaimedTask[]>;
  /**
   * Renews the leases on what this worker holds.
   *
   * @returns the ids it still holds: the others were cancelled or taken over.
   */
  hold(worker: string, held: readonly Held[]): Promise<Set<string>>;
  /** Says that the work on a task is over, and whether the database has taken its end. Never rejects. */
  finish(finish: Finish, taken: boolean): Promise<void>;
  /** Gives everything back that this worker holds, for others to start at once. */
  release(worker: string): Promise<void>;
  /** The same where the host ends the worker, and may do so at the next try, too: each counts. */
  cutOff(worker: string): Promise<void>;
  /** Submits tasks that have no job, and says which tasks have ended elsewhere and which nobody starts. */
  collect(): Promise<{ endings: Ending[]; unstarted: UnstartedTask[] }>;
  /** How full the queue is; undefined where there is none beside the database, or it does not answer. */
  measure(): Promise<JobQueue | undefined>;
  /** Tries the commands that submit a job. @returns why it cannot be, in words for anyone. */
  check(): Promise<string | undefined>;
}

/** The error of a task that crashed its worker on the last attempt, too. */
export const WORKER_LOST = {
  code: "worker_lost",
  message: "every worker that took it stopped in the middle",
};

/** How often a task may lose whoever works on it, and how it has failed then. */
export interface LossLimit {
  attempts: number;
  error: { code: string; message: string };
}
