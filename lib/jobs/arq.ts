import { extendClaim, releaseJob } from "../arq/claim.ts";
import { createHealthReader, removeHealth, writeHealth } from "../arq/health.ts";
import { measureQueue } from "../arq/inspect_job.ts";
import { PickleError } from "../arq/pickle/value.ts";
import {
  aborted,
  answerJob,
  createFinder,
  failure,
  type JobAnswer,
  takeJob,
  type TakenJob,
} from "../arq/worker.ts";
import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { errorText, type Log } from "../process/log.ts";
import { LEASE_SECONDS, MOST_ATTEMPTS } from "../message/claim.ts";
import type { Redact } from "../redaction/redact.ts";
import { isRedisFailure, isReplyError, type Redis } from "../store/redis.ts";
import { cancelTask } from "../task/task.ts";
import type { ClaimedTask } from "../task/claim.ts";
import { answerFor } from "./answer.ts";
import { createCollector } from "./collector.ts";
import {
  endRounds,
  findCandidates,
  findStandings,
  jobIdOf,
  releaseStarted,
  type Round,
  roundOf,
  startTasks,
} from "./job_rows.ts";
import type { Jobs } from "./jobs.ts";
import { createSubmitter, EXPIRES_MS } from "./submitter.ts";
import { OWNER_PREFIX } from "./reconcile.ts";

export interface ArqOptions {
  redis: Redis;
  database: Database;
  log: Log;
  queue: string;
  function: string;
  /** Takes secrets out of what others have answered. */
  redact: Redact;
  /** Whether this Otto's workers take jobs; else others do, and we submit and collect. */
  takes: boolean;
  /** Where the API is, for the job's arguments. */
  apiUrl: string;
  /** A job that nobody has started for so many seconds is told of. */
  startSeconds: number;
}

const LEASE_MS = LEASE_SECONDS * 1_000;
/** So many more are looked at than can be taken: some may not be for now. */
const BEHIND = 32;

/** A job in this process' hands. */
interface InHand extends TakenJob {
  worker: string;
  round: Round;
  epoch: number;
  /** The last heartbeat did not know of it: its work was stopped without an end. */
  unheld?: boolean;
  /** Its task has ended and Redis could not be told yet. */
  answer?: JobAnswer;
}

/**
 * Tasks as ARQ jobs: taken by our workers, by Python's, or by both from one
 * queue. The only lease is ARQ's in-progress key. The database stays the truth:
 * what is to be submitted, which epoch may end a task, and how it ended.
 */
