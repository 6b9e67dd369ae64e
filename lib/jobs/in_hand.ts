import { PickleError } from "../arq/pickle/value.ts";
import { answerJob, type JobAnswer, type TakenJob } from "../arq/worker.ts";
import { errorText } from "../process/log.ts";
import { endRounds } from "./job_rows.ts";
import type { JobStores } from "./job_stores.ts";
import type { Round } from "./round.ts";

/** A job that a worker of this process has claimed. */
export interface JobInHand extends TakenJob {
  worker: string;
  round: Round;
  epoch: number;
  /** The last heartbeat did not name its task: perhaps its work was stopped without an end. */
  unheld?: boolean;
  /** Its task has ended and Redis could not be told yet. */
  answer?: JobAnswer;
}

/** The jobs that this process has claimed and not yet answered or given back, one for each task. */
export interface JobsInHand {
  add(job: JobInHand): void;
  find(taskId: string): JobInHand | undefined;
  of(worker: string): JobInHand[];
  /** Forgets a job, unless its task is in hand again by another claim. */
  drop(job: JobInHand): void;
  /** Ends a job in Redis; when Redis is away the answer is kept for {@link JobsInHand.answerAgain}. */
  answer(job: JobInHand, answer: JobAnswer): Promise<void>;
  /** Ends the jobs whose answers Redis has not taken yet. */
  answerAgain(): Promise<void>;
}

/** Keeps the jobs in hand in memory: what dies with the process is found by its leases' end. */
export function createJobsInHand({ redis, database, log }: JobStores): JobsInHand {
  const byTask = new Map<string, JobInHand>();

  function drop(job: JobInHand): void {
    if (byTask.get(job.round.id) === job) byTask.delete(job.round.id);
  }

  async function answer(job: JobInHand, what: JobAnswer): Promise<void> {
    job.answer = what;
    try {
      const written = await answerJob(redis, job, what);
      drop(job);
      // Else the job is somebody else's by now, and so is its round.
      if (written) await endRounds(database, [job.round]);
    } catch (error) {
      // What the agent returned cannot be written for Python; the database has it.
      if (error instanceof PickleError) return await answer(job, { value: null });
      log.debug("jobs.answer_later", { job_id: job.claim.id, error: errorText(error) });
    }
  }

  return {
    add: (job) => void byTask.set(job.round.id, job),
    find: (taskId) => byTask.get(taskId),
    of: (worker) => [...byTask.values()].filter((job) => job.worker === worker),
    drop,
    answer,
    async answerAgain() {
      for (const job of [...byTask.values()]) if (job.answer) await answer(job, job.answer);
    },
  };
}
