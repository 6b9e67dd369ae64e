import { Buffer } from "node:buffer";
import type { Redis } from "../store/redis.ts";
import type { Encodable } from "./pickle/encode.ts";
import { encodeJob, keys, WireError } from "./wire.ts";

/** A job to be put into a queue, as python-arq's `enqueue_job` takes it. */
export interface NewJob {
  queue: string;
  id: string;
  function: string;
  args?: readonly Encodable[];
  kwargs?: Readonly<Record<string, Encodable>>;
  /** When it may start, in milliseconds since 1970; at once when left out. */
  dueAt?: number;
  /** How long its arguments are kept, in milliseconds: a job that starts later has expired. */
  expiresMs?: number;
  firstTry?: number;
}

/** So long beyond the time when it is due python-arq keeps a job (`expires_extra_ms`). */
const DAY_MS = 86_400_000;

/**
 * A job that has fallen out of its queue is put back. An id that was aborted
 * before is not aborted again: python-arq never empties that list.
 */
const ENQUEUE = `
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then
  if redis.call('ZSCORE', KEYS[3], ARGV[4]) or redis.call('EXISTS', KEYS[5]) == 1 then return 0 end
  redis.call('ZADD', KEYS[3], ARGV[3], ARGV[4])
  return 1
end
redis.call('PSETEX', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[4])
redis.call('ZREM', KEYS[4], ARGV[4])
return 1`;

/**
 * Puts a job into its queue, unless there is one with its id or a result of it.
 * May be repeated: the second time changes nothing.
 *
 * @returns whether it was put there by this call.
 * @throws {WireError} or a `PickleError` when Python could not work it; what
 * {@link Redis} throws when it is away.
 */
export async function enqueueJob(redis: Redis, job: NewJob): Promise<boolean> {
  const now = Date.now();
  const { queue, id, dueAt = now, expiresMs = Math.max(0, dueAt - now) + DAY_MS } = job;
  if (id === "" || !id.isWellFormed()) throw new WireError("A job needs an id that is a text");
  // A time to live of 0 or less would leave an id in the queue without its job.
  if (!(expiresMs > 0)) throw new WireError(`A job cannot expire within ${expiresMs} ms`);
  // An entry with the score 0 is never worked.
  if (!(dueAt >= 1)) throw new WireError(`A job cannot be due at ${dueAt}`);
  const bytes = encodeJob({ args: [], kwargs: {}, ...job, enqueuedAt: now });
  const made = await redis.run("enqueue a job", (client) =>
    client.eval(ENQUEUE, {
      keys: [keys.job(id), keys.result(id), queue, keys.abort, keys.inProgress(id)],
      arguments: [
        String(Math.ceil(expiresMs)),
        Buffer.from(bytes) as unknown as string,
        String(Math.floor(dueAt)),
        id,
      ],
    }));
  return made === 1;
}
