import { extendClaim } from "../arq/claim.ts";
import { aborted } from "../arq/worker.ts";
import { cancelTask } from "../task/task.ts";
import type { JobInHand, JobsInHand } from "./in_hand.ts";
import { readHeldStates } from "./job_rows.ts";
import { type JobStores, unlessRedisAway } from "./job_stores.ts";
import type { Held } from "./jobs.ts";
import { RENEWED_SECONDS } from "../message/claim.ts";
import { EXPIRES_MS } from "./submitter.ts";

/**
 * Renews the leases of a worker's jobs, and answers those whose work has ended
 * without a word: cancelled, or stopped.
 *
 * @param held the tasks that the worker works on now.
 * @returns those of its tasks that still run in the epoch of their start.
 */
export async function holdJobs(
  stores: JobStores,
  inHand: JobsInHand,
  { worker, held }: { worker: string; held: readonly Held[] },
): Promise<Set<string>> {
  const jobs = inHand.of(worker);
  const lost = await renewLeases(stores, jobs);
  const all = [...held, ...jobs.map(({ round, epoch }) => ({ id: round.id, epoch }))];
  if (all.length === 0) return new Set();
  const { running, cancelled } = await readHeldStates(stores.database, all);
  const worked = new Set(held.map(({ id }) => id));
  for (const job of jobs) {
    const { id } = job.round;
    if (lost.has(job)) {
      inHand.drop(job);
      running.delete(id);
      continue;
    }
    // Only the second heartbeat in a row counts: a task that was started just now is not held yet.
    const stopped = !worked.has(id) && job.unheld;
    job.unheld = !worked.has(id);
    if (!job.answer && (cancelled.has(id) || stopped)) await inHand.answer(job, aborted);
  }
  return running;
}

/** @returns the jobs that are another worker's now; tasks whose jobs are to be aborted are cancelled. */
async function renewLeases(
  { redis, database, log }: JobStores,
  jobs: readonly JobInHand[],
): Promise<Set<JobInHand>> {
  const leases = await Promise.all(
    jobs.map(({ claim }) => {
      const lease = { leaseMs: RENEWED_SECONDS * 1_000, expiresMs: EXPIRES_MS };
      return unlessRedisAway(log, extendClaim(redis, claim, lease));
    }),
  );
  // Undefined: Redis is away. Whether the task is still ours is decided by its epoch at the end.
  const toAbort = jobs.filter((_, at) => leases[at] === "aborted");
  for (const { round } of toAbort) await cancelTask(database, { id: round.id, actor: "arq" });
  return new Set(jobs.filter((_, at) => leases[at] === "lost"));
}
