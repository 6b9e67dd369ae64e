import { Buffer } from "node:buffer";
import { asBytes, type Redis } from "../redis.ts";
import { keys } from "./wire.ts";

/** Where a job is, as Redis has it. */
export type Look =
  /** Its result is there: the bytes, or none where they are too large to be taken. */
  | { state: "ended"; bytes?: Buffer }
  /** Somebody works on it; `owner` is what stands in the in-progress key, `1` from Python. */
  | { state: "running"; owner: string }
  | { state: "waiting" }
  | { state: "gone" };

/** Larger results are not read. */
const MOST_RESULT = 16 * 1024 * 1024;

/** The result first: an end is one step for everybody who looks. */
const LOOK = `
local found = {}
for i = 3, #ARGV do
  local id = ARGV[i]
  local answer = 0
  local size = redis.call('STRLEN', 'arq:result:' .. id)
  if size > tonumber(ARGV[1]) then answer = 3
  elseif size > 0 then answer = {'result', redis.call('GET', 'arq:result:' .. id)}
  else
    local owner = redis.call('GET', 'arq:in-progress:' .. id)
    if owner then answer = {'owner', owner}
    elseif redis.call('ZSCORE', ARGV[2], id) then answer = 1 end
  end
  found[i - 2] = answer
end
return found`;

/** Looks where jobs are; never scans. */
export async function lookAtJobs(
  redis: Redis,
  queue: string,
  ids: readonly string[],
): Promise<Look[]> {
  if (ids.length === 0) return [];
  const found = await redis.run(
    "look for results",
    (client) =>
      client.withTypeMapping(asBytes).eval(LOOK, {
        arguments: [String(MOST_RESULT), queue, ...ids],
      }),
    5_000,
  ) as (number | [Buffer, Buffer])[];
  return found.map((answer): Look => {
    if (answer === 0) return { state: "gone" };
    if (answer === 1) return { state: "waiting" };
    if (typeof answer === "number") return { state: "ended" };
    const [kind, bytes] = answer;
    return kind.toString() === "result"
      ? { state: "ended", bytes }
      : { state: "running", owner: bytes.toString() };
  });
}

const REMOVE = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1])
  return 0
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
return 1`;

/**
 * Takes a job out of its queue; one that somebody works on is asked to abort.
 *
 * @returns false when somebody works on it.
 */
export async function removeJob(redis: Redis, queue: string, id: string): Promise<boolean> {
  const removed = await redis.run("remove a job", (client) =>
    client.eval(REMOVE, {
      keys: [keys.inProgress(id), keys.job(id), keys.retry(id), keys.abort, queue],
      arguments: [id, String(Date.now())],
    }));
  return removed === 1;
}

const MEASURE = `
local ids = redis.call('ZRANGE', KEYS[1], 0, 999, 'WITHSCORES')
local running = 0
for i = 1, #ids, 2 do
  running = running + redis.call('EXISTS', 'arq:in-progress:' .. ids[i])
end
return {redis.call('ZCARD', KEYS[1]), running, ids[2] or ''}`;

/** How full a queue is: its jobs, those of the oldest thousand that somebody works on, and since when the oldest is due, in milliseconds since 1970. */
export async function measureQueue(
  redis: Redis,
  queue: string,
): Promise<{ depth: number; running: number; dueSince?: number }> {
  const [depth, running, due] = await redis.run(
    "measure the job queue",
    (client) => client.eval(MEASURE, { keys: [queue] }),
  ) as [number, number, string];
  return { depth, running, dueSince: due === "" ? undefined : Number(due) };
}
