import { Buffer } from "node:buffer";
import { createClient, ErrorReply, RESP_TYPES } from "redis";
import { deadline, DeadlineError, pause, unlessAborted } from "../deadline.ts";
import { errorText, type Log } from "../log.ts";
import type { Queue } from "./queue.ts";

const connect = (url: string) =>
  createClient({
    url,
    name: "otto",
    disableOfflineQueue: true,
    pingInterval: 1_000,
    socket: {
      connectTimeout: 1_000,
      socketTimeout: 5_000,
      // The client's own strategy gives up for ever after a socket time-out.
      reconnectStrategy: (tries: number) => Math.min(50 * 2 ** Math.min(tries, 5), 1_000),
    },
  });

export type RedisClient = ReturnType<typeof connect>;

/** One connection to Redis that heals itself. */
export interface Redis extends AsyncDisposable {
  /**
   * Runs commands, for at most `ms` milliseconds (1,000 unless said).
   *
   * @throws when Redis is away, at once; or {@link DeadlineError} when it does
   * not answer, and then the outcome is unknown.
   */
  run<T>(what: string, commands: (client: RedisClient) => Promise<T>, ms?: number): Promise<T>;
}

const RUN_MS = 1_000;
/** A client that has timed out so often in a row is made anew. */
const MOST_TIMEOUTS = 2;

/** Connects in the background and keeps trying. */
export function openRedis(url: string, log: Log): Redis {
  let closed = false;
  let timeouts = 0;
  let quietUntil = 0;
  let client = start();

  function start(): RedisClient {
    const started = connect(url);
    // Without a listener an error ends the process; with Redis away there is one a second.
    started.on("error", (error) => {
      if (Date.now() < quietUntil || closed) return;
      quietUntil = Date.now() + 30_000;
      log.warn("redis.error", { error: errorText(error) });
    });
    started.connect().catch(() => {});
    return started;
  }

  function startAnew(): void {
    timeouts = 0;
    const old = client;
    client = start();
    old.destroy();
  }

  return {
    async run(what, commands, ms = RUN_MS) {
      const used = client;
      if (!used.isReady) throw new Error(`Cannot ${what}: Redis is not connected`);
      try {
        const result = await deadline(what, ms, commands(used));
        timeouts = 0;
        return result;
      } catch (error) {
        if (error instanceof DeadlineError && used === client && ++timeouts >= MOST_TIMEOUTS) {
          startAnew();
        }
        throw error;
      }
    },
    [Symbol.asyncDispose]() {
      closed = true;
      client.destroy();
      return Promise.resolve();
    },
  };
}

/** Whether Redis answered with an error, rather than not at all. */
export function isReply(error: unknown): boolean {
  return error instanceof ErrorReply;
}

/** Entry bodies come back as bytes. */
export const asBytes = { [RESP_TYPES.BLOB_STRING]: Buffer };

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
