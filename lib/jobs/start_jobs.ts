import { releaseJob } from "../arq/claim.ts";
import { answerJob, failure, type Finder, takeJob, type TakenJob } from "../arq/worker.ts";
import { LEASE_SECONDS, MOST_ATTEMPTS } from "../message/claim.ts";
import { newId } from "../store/id.ts";
import type { ClaimedTask } from "../task/claim.ts";
import type { JobsInHand } from "./in_hand.ts";
import { type Candidate, findCandidates, startTasks } from "./job_rows.ts";
import { type JobStores, unlessRedisAway } from "./job_stores.ts";
import { OWNER_PREFIX } from "./reconcile.ts";
import { jobIdOf, type Round, roundOf } from "./round.ts";

/** How long a claim in Redis lasts unless it is renewed, in milliseconds. */
export const LEASE_MS = LEASE_SECONDS * 1_000;
/** So many more jobs are read than can be started: some of them must wait or are stale. */
const READ_AHEAD = 32;

/** Starts up to `max` tasks whose jobs wait in Redis; see `claim` of `Jobs` for its promise. */
export async function startJobs(
  stores: JobStores,
  { finder, inHand }: { finder: Finder; inHand: JobsInHand },
  { worker, max, emptyHanded }: { worker: string; max: number; emptyHanded: boolean },
): Promise<ClaimedTask[]> {
  const ids = await unlessRedisAway(stores.log, finder.find(max + READ_AHEAD)) ?? [];
  if (ids.length === 0) return [];
  const rounds = ids.flatMap((id) => roundOf(id) ?? []);
  const candidates = await findCandidates(stores.database, rounds);
  const byJobId = new Map(candidates.map((each) => [jobIdOf(each), each]));

  const stale = ids.filter((id) => (byJobId.get(id)?.state ?? "stale") === "stale");
  await Promise.all(stale.map((id) => refuse(stores, id)));

  const ready = ids.flatMap((id) => byJobId.get(id) ?? []).filter(({ state }) => state === "ready");
  return await start(stores, inHand, { worker, rounds: choose(ready, { max, emptyHanded }) });
}

/** One on its last attempt comes alone, and only when nothing else could die with it. */
function choose(
  ready: readonly Candidate[],
  { max, emptyHanded }: { max: number; emptyHanded: boolean },
): readonly Candidate[] {
  const suspect = ready.find(({ attempts }) => attempts >= MOST_ATTEMPTS - 1);
  if (!suspect) return ready.slice(0, max);
  return emptyHanded ? [suspect] : [];
}

function take({ redis, log, queue }: JobStores, id: string): Promise<TakenJob | undefined> {
  const token = `${OWNER_PREFIX}${newId()}`;
  return unlessRedisAway(log, takeJob(redis, { queue, id, token, leaseMs: LEASE_MS }));
}

/** Answers a job that no task waits for, so that it leaves the queue. */
async function refuse(stores: JobStores, id: string): Promise<void> {
  const { redis, log } = stores;
  const taken = await take(stores, id);
  if (!taken) return;
  log.info("job.stale", { job_id: id });
  const answer = failure(`no task of Otto waits for the job ${id}`);
  await unlessRedisAway(log, answerJob(redis, taken, answer));
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
