import type { Buffer } from "node:buffer";
import { asBytes, type Redis } from "../store/redis.ts";
import { keys } from "./wire.ts";

/** Where a job is, as Redis has it. */
export type JobInspection =
  /** Its result is there, of so many bytes. */
  | { state: "ended"; size: number }
  /** Somebody works on it; `owner` is how what stands in the in-progress key begins, `1` from Python. */
  | { state: "running"; owner: string }
  | { state: "waiting" }
  | { state: "gone" };

/**
 * Larger results are not read, in bytes: as much as a pickle may have (`decodePickle`),
 * and as much as an agent may send over HTTP.
 */
export const MOST_RESULT = 16 * 1024 * 1024;

/**
 * The result comes first: a worker writes it and removes the rest in one step, so
 * a job that has ended is never seen as running or gone.
 */
const INSPECT = `
local found = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local answer = 'gone'
  -- One key of a wrong type must not hide all other jobs.
  local size = redis.pcall('STRLEN', 'arq:result:' .. id)
  if type(size) == 'number' and size > 0 then answer = size
  else
    local owner = redis.pcall('GETRANGE', 'arq:in-progress:' .. id, 0, 99)
    if type(owner) == 'table' then owner = '?' end
    if owner ~= '' then answer = {owner}
    elseif redis.call('ZSCORE', ARGV[1], id) then answer = 'waiting' end
  end
  found[i - 1] = answer
end
return found`;

/** Finds out where jobs are, by their ids: nothing is scanned, and no result is read. */
export async function inspectJobs(
  redis: Redis,
  queue: string,
  ids: readonly string[],
): Promise<JobInspection[]> {
  if (ids.length === 0) return [];
  const found = await redis.run(
    "inspect jobs",
    (client) => client.eval(INSPECT, { arguments: [queue, ...ids] }),
    5_000,
  ) as (number | string | [string])[];
  return found.map((answer): JobInspection => {
    if (typeof answer === "number") return { state: "ended", size: answer };
    if (typeof answer !== "string") return { state: "running", owner: answer[0] };
    return { state: answer === "waiting" ? "waiting" : "gone" };
  });
}

/** The results that a process is reading, each with when it began: what is left of a process that died of one. */
const READING = "otto:jobs:reading";
/**
 * A result that somebody began to read so long ago, in milliseconds, and did not
 * finish, has killed its reader: reading takes a second at most, and a process that
 * is blocked for longer than this has lost its tasks anyway.
 */
const READING_MS = 15_000;
/** The marks outlive an outage of all workers, and not the results. */
const READING_KEPT_MS = 3_600_000;

/** Takes away this reader's own marks: another's tells of a reader that may have died. */
const UNMARK = `
local function unmark(marks, reader, id)
  local mark = redis.call('HGET', marks, id)
  if mark and string.match(mark, '^%d+:(.*)$') == reader then redis.call('HDEL', marks, id) end
end`;

const READ = `${UNMARK}
for i = 6, #ARGV do unmark(KEYS[2], ARGV[2], ARGV[i]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mark = redis.call('HGET', KEYS[2], ARGV[1])
if mark then
  local since, reader = string.match(mark, '^(%d+):(.*)$')
  if reader ~= ARGV[2] then
    if now - tonumber(since) < tonumber(ARGV[3]) then return {'busy'} end
    return {'killed', redis.call('GETRANGE', KEYS[1], 0, ARGV[4])}
  end
end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', now) .. ':' .. ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return {'read', redis.call('GET', KEYS[1])}`;

/**
 * The bytes that are read of a result that is not read whole: the job's arguments
 * stand in it before how it ended.
 */
const BEGINNING = 1024 * 1024;

/** A result's bytes: all of them, or where its reader died of them, how they begin. */
export interface ResultBytes {
  bytes: Buffer;
  whole: boolean;
  /** It has killed whoever read it before. */
  killed?: boolean;
}

/**
 * Reads a job's result, and notes that this reader does, until it names the id among
 * its `done` ones: were it to die of the result, nobody would read it whole again.
 *
 * @returns undefined when it is not there any more, or another process is reading it.
 */
export async function readResult(
  redis: Redis,
  { id, reader, done = [] }: { id: string; reader: string; done?: readonly string[] },
): Promise<ResultBytes | undefined> {
  const [state, bytes] = await redis.run(
    "read a result",
    (client) =>
      client.withTypeMapping(asBytes).eval(READ, {
        keys: [keys.result(id), READING],
        arguments: [
          id,
          reader,
          String(READING_MS),
          String(BEGINNING - 1),
          String(READING_KEPT_MS),
          ...done,
        ],
      }),
    30_000,
  ) as [Buffer, Buffer | null | undefined];
  if (!bytes || bytes.length === 0) return undefined;
  const killed = state.toString() === "killed";
  return { bytes, whole: !killed, killed };
}

const END_READING = `${UNMARK}
for i = 2, #ARGV do unmark(KEYS[1], ARGV[1], ARGV[i]) end
return 1`;

/** Notes that this reader has read these results. */
export async function endReading(
  redis: Redis,
  { ids, reader }: { ids: readonly string[]; reader: string },
): Promise<void> {
  if (ids.length === 0) return;
  await redis.run(
    "note that results were read",
    (client) => client.eval(END_READING, { keys: [READING], arguments: [reader, ...ids] }),
  );
}

/** Takes away the marks of readers that have died of these results: they are given up. */
export async function forgetReaders(redis: Redis, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await redis.run("forget dead readers", (client) => client.hDel(READING, [...ids]));
}

/** How a result begins that is too large to be read. */
export async function readBeginning(redis: Redis, id: string): Promise<ResultBytes | undefined> {
  const bytes = await redis.run(
    "read how a result begins",
    (client) => client.withTypeMapping(asBytes).getRange(keys.result(id), 0, BEGINNING - 1),
    30_000,
  ) as unknown as Buffer;
  return bytes.length === 0 ? undefined : { bytes, whole: false };
}

const REMOVE = `
if redis.call('EXISTS', KEYS[1]) == 1 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZADD', KEYS[4], 'NX', string.format('%.0f', now), ARGV[1])
  if ARGV[2] == '' or now - redis.call('ZSCORE', KEYS[4], ARGV[1]) < tonumber(ARGV[2]) then return 0 end
end
redis.call('DEL', KEYS[2], KEYS[3])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
return 1`;

/**
 * Takes a job out of its queue; one that somebody works on is asked to abort.
 *
 * @param patienceMs who has not answered that for so long is taken for dead, in milliseconds: the
 * job is taken out all the same, and nobody starts it again. Without it nobody is.
 * @returns false when somebody works on it, who was not given up.
 */
export async function removeJob(
  redis: Redis,
  queue: string,
  id: string,
  patienceMs?: number,
): Promise<boolean> {
  const removed = await redis.run("remove a job", (client) =>
    client.eval(REMOVE, {
      keys: [keys.inProgress(id), keys.job(id), keys.retry(id), keys.abort, queue],
      arguments: [id, String(patienceMs ?? "")],
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

/**
 * How full a queue is: its jobs, how many of the oldest thousand somebody works on,
 * and since when the oldest is due, in milliseconds since 1970.
 */
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
