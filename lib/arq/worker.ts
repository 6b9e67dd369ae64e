import type { Redis } from "../store/redis.ts";
import { type Claim, claimJob, finishJob, type Peek, peekJobs, readDue } from "./claim.ts";
import type { Encodable } from "./pickle/encode.ts";
import { PickleError, pyError } from "./pickle/value.ts";
import { decodeJob, encodeResult, functionOf, type Job } from "./wire.ts";

const PAGE = 100;
/** So far into the queue is looked for jobs of ours, behind those of others. */
const MOST_PAGES = 50;
/** So many ids of others are remembered, to look at each only once. */
const MOST_FOREIGN = 10_000;

/** Finds waiting jobs of one function, and leaves those of others alone. */
export interface Finder {
  /** Up to `max` ids in the order of their turn; jobs that somebody works on are left out. */
  find(max: number): Promise<string[]>;
}

/**
 * Python's workers look only at the first hundred ids, whosever they are. This
 * one turns pages, so that jobs which nobody takes hold nothing up.
 */
export function createFinder(
  redis: Redis,
  { queue, function: name }: { queue: string; function: string },
): Finder {
  const foreign = new Set<string>();

  function isOurs({ id, state, bytes }: Peek): boolean {
    if (state === "taken") return false;
    // Whoever gets to it has to say that it has expired: nobody knows whose it was.
    if (state === "expired") return true;
    if (bytes && functionOf(bytes) === name) return true;
    if (foreign.size >= MOST_FOREIGN) foreign.clear();
    foreign.add(id);
    return false;
  }

  return {
    async find(max) {
      const found: string[] = [];
      for (let page = 0; page < MOST_PAGES && found.length < max; page++) {
        const ids = await readDue(redis, queue, { from: page * PAGE, count: PAGE });
        const unknown = ids.filter((id) => !foreign.has(id));
        found.push(...(await peekJobs(redis, unknown)).filter(isOurs).map(({ id }) => id));
        if (ids.length < PAGE) break;
      }
      return found.slice(0, max);
    },
  };
}

/** A job in hand. */
export interface TakenJob {
  claim: Claim;
  job: Job;
}

/** How long results are kept, in milliseconds, as python-arq does unless told otherwise. */
const KEEP_MS = 3_600_000;

/**
 * Claims a job for work. What has expired, cannot be read or was aborted
 * before its start is answered here, as python-arq answers it.
 */
export async function takeJob(
  redis: Redis,
  options: { queue: string; id: string; token: string; leaseMs: number },
): Promise<TakenJob | undefined> {
  const claim = await claimJob(redis, options);
  if (!claim) return undefined;
  const nothing: Job = {
    firstTry: null,
    function: "<unknown>",
    args: [],
    kwargs: new Map(),
    enqueuedAt: 0,
  };
  if (!claim.bytes) {
    await answerJob(redis, { claim, job: nothing }, failure("job expired"));
    return undefined;
  }
  let job: Job;
  try {
    job = decodeJob(claim.bytes);
  } catch {
    await answerJob(redis, { claim, job: nothing }, {
      error: pyError("arq.jobs.DeserializationError", "unable to deserialize job"),
    });
    return undefined;
  }
  claim.tries = Math.max(claim.tries, job.firstTry ?? 0);
  if (claim.aborted) {
    await answerJob(redis, { claim, job }, aborted);
    return undefined;
  }
  return { claim, job };
}

/** What a job came to: a value, or an exception for whoever waits in Python. */
export type JobAnswer = { value: Encodable } | { error: Encodable };

/** The exception for a job that was not run. */
export function failure(message: string): JobAnswer {
  return { error: pyError("arq.worker.JobExecutionFailed", message.toWellFormed()) };
}

/** The exception for a job whose work failed. */
export function workFailed(message: string): JobAnswer {
  return { error: pyError("builtins.RuntimeError", message.toWellFormed()) };
}

/** What python-arq answers for a job that was aborted. */
export const aborted: JobAnswer = { error: pyError("asyncio.exceptions.CancelledError") };

/**
 * Ends a job with its answer.
 *
 * @returns false when the claim was lost, and then nothing is written.
 * @throws {PickleError} when the answer itself cannot be written.
 */
export async function answerJob(
  redis: Redis,
  { claim, job }: TakenJob,
  answer: JobAnswer,
): Promise<boolean> {
  const encode = (args: Job["args"], kwargs: Job["kwargs"]) =>
    encodeResult({
      tries: claim.tries,
      function: job.function.toWellFormed(),
      args,
      kwargs,
      enqueuedAt: job.enqueuedAt,
      success: "value" in answer,
      value: "value" in answer ? answer.value : answer.error,
      startedAt: claim.startedAt,
      finishedAt: Date.now(),
      queue: claim.queue,
      id: claim.id,
    });
  let result: Uint8Array;
  try {
    result = encode(job.args, job.kwargs);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    // Arguments that can be read and not written, such as a lone surrogate: without an answer it would come back for ever.
    result = encode([], new Map());
  }
  return await finishJob(redis, claim, { result, keepMs: KEEP_MS });
}
