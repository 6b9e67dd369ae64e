import { releaseJob } from "../arq/claim.ts";
import { checkQueue } from "../arq/check_queue.ts";
import { createHealthReader, type HealthReader, removeHealth, writeHealth } from "../arq/health.ts";
import { measureQueue } from "../arq/inspect_job.ts";
import { failure } from "../arq/worker.ts";
import { errorText } from "../process/log.ts";
import { redisReason } from "../store/redis.ts";
import { MOST_TASK_ATTEMPTS } from "../task/claim.ts";
import type { Redact } from "../redaction/redact.ts";
import { answerFor } from "./answer.ts";
import { createCollector } from "./collector.ts";
import { holdJobs } from "./hold_jobs.ts";
import { createJobsInHand, type JobsInHand } from "./in_hand.ts";
import { releaseStarted } from "./job_rows.ts";
import { type JobStores, unlessRedisAway } from "./job_stores.ts";
import type { JobQueue, Jobs } from "./jobs.ts";
import { removeDeleted } from "./remove_deleted.ts";
import { LEASE_MS, startJobs } from "./start_jobs.ts";
import { createSubmitter, type JobContent } from "./submitter.ts";
import { findUnstarted } from "./unstarted.ts";

export interface ArqOptions extends JobContent {
  /** Takes secrets out of what foreign workers have answered. */
  redact: Redact;
  /** Whether this Otto's workers take jobs; else foreign ones do, and Otto submits and collects. */
  takes: boolean;
  /** People are told of a job that nobody has started for so many seconds. */
  startSeconds: number;
}

/**
 * Tasks as ARQ jobs: taken by our workers, by Python's, or by both from one
 * queue. The only lease is ARQ's in-progress key. The database stays the truth:
 * what is to be submitted, which epoch may end a task, and how it ended.
 */
export function openArqJobs(stores: JobStores, options: ArqOptions): Jobs {
  const { redis, database, log, queue } = stores;
  const { takes, redact, startSeconds } = options;
  const submitter = createSubmitter(stores, options);
  const health = createHealthReader(redis, queue);
  const seesForeign = async () => !takes || await health.findForeign();
  const collector = createCollector(stores, { redact, submitter, seesForeign });
  const inHand = createJobsInHand(stores);
  let complete = 0;
  let failed = 0;

  async function release(worker: string): Promise<void> {
    await Promise.all([
      releaseStarted(database, worker),
      releaseJobs(stores, inHand, worker),
      takes ? unlessRedisAway(log, removeHealth(redis, queue, worker)) : undefined,
    ]);
    for (const job of inHand.of(worker)) inHand.drop(job);
  }

  return {
    backend: "arq",
    mostAttempts: MOST_TASK_ATTEMPTS,
    // How soon the end of a foreign worker's task is known: one statement and one script each time.
    collectEveryMs: 500,
    async claim(which) {
      await submitter.submit();
      return takes ? await startJobs(stores, inHand, which) : [];
    },
    async hold(worker, held) {
      if (takes) {
        const counts = { complete, failed, ongoing: held.length };
        await unlessRedisAway(log, writeHealth(redis, { queue, worker, counts, forMs: LEASE_MS }));
      }
      return await holdJobs(stores, inHand, { worker, held });
    },
    async finish(finish, taken) {
      if (finish.status === "failed") failed++;
      else complete++;
      const job = inHand.find(finish.taskId);
      if (job?.epoch !== finish.epoch) return;
      const answer = taken
        ? answerFor(finish)
        : failure("its task had ended or was taken over before");
      await inHand.answer(job, answer).catch((error) =>
        log.debug("jobs.answer_failed", { error: errorText(error) })
      );
    },
    release,
    // ARQ counts the tries of its jobs by itself.
    cutOff: release,
    async collect() {
      await submitter.submit();
      await removeDeleted(stores);
      await inHand.answerAgain();
      return {
        endings: await collector.collect(),
        unstarted: await findUnstarted(database, startSeconds),
      };
    },
    measure: () => measureJobs(stores, health),
    check: () => checkQueue(redis, queue).then(() => undefined, redisReason),
  };
}

/** Gives a worker's jobs back; one whose task has ended is answered instead. */
async function releaseJobs(
  { redis, log }: JobStores,
  inHand: JobsInHand,
  worker: string,
): Promise<void> {
  await Promise.all(
    inHand.of(worker).map((job) =>
      job.answer
        ? inHand.answer(job, job.answer)
        : unlessRedisAway(log, releaseJob(redis, job.claim))
    ),
  );
}

async function measureJobs(
  { redis, log, queue }: JobStores,
  health: HealthReader,
): Promise<JobQueue | undefined> {
  const [measured, workers] = await Promise.all([
    unlessRedisAway(log, measureQueue(redis, queue)),
    unlessRedisAway(log, health.read()),
  ]);
  if (!measured) return undefined;
  const { depth, running, dueSince } = measured;
  return {
    queue,
    depth,
    running,
    // To a tenth of a second; the clocks of whoever enqueued it and ours may differ.
    oldest_age_seconds: dueSince === undefined
      ? null
      : Math.max(0, Math.round((Date.now() - dueSince) / 100) / 10),
    workers: workers ?? [],
  };
}
