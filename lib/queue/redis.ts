import { pause, unlessAborted } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Redis } from "../store/redis.ts";
import type { Queue } from "./queue.ts";

export const INBOX_STREAM = "otto:inbox";
const GROUP = "workers";
/** The stream carries only news, so its oldest entries may go. */
const MOST_ENTRIES = 100_000;
const TRIM = {
  TRIM: { strategy: "MAXLEN", strategyModifier: "~", threshold: MOST_ENTRIES },
} as const;
/** Sends that Redis has not answered; more news than this is dropped. */
const MOST_SENDS = 2_000;
const BLOCK_MS = 2_000;

/** The id of the next entry, whatever it is, comes at or after this. */
function idAfter(id: string): string {
  const [ms, sequence] = id.split("-");
  return `${ms}-${BigInt(sequence) + 1n}`;
}

/**
 * News by a Redis Stream and a consumer group, so that each id goes to one
 * worker. Entries are not kept pending (NOACK) and deleted as soon as they are
 * read: whoever dies with one in hand loses only news.
 */
export function openRedisQueue(redis: Redis, reader: Redis, log: Log): Queue {
  let sending = 0;
  let hasGroup = false;

  async function read(max: number, ms: number, consumer: string): Promise<string[]> {
    if (!hasGroup) {
      await redis.run(
        "create the group of workers",
        (client) => client.xGroupCreate(INBOX_STREAM, GROUP, "0", { MKSTREAM: true }),
      )
        .catch((error) => {
          if (!errorText(error).startsWith("BUSYGROUP")) throw error;
        });
      hasGroup = true;
    }
    const block = Math.max(1, Math.min(ms, BLOCK_MS));
    const streams = await reader.run(
      "hear of messages",
      (client) =>
        client.xReadGroup(GROUP, consumer, { key: INBOX_STREAM, id: ">" }, {
          COUNT: max,
          BLOCK: block,
          NOACK: true,
        }),
      block + 1_000,
    );
    const entries = (streams as { messages: { id: string; message: Record<string, string> }[] }[])
      ?.flatMap((stream) => stream.messages) ?? [];
    if (entries.length > 0) {
      // All up to here was read by somebody: this also takes along what a worker read and died with.
      redis.run(
        "delete what was heard",
        (client) => client.xTrim(INBOX_STREAM, "MINID", idAfter(entries.at(-1)!.id)),
      )
        .catch((error) => log.debug("queue.delete_failed", { error: errorText(error) }));
    }
    return entries.map((entry) => entry.message.id);
  }

  return {
    backend: "redis",
    send(ids) {
      if (ids.length === 0 || sending >= MOST_SENDS) return;
      sending += ids.length;
      redis.run("send news of messages", (client) => {
        const pipeline = client.multi();
        for (const id of ids) pipeline.xAdd(INBOX_STREAM, "*", { id }, TRIM);
        return pipeline.execAsPipeline();
      })
        .catch((error) => log.debug("queue.send_failed", { error: errorText(error) }))
        .finally(() => sending -= ids.length);
    },
    async receive(max, ms, signal) {
      try {
        return await unlessAborted(signal, read(max, ms, "worker")) ?? [];
      } catch (error) {
        // NOGROUP: the stream was flushed. Anything else: Redis is away.
        hasGroup = false;
        log.debug("queue.receive_failed", { error: errorText(error) });
        await pause(ms, signal);
        return [];
      }
    },
    depth: () =>
      redis.run("measure the queue", (client) => client.xLen(INBOX_STREAM)).catch(() => undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
