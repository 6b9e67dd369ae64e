import type { HealthReader } from "../arq/health.ts";
import {
  inspectJobs,
  type JobInspection,
  MOST_RESULT,
  readResult,
  removeJob,
} from "../arq/inspect_job.ts";
import type { Database } from "../store/database.ts";
import { errorText, type Log } from "../process/log.ts";
import { type Redact, redactTexts } from "../redaction/redact.ts";
import { isReplyError, type Redis } from "../store/redis.ts";
import {
  countLoss,
  endRounds,
  jobIdOf,
  listLive,
  type LiveTask,
  markStarted,
  type Round,
} from "./job_rows.ts";
import type { Ending, UnstartedTask } from "./jobs.ts";
import { findUnstarted } from "./unstarted.ts";
import { endOf } from "./result.ts";
import type { Submitter } from "./submitter.ts";
import { OWNER_PREFIX, reconcile, type Reconciliation } from "./reconcile.ts";
import { type GenerationReading, openRedisGeneration } from "./redis_generation.ts";

/** What runs next stands first: so many are looked at every time. */
const HEAD = 250;
const PAGE = 1_000;
/** All are looked at so often, and when Redis has lost its data. */
const ALL_MS = 5_000;

/** So many bytes of results are in memory at a time, and never less than one result. */
const MOST_RESULTS = MOST_RESULT;

/** Watches over the jobs that are in Redis, and collects their results by id. */
export interface Collector {
  collect(): Promise<{ endings: Ending[]; late: UnstartedTask[] }>;
}

export function createCollector(
  { redis, database, log, queue, redact, takes, startSeconds, submitter, health }: {
    redis: Redis;
    database: Database;
    log: Log;
    queue: string;
    redact: Redact;
    takes: boolean;
    startSeconds: number;
    submitter: Submitter;
    health: HealthReader;
  },
): Collector {
  const watch = openRedisGeneration(redis, database);
  let allAt = -Infinity;
  let since: GenerationReading | undefined;
  /** What may still be read before what was read has been kept. */
  let room = MOST_RESULTS;
  let leftOver = false;
  /** Since the last look at all. */
  let othersSeen = false;

  /** Looks at some tasks' jobs and does what is to be done about each. */
  async function lookAt(tasks: readonly LiveTask[], known: GenerationReading): Promise<Ending[]> {
    const looks = await inspectJobs(redis, queue, tasks.map(jobIdOf));
    // What is gone is judged by whether Redis has kept the rest.
    if (looks.some(({ state }) => state === "gone") && !await watch.isStill(known)) {
      throw new Error(
        "Redis has lost its data while jobs were looked at: they are looked at again",
      );
    }
    othersSeen ||= looks.some((look) =>
      look.state === "running" && !look.owner.startsWith(OWNER_PREFIX)
    );
    const endings: Ending[] = [];
    const ended: Round[] = [];
    for (const [at, task] of tasks.entries()) {
      const verdict = reconcile(task, looks[at], known);
      if (verdict.do === "nothing") continue;
      if (verdict.do === "end the round") ended.push(task);
      else endings.push(...await act(task, looks[at], verdict, known));
    }
    await endRounds(database, ended);
    return endings;
  }

  async function act(
    task: LiveTask,
    look: JobInspection,
    verdict: Reconciliation,
    known: GenerationReading,
  ): Promise<Ending[]> {
    log.debug("job.verdict", { job_id: jobIdOf(task), look: look.state, verdict: verdict.do });
    switch (verdict.do) {
      case "take it out":
        if (await removeJob(redis, queue, jobIdOf(task))) await endRounds(database, [task]);
        return [];
      case "note its start":
        await markStarted(database, { ...task, actor: "arq" });
        return [];
      case "submit it again":
        log.warn("job.submitted_again", { job_id: jobIdOf(task) });
        await submitter.submitAgain(task);
        if (!known.alone) await countLoss(database, task);
        return [];
      case "collect its result": {
        const size = look.state === "ended" ? look.size : 0;
        const end = await readEnd(jobIdOf(task), size);
        return end ? await finish(task, end, "arq") : [];
      }
      case "finish": {
        if (verdict.takeOut && !await removeJob(redis, queue, jobIdOf(task))) return [];
        return await finish(task, verdict.end, "otto");
      }
      default:
        return [];
    }
  }

  /** One after the other: a thousand results of 16 MiB are more than there is memory. */
  async function readEnd(jobId: string, size: number): Promise<Ending["end"] | undefined> {
    if (size > MOST_RESULT) return endOf(undefined);
    if (room < size) {
      leftOver = true;
      return undefined;
    }
    room -= size;
    const bytes = await readResult(redis, jobId);
    return bytes && redactTexts(endOf(bytes), redact);
  }

  async function finish(task: LiveTask, end: Ending["end"], actor: string): Promise<Ending[]> {
    const { id, source } = task;
    // What was never seen to start has no epoch that may end it yet.
    const epoch = task.status === "running"
      ? task.epoch
      : await markStarted(database, { ...task, actor: "arq" });
    return epoch === undefined ? [] : [{ id, epoch, source, actor, end }];
  }

  async function lookAtAll(): Promise<Ending[]> {
    const begun = await watch.begin();
    othersSeen ||= !takes || await health.findForeign();
    if (othersSeen) begun.alone = false;
    const endings: Ending[] = [];
    let after: string | undefined;
    for (;;) {
      const tasks = await listLive(database, { after, limit: PAGE });
      endings.push(...await lookAt(tasks, begun));
      after = tasks.at(-1)?.id;
      if (tasks.length < PAGE) break;
    }
    await watch.end(begun, othersSeen);
    othersSeen = false;
    // Then the next look is at all again.
    allAt = leftOver ? -Infinity : performance.now();
    since = { ...begun, lost: false };
    return endings;
  }

  async function collectSome(): Promise<Ending[]> {
    if (!since || performance.now() - allAt > ALL_MS || await watch.hasLost()) {
      return await lookAtAll();
    }
    return await lookAt(await listLive(database, { limit: HEAD }), since);
  }

  return {
    async collect() {
      let endings: Ending[] = [];
      room = MOST_RESULTS;
      leftOver = false;
      try {
        endings = await collectSome();
      } catch (error) {
        const level = isReplyError(error) ? "warn" : "debug";
        log[level]("jobs.collect_failed", { error: errorText(error) });
      }
      return { endings, late: await findUnstarted(database, startSeconds) };
    },
  };
}
