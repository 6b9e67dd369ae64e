import { Buffer } from "node:buffer";
import { asBytes, type Redis } from "../store/redis.ts";
import { keys } from "./wire.ts";

/**
 * A job in the hands of one worker: python-arq's in-progress key, with a token
 * of ours as its value. Python asks only whether the key is there; we also ask
 * whose it is, so the lease can be short and renewed, and whoever lost it
 * writes nothing.
 */
export interface Claim {
  queue: string;
  id: string;
  token: string;
  /** How often the job has been claimed, this time included. */
  tries: number;
  /** When it was due, in milliseconds since 1970. */
  dueAt: number;
  startedAt: number;
  /** Somebody asked for its abortion before it began. */
  aborted: boolean;
  /** The job's bytes; undefined when they have expired. */
  bytes?: Uint8Array;
}

/** How long python-arq keeps its counter of tries, in seconds (its `expire` of the retry key). */
const RETRY_SECONDS = "88400";

const FIND_DUE = `
local due = {}
for i = 3, #ARGV do
  local score = tonumber(redis.call('ZSCORE', ARGV[1], ARGV[i]) or 0)
  if score > 0 and score <= tonumber(ARGV[2])
    and redis.call('EXISTS', 'arq:in-progress:' .. ARGV[i]) == 0 then
    due[#due + 1] = ARGV[i]
  end
end
return due`;

/**
 * Which of these jobs may be claimed: they are in the queue, due, and in nobody's
 * hands. Others' jobs in the queue are not looked at, however many there are.
 */
export async function findDue(
  redis: Redis,
  queue: string,
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length === 0) return [];
  return await redis.run(
    "find jobs that are due",
    (client) => client.eval(FIND_DUE, { arguments: [queue, String(Date.now()), ...ids] }),
  ) as string[];
}

const CLAIM = `
if redis.call('EXISTS', KEYS[1]) == 1 then return {0} end
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score or tonumber(score) == 0 or tonumber(score) > tonumber(ARGV[2]) then return {0} end
redis.call('PSETEX', KEYS[1], ARGV[3], ARGV[4])
-- A key of a wrong type holds no job: it is answered as one that has expired, not tried for ever.
local job = redis.pcall('GET', KEYS[3])
if type(job) == 'table' then job = false end
local try = redis.pcall('INCR', KEYS[4])
if type(try) == 'table' then
  redis.call('SET', KEYS[4], 1)
  try = 1
end
redis.call('EXPIRE', KEYS[4], ${RETRY_SECONDS})
local aborted = redis.call('ZREM', KEYS[5], ARGV[1])
return {1, score, try, aborted, job}`;

/** Claims a job that is due and that nobody has; undefined when somebody was quicker. */
export async function claimJob(
  redis: Redis,
  { queue, id, token, leaseMs }: { queue: string; id: string; token: string; leaseMs: number },
): Promise<Claim | undefined> {
  const now = Date.now();
  const [taken, score, tries, aborted, bytes] = await redis.run(
    "claim a job",
    (client) =>
      client.withTypeMapping(asBytes).eval(CLAIM, {
        keys: [keys.inProgress(id), queue, keys.job(id), keys.retry(id), keys.abort],
        arguments: [id, String(now), String(leaseMs), token],
      }),
  ) as [number, Buffer, number, number, Buffer | null];
  if (taken === 0) return undefined;
  return {
    queue,
    id,
    token,
    tries,
    dueAt: Number(score.toString()),
    startedAt: now,
    aborted: aborted === 1,
    bytes: bytes ?? undefined,
  };
}

const EXTEND = `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
if not owner then
  if redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
  redis.call('SET', KEYS[1], ARGV[1])
  if ARGV[5] ~= '' and redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('PSETEX', KEYS[2], ARGV[6], ARGV[5])
  end
  redis.call('ZADD', KEYS[3], 'NX', ARGV[4], ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('ZREM', KEYS[5], ARGV[3]) == 1 then return 2 end
return 1`;

/**
 * Renews a lease. Where it is gone without a trace, because Redis has lost its
 * data or was frozen past its end, and nobody has taken the job since, the job
 * is put back as it was.
 *
 * @returns `"lost"` when it is another's now or has ended, `"aborted"` when
 * somebody asks for its abortion.
 */
export async function extendClaim(
  redis: Redis,
  { queue, id, token, dueAt, bytes }: Claim,
  { leaseMs, expiresMs }: { leaseMs: number; expiresMs: number },
): Promise<"held" | "lost" | "aborted"> {
  const answer = await redis.run("renew the lease on a job", (client) =>
    client.eval(EXTEND, {
      keys: [keys.inProgress(id), keys.job(id), queue, keys.result(id), keys.abort],
      arguments: [
        token,
        String(leaseMs),
        id,
        String(dueAt),
        Buffer.from(bytes ?? []) as unknown as string,
        String(expiresMs),
      ],
    }));
  return answer === 2 ? "aborted" : answer === 1 ? "held" : "lost";
}

const FINISH = `
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
if ARGV[4] ~= '0' then redis.call('SET', KEYS[6], ARGV[3], 'PX', ARGV[4]) end
return 1`;

/**
 * Ends a job and keeps its result for so many milliseconds; 0 keeps none.
 *
 * @returns false when the claim was lost, and then nothing is written.
 */
export async function finishJob(
  redis: Redis,
  { queue, id, token }: Claim,
  { result, keepMs }: { result: Uint8Array; keepMs: number },
): Promise<boolean> {
  const done = await redis.run("finish a job", (client) =>
    client.eval(FINISH, {
      keys: [
        keys.inProgress(id),
        keys.retry(id),
        keys.job(id),
        keys.abort,
        queue,
        keys.result(id),
      ],
      arguments: [id, token, Buffer.from(result) as unknown as string, String(keepMs)],
    }));
  return done === 1;
}

const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1`;

/**
 * Gives a job back, to be started again at once. As in python-arq the try counts.
 *
 * @returns false when the claim was lost.
 */
export async function releaseJob(
  redis: Redis,
  { id, token }: Claim,
): Promise<boolean> {
  const done = await redis.run(
    "give a job back",
    (client) => client.eval(RELEASE, { keys: [keys.inProgress(id)], arguments: [token] }),
  );
  return done === 1;
}
