import type { Redis } from "../store/redis.ts";
import { type Claim, claimJob, finishJob } from "./claim.ts";
import type { Encodable } from "./pickle/encode.ts";
import { PickleError, pyError } from "./pickle/value.ts";
import { decodeJob, encodeResult, type Job } from "./wire.ts";

/** A job in hand. */
export interface TakenJob {
  claim: Claim;
  job: Job;
}

/** What python-arq writes into the result of a job whose own bytes say nothing. */
const UNREADABLE: Job = {
  firstTry: null,
  function: "<unknown>",
  args: [],
  kwargs: new Map(),
  enqueuedAt: 0,
};

/**
 * Claims a job for work. What has expired, cannot be read or was aborted
 * before its start is answered here, as python-arq answers it.
 *
 * @returns undefined when there is nothing to work on: it was answered here, or
 * somebody was quicker.
 */
export async function takeJob(
  redis: Redis,
  options: { queue: string; id: string; token: string; leaseMs: number },
): Promise<TakenJob | undefined> {
  const claim = await claimJob(redis, options);
  if (!claim) return undefined;
  const job = claim.bytes && tryDecode(claim.bytes);
  claim.tries = Math.max(claim.tries, job?.firstTry ?? 0);
  if (job && !claim.aborted) return { claim, job };
  const answer = !claim.bytes ? failure("job expired") : !job ? undecodable : aborted;
  await answerJob(redis, { claim, job: job ?? UNREADABLE }, answer);
  return undefined;
}

function tryDecode(bytes: Uint8Array): Job | undefined {
  try {
    return decodeJob(bytes);
  } catch {
    return undefined;
  }
}

/** What a job came to: a value, or an exception, for a program in Python that waits for it. */
export type JobAnswer = { value: Encodable } | { error: Encodable };

/** The exception for a job that was not run. */
export function failure(message: string): JobAnswer {
  return { error: pyError("arq.worker.JobExecutionFailed", message.toWellFormed()) };
}

/** The exception for a job whose work failed. */
export function workFailed(message: string): JobAnswer {
  return { error: pyError("builtins.RuntimeError", message.toWellFormed()) };
}

/** What python-arq answers for a job that it cannot read. */
const undecodable: JobAnswer = {
  error: pyError("arq.jobs.DeserializationError", "unable to deserialize job"),
};

/** What python-arq answers for a job that was aborted. */
export const aborted: JobAnswer = { error: pyError("asyncio.exceptions.CancelledError") };

/** How long results are kept, in milliseconds: python-arq's default (`keep_result`). */
const KEEP_MS = 3_600_000;

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
  const finishedAt = Date.now();
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
      finishedAt,
      queue: claim.queue,
      id: claim.id,
    });
  let result: Uint8Array;
  try {
    result = encode(job.args, job.kwargs);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    // Its arguments can be read but not written, such as half a surrogate pair. They are left out:
    // without any answer the job would come back for ever.
    result = encode([], new Map());
  }
  return await finishJob(redis, claim, { result, keepMs: KEEP_MS });
}
