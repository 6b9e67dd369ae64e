import { findDue, releaseJob } from "../arq/claim.ts";
import { takeJob, type TakenJob } from "../arq/worker.ts";
import { LEASE_SECONDS } from "../message/claim.ts";
import { newId } from "../store/id.ts";
import { type ClaimedTask, MOST_SHARED_ATTEMPTS } from "../task/claim.ts";
import type { JobsInHand } from "./in_hand.ts";
import { type Candidate, listCandidates, startTasks } from "./job_rows.ts";
import { type JobStores, unlessRedisAway } from "./job_stores.ts";
import { OWNER_PREFIX } from "./reconcile.ts";
import { jobIdOf, type Round } from "./round.ts";

/** How long a claim in Redis lasts unless it is renewed, in milliseconds. */
export const LEASE_MS = LEASE_SECONDS * 1_000;
/** Tasks in one statement and one script, in which Redis answers nobody else. */
const PAGE = 200;

/**
 * Starts up to `max` tasks whose jobs wait in Redis; see `claim` of `Jobs` for its
 * promise. It asks for the jobs of this database's tasks: whatever else is in the
 * queue is a Python program's, or another Otto's, and is left alone.
 */
export async function startJobs(
  stores: JobStores,
  inHand: JobsInHand,
  { worker, max, emptyHanded }: { worker: string; max: number; emptyHanded: boolean },
): Promise<ClaimedTask[]> {
  const ready = await findReady(stores, max);
  if (ready.length === 0) return [];
  return await start(stores, inHand, { worker, rounds: choose(ready, { max, emptyHanded }) });
}

/** At least `max` tasks whose jobs are due and in nobody's hands, if there are as many. */
async function findReady({ redis, database, log, queue }: JobStores, max: number) {
  const ready: Candidate[] = [];
  let after: string | undefined;
  while (ready.length < max) {
    const page = await listCandidates(database, { after, limit: PAGE });
    const due = await unlessRedisAway(log, findDue(redis, queue, page.map(jobIdOf)));
    if (!due) return [];
    const ids = new Set(due);
    ready.push(...page.filter((each) => ids.has(jobIdOf(each))));
    after = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  return ready;
}

/** One that has lost workers comes alone, and only when nothing else could die with it. */
function choose(
  ready: readonly Candidate[],
  { max, emptyHanded }: { max: number; emptyHanded: boolean },
): readonly Candidate[] {
  const suspect = ready.find(({ attempts }) => attempts >= MOST_SHARED_ATTEMPTS);
  if (!suspect) return ready.slice(0, max);
  return emptyHanded ? [suspect] : [];
}

function take({ redis, log, queue }: JobStores, id: string): Promise<TakenJob | undefined> {
  const token = `${OWNER_PREFIX}${newId()}`;
  return unlessRedisAway(log, takeJob(redis, { queue, id, token, leaseMs: LEASE_MS }));
}

/** Claims these rounds' jobs in Redis, then starts their tasks in the database; what fails there is given back. */
async function start(
  stores: JobStores,
  inHand: JobsInHand,
  { worker, rounds }: { worker: string; rounds: readonly Round[] },
): Promise<ClaimedTask[]> {
  const taken = (await Promise.all(rounds.map(async ({ id, round }) => {
    const job = await take(stores, jobIdOf({ id, round }));
    return job ? [{ ...job, round: { id, round } }] : [];
  }))).flat();
  if (taken.length === 0) return [];
  try {
    const started = await startTasks(stores.database, worker, taken.map(({ round }) => round));
    const epochs = new Map(started.map(({ id, epoch }) => [id, epoch]));
    for (const job of taken) {
      const epoch = epochs.get(job.round.id);
      if (epoch !== undefined) inHand.add({ ...job, worker, epoch });
    }
    await giveBack(stores, taken.filter(({ round }) => !epochs.has(round.id)));
    return started;
  } catch (error) {
    await giveBack(stores, taken);
    throw error;
  }
}

async function giveBack({ redis, log }: JobStores, jobs: readonly TakenJob[]): Promise<void> {
  await Promise.all(jobs.map(({ claim }) => unlessRedisAway(log, releaseJob(redis, claim))));
}
