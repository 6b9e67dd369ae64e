import { pause, unlessAborted } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import { type Redis, redisReason } from "../store/redis.ts";
import type { Queue } from "./queue.ts";

export const INBOX_STREAM = "otto:inbox";
const GROUP = "workers";
/** All workers are one consumer: nothing is kept pending for one, and no dead ones are left behind. */
const CONSUMER = "worker";
/** The oldest entries go beyond this, about 10 MB: they are only news, and the table keeps the messages. */
const MOST_ENTRIES = 100_000;
const TRIM = {
  TRIM: { strategy: "MAXLEN", strategyModifier: "~", threshold: MOST_ENTRIES },
} as const;
/** Ids that Redis has not answered for; more are dropped, so that a slow Redis costs no memory. */
const MOST_SENDS = 2_000;
/** How long one read waits for news: a connection that died is noticed a second after that. */
const BLOCK_MS = 2_000;

/** News that is gone before anybody can read it: a length can be asked of a node that takes none. */
const CHECK = `
redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'id', 'check'))`;

/** The lowest id that the next entry of the stream may have. */
function idAfter(id: string): string {
  const [ms, sequence] = id.split("-");
  return `${ms}-${BigInt(sequence) + 1n}`;
}

/**
 * News by a Redis Stream and a consumer group, so that each id goes to one
 * worker. Entries are not kept pending (NOACK) and deleted as soon as they are
 * read: a worker that dies right after reading loses only news.
 *
 * @param reader a connection of its own: a blocking read holds up what comes after it.
 */
export function openRedisQueue(redis: Redis, reader: Redis, log: Log): Queue {
  let sending = 0;
  let hasGroup = false;

  async function ensureGroup(): Promise<void> {
    if (hasGroup) return;
    await redis.run(
      "create the group of workers",
      (client) => client.xGroupCreate(INBOX_STREAM, GROUP, "0", { MKSTREAM: true }),
    )
      .catch((error) => {
        if (!errorText(error).startsWith("BUSYGROUP")) throw error;
      });
    hasGroup = true;
  }

  /** Every entry up to the last one read: those before it were read by somebody, who may have died since. */
  function deleteUpTo(lastId: string): void {
    redis.run(
      "delete news that was read",
      (client) => client.xTrim(INBOX_STREAM, "MINID", idAfter(lastId)),
    )
      .catch((error) => log.debug("queue.delete_failed", { error: errorText(error) }));
  }

  async function read(max: number, ms: number): Promise<string[]> {
    await ensureGroup();
    const block = Math.max(1, Math.min(ms, BLOCK_MS));
    const streams = await reader.run(
      "read news of messages",
      (client) =>
        client.xReadGroup(GROUP, CONSUMER, { key: INBOX_STREAM, id: ">" }, {
          COUNT: max,
          BLOCK: block,
          NOACK: true,
        }),
      block + 1_000,
    );
    const entries = (streams as { messages: { id: string; message: Record<string, string> }[] }[])
      ?.flatMap((stream) => stream.messages) ?? [];
    const last = entries.at(-1);
    if (last) deleteUpTo(last.id);
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
        return await unlessAborted(signal, read(max, ms)) ?? [];
      } catch (error) {
        // NOGROUP, because the stream was flushed, or Redis is away: the group is made again where it is missing.
        hasGroup = false;
        log.debug("queue.receive_failed", { error: errorText(error) });
        await pause(ms, signal);
        return [];
      }
    },
    check: () =>
      redis.run("try to send news", (client) => client.eval(CHECK, { keys: [INBOX_STREAM] }))
        .then(() => undefined, redisReason),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
