import { inspectJobs } from "../arq/inspect_job.ts";
import { errorText } from "../process/log.ts";
import type { Redact } from "../redaction/redact.ts";
import { carryOut } from "./carry_out.ts";
import { endRounds, listLive, type LiveTask } from "./job_rows.ts";
import { type JobStores, levelOf } from "./job_stores.ts";
import type { Ending } from "./jobs.ts";
import { isForeignRun, reconcile } from "./reconcile.ts";
import { type GenerationReading, openRedisGeneration } from "./redis_generation.ts";
import { createResultReader, type ResultReader } from "./result.ts";
import { jobIdOf, type Round } from "./round.ts";
import type { Submitter } from "./submitter.ts";

/** The oldest tasks run next, so this many are inspected at every collection: one statement and one script. */
const HEAD = 250;
/** Tasks in one statement and one script, in which Redis answers nobody else. */
const PAGE = 1_000;
/** All tasks are inspected this often, so that what ends behind the oldest is known well within ten seconds. */
const ALL_MS = 5_000;

/** Compares the jobs in Redis with their tasks, and collects their results by id. */
export interface Collector {
  /** What has ended since; as much as could be read when a store is away. Never rejects. */
  collect(): Promise<Ending[]>;
}

/** `seesForeign` tells whether workers that are not Otto's work on the queue. */
export function createCollector(
  stores: JobStores,
  { redact, submitter, seesForeign }: {
    redact: Redact;
    submitter: Submitter;
    seesForeign(): Promise<boolean>;
  },
): Collector {
  const { redis, database, log, queue } = stores;
  const generation = openRedisGeneration(redis, database);
  /** When all tasks were inspected last, and what was known of Redis' data then. */
  let allAt = -Infinity;
  let lastReading: GenerationReading | undefined;
  /** Whether somebody else was seen to work, since all tasks were inspected last. */
  let foreignSeen = false;

  async function inspect(
    tasks: readonly LiveTask[],
    reading: GenerationReading,
    results: ResultReader,
  ): Promise<Ending[]> {
    const inspections = await inspectJobs(redis, queue, tasks.map(jobIdOf));
    // What it means that a job is gone depends on whether Redis has kept the rest.
    if (inspections.some(({ state }) => state === "gone") && !await generation.isStill(reading)) {
      throw new Error(
        "Redis has lost its data while jobs were inspected: they are inspected again",
      );
    }
    foreignSeen ||= inspections.some(isForeignRun);
    const endings: Ending[] = [];
    const ended: Round[] = [];
    for (const [at, task] of tasks.entries()) {
      const inspection = inspections[at];
      const action = reconcile(task, inspection, reading);
      if (action.do === "nothing") continue;
      if (action.do === "end the round") ended.push(task);
      else {
        const { onlyOtto } = reading;
        const found = { task, inspection, action };
        endings.push(...await carryOut(stores, found, { submitter, results, onlyOtto }));
      }
    }
    await endRounds(database, ended);
    return endings;
  }

  async function inspectAll(results: ResultReader): Promise<Ending[]> {
    const begun = await generation.begin();
    foreignSeen ||= await seesForeign();
    const reading = { ...begun, onlyOtto: begun.onlyOtto && !foreignSeen };
    const endings: Ending[] = [];
    let after: string | undefined;
    for (;;) {
      const tasks = await listLive(database, { after, limit: PAGE });
      endings.push(...await inspect(tasks, reading, results));
      after = tasks.at(-1)?.id;
      if (tasks.length < PAGE) break;
    }
    await generation.end(reading, foreignSeen);
    foreignSeen = false;
    // With results left over the next collection inspects all tasks again.
    allAt = results.leftOver ? -Infinity : performance.now();
    lastReading = { ...reading, lost: false };
    return endings;
  }

  async function inspectDue(results: ResultReader): Promise<Ending[]> {
    if (!lastReading || performance.now() - allAt > ALL_MS || await generation.hasLost()) {
      return await inspectAll(results);
    }
    return await inspect(await listLive(database, { limit: HEAD }), lastReading, results);
  }

  return {
    async collect() {
      const results = createResultReader(redis, redact);
      try {
        return await inspectDue(results);
      } catch (error) {
        log[levelOf(error)]("jobs.collect_failed", { error: errorText(error) });
        return [];
      } finally {
        // A mark that stays would say that this process died of a result.
        await results.end().catch((error) =>
          log.debug("jobs.end_reading_failed", { error: errorText(error) })
        );
      }
    },
  };
}
