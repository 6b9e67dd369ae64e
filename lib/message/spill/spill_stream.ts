import type { Redis } from "../../store/redis.ts";

/** Where spilled messages wait. */
export const SPILL_STREAM = "otto:spill";
/** How much the stream holds, counted beside it: Redis has no cheap way to say it. */
export const BYTES_KEY = "otto:spill:bytes";
/** All workers are one group: each entry goes to one of them. */
export const GROUP = "movers";
/** Reading so much takes Redis longer than the usual deadline of a command allows. */
export const READ_MS = 5_000;

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
