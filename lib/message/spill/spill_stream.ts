import type { Buffer } from "node:buffer";
import type { Redis } from "../../store/redis.ts";

/** Where spilled messages wait. */
export const SPILL_STREAM = "otto:spill";
/** How much the stream holds, counted beside it: Redis has no cheap way to say it. */
export const BYTES_KEY = "otto:spill:bytes";
/** The group of all workers that move messages; each entry is one worker's at a time. */
export const MOVERS = "movers";
/** Reading or writing many messages takes Redis longer than the usual deadline of a command allows. */
export const SPILL_MS = 5_000;
/** What Postgres refuses, and what is not for it; for a person to look at. */
const REFUSED_STREAM = "otto:spill:refused";

/** How much waits in the spill. */
export interface SpillDepth {
  messages: number;
  bytes: number;
}

/** How much the spill holds. */
export async function measureSpill(redis: Redis): Promise<SpillDepth> {
  const [messages, size] = await redis.run(
    "measure the spill",
    (client) => Promise.all([client.xLen(SPILL_STREAM), client.get(BYTES_KEY)]),
  );
  return { messages, bytes: Number(size ?? 0) };
}

/** Removes entries, in one step; `size` is what each was counted with. @returns how much is left. */
export async function removeEntries(
  redis: Redis,
  entries: readonly { entry: string; size: number }[],
): Promise<SpillDepth> {
  const [messages, bytes] = await redis.run(
    "remove from the spill",
    (client) =>
      client.eval(REMOVE, {
        keys: [SPILL_STREAM, BYTES_KEY],
        arguments: [MOVERS, ...entries.flatMap(({ entry, size }) => [entry, String(size)])],
      }),
    SPILL_MS,
  ) as [number, number];
  return { messages, bytes };
}

/**
 * An entry's size is taken off by whoever has removed it. Counted anew whenever
 * the stream runs empty: other versions of Otto may have left a rest.
 */
const REMOVE = `
local freed = 0
for i = 2, #ARGV, 2 do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then freed = freed + tonumber(ARGV[i + 1]) end
end
local left = redis.call('XLEN', KEYS[1])
if left == 0 then
  redis.call('SET', KEYS[2], 0)
  return {0, 0}
end
return {left, redis.call('DECRBY', KEYS[2], freed)}`;

/** Moves an entry out of the way, once. `size` is what it was counted with; 0 where nobody knows. */
export async function putAside(
  redis: Redis,
  { entry, fields, size }: {
    entry: string;
    fields: Record<string, string | Buffer>;
    size: number;
  },
  why: string,
): Promise<void> {
  await redis.run(
    "put a spilled message aside",
    (client) =>
      client.eval(PUT_ASIDE, {
        keys: [SPILL_STREAM, REFUSED_STREAM, BYTES_KEY],
        arguments: [
          MOVERS,
          entry,
          String(size),
          ...Object.entries({ ...fields, why }).flat() as string[],
        ],
      }),
    SPILL_MS,
  );
}

const PUT_ASIDE = `
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if #entry == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('DECRBY', KEYS[3], ARGV[3])
return 1`;