export function openArqJobs(options: ArqOptions): Jobs {
  const { redis, database, log, queue, takes } = options;
  const finder = createFinder(redis, options);
  const submitter = createSubmitter(options);
  const health = createHealthReader(redis, queue);
  const collector = createCollector({ ...options, submitter, health });
  /** By task. */
  const inHand = new Map<string, InHand>();
  const handsOf = (worker: string) => [...inHand.values()].filter((job) => job.worker === worker);
  let complete = 0;
  let failed = 0;

  /** Redis being away is no error here: everything is still in the database. */
  async function whenThere<T>(what: Promise<T>): Promise<T | undefined> {
    try {
      return await what;
    } catch (error) {
      if (!isRedisFailure(error)) {
        log.warn("jobs.step_failed", { error: errorText(error) });
        throw error;
      }
      const level = isReplyError(error) ? "warn" : "debug";
      log[level]("jobs.redis_away", { error: errorText(error) });
    }
  }

  const take = (id: string) =>
    whenThere(takeJob(redis, {
      queue,
      id,
      token: `${OWNER_PREFIX}${newId()}`,
      leaseMs: LEASE_MS,
    }));

  /** Answers a job that is about no task that waits for it. */
  async function refuse(id: string): Promise<void> {
    const taken = await take(id);
    if (!taken) return;
    log.info("job.stale", { job_id: id });
    await whenThere(answerJob(redis, taken, failure(`no task of Otto waits for the job ${id}`)));
  }

  async function claim(
    { worker: by, max, emptyHanded }: { worker: string; max: number; emptyHanded: boolean },
  ): Promise<ClaimedTask[]> {
    await submitter.submit();
    if (!takes) return [];
    const ids = await whenThere(finder.find(max + BEHIND)) ?? [];
    if (ids.length === 0) return [];
    const rounds = ids.flatMap((id) => roundOf(id) ?? []);
    const candidates = await findCandidates(database, rounds);
    const state = new Map(candidates.map((each) => [jobIdOf(each), each]));
    const stale = ids.filter((id) => (state.get(id)?.state ?? "stale") === "stale");
    await Promise.all(stale.map(refuse));

    const ready = ids.flatMap((id) => state.get(id) ?? []).filter((each) => each.state === "ready");
    const suspect = ready.find((each) => each.attempts >= MOST_ATTEMPTS - 1);
    const wanted = !suspect ? ready.slice(0, max) : emptyHanded ? [suspect] : [];
    return await start(by, wanted);
  }

  async function start(by: string, wanted: readonly Round[]): Promise<ClaimedTask[]> {
    const taken = (await Promise.all(wanted.map(async ({ id, round }) => {
      const job = await take(jobIdOf({ id, round }));
      return job ? [{ ...job, round: { id, round } }] : [];
    }))).flat();
    if (taken.length === 0) return [];
    const giveBack = (jobs: typeof taken) =>
      Promise.all(jobs.map(({ claim }) => whenThere(releaseJob(redis, claim))));
    try {
      const started = await startTasks(database, by, taken.map(({ round }) => round));
      const epochs = new Map(started.map(({ id, epoch }) => [id, epoch]));
      for (const job of taken) {
        const epoch = epochs.get(job.round.id);
        if (epoch !== undefined) {
          inHand.set(job.round.id, { ...job, worker: by, epoch });
        }
      }
      await giveBack(taken.filter(({ round }) => !epochs.has(round.id)));
      return started;
    } catch (error) {
      await giveBack(taken);
      throw error;
    }
  }

  /** Ends a job in Redis; when that is away, as soon as it is back. */
  async function answer(job: InHand, what: JobAnswer): Promise<void> {
    job.answer = what;
    try {
      const written = await answerJob(redis, job, what);
      if (inHand.get(job.round.id) === job) inHand.delete(job.round.id);
      // Lost to somebody else, the round is theirs.
      if (written) await endRounds(database, [job.round]);
    } catch (error) {
      if (error instanceof PickleError) return await answer(job, { value: null });
      log.debug("jobs.answer_later", { job_id: job.claim.id, error: errorText(error) });
    }
  }

  async function extend(job: InHand): Promise<"held" | "lost" | "aborted"> {
    const lease = await whenThere(
      extendClaim(redis, job.claim, { leaseMs: LEASE_MS, expiresMs: EXPIRES_MS }),
    );
    // Whether it is still ours when Redis is away is shown by the epoch at the end.
    return lease ?? "held";
  }

  return {
    backend: "arq",
    collectEveryMs: 500,
    claim,
    async hold(by, held) {
      if (takes) {
        await whenThere(writeHealth(redis, {
          queue,
          worker: by,
          counts: { complete, failed, ongoing: held.length },
          forMs: LEASE_MS,
        }));
      }
      const mine = handsOf(by);
      const leases = await Promise.all(mine.map(extend));
      for (const [at, { round }] of mine.entries()) {
        if (leases[at] === "aborted") await cancelTask(database, { id: round.id, actor: "arq" });
      }
      const all = [...held, ...mine.map(({ round, epoch }) => ({ id: round.id, epoch }))];
      if (all.length === 0) return new Set();
      const { running, cancelled } = await findStandings(database, all);
      const working = new Set(held.map(({ id }) => id));
      for (const [at, job] of mine.entries()) {
        const { id } = job.round;
        if (leases[at] === "lost") {
          if (inHand.get(id) === job) inHand.delete(id);
          running.delete(id);
          continue;
        }
        // Twice, because a task that was started just now is not held yet.
        const dropped = !working.has(id) && job.unheld;
        job.unheld = !working.has(id);
        if (!job.answer && (cancelled.has(id) || dropped)) await answer(job, aborted);
      }
      return running;
    },
    async finish(finish, taken) {
      if (finish.status === "failed") failed++;
      else complete++;
      const job = inHand.get(finish.taskId);
      if (job?.epoch !== finish.epoch) return;
      const what = taken
        ? answerFor(finish)
        : failure("its task had ended or was taken over before");
      await answer(job, what).catch((error) =>
        log.debug("jobs.answer_failed", { error: errorText(error) })
      );
    },
    async release(by) {
      await Promise.all([
        releaseStarted(database, by),
        ...handsOf(by).map((job) =>
          job.answer ? answer(job, job.answer) : whenThere(releaseJob(redis, job.claim))
        ),
        takes ? whenThere(removeHealth(redis, queue, by)) : undefined,
      ]);
      for (const job of handsOf(by)) inHand.delete(job.round.id);
    },
    async collect() {
      await submitter.submit();
      for (const job of [...inHand.values()]) if (job.answer) await answer(job, job.answer);
      return await collector.collect();
    },
    async measure() {
      const [depth, workers] = await Promise.all([
        whenThere(measureQueue(redis, queue)),
        whenThere(health.read()),
      ]);
      if (!depth) return undefined;
      return {
        queue,
        depth: depth.depth,
        running: depth.running,
        oldest_age_seconds: depth.dueSince === undefined
          ? null
          : Math.max(0, Math.round((Date.now() - depth.dueSince) / 100) / 10),
        workers: workers ?? [],
      };
    },
  };
}
