import { Buffer } from "node:buffer";
import { createClient, ErrorReply, RESP_TYPES } from "redis";
import { deadline, DeadlineError } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";

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
  run<T>(
    what: string,
    commands: (client: RedisClient) => Promise<T>,
    ms?: number,
  ): Promise<T>;
}

/** Errors are shared with nobody else, and are let go of with them. */
const failures = new WeakSet<Error>();

/** Whether Redis itself has failed: it was away, did not answer in time or said no. */
export function isRedisFailure(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}

/** Redis answers within milliseconds, and everything that asks it has another way. */
const RUN_MS = 1_000;
/** A client that has timed out so often in a row is made anew: once may have been the network. */
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
      if (!used.isReady) {
        const away = new Error(`Cannot ${what}: Redis is not connected`);
        failures.add(away);
        throw away;
      }
      try {
        const result = await deadline(what, ms, commands(used));
        timeouts = 0;
        return result;
      } catch (error) {
        if (error instanceof Error) failures.add(error);
        if (
          error instanceof DeadlineError && used === client &&
          ++timeouts >= MOST_TIMEOUTS
        ) {
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

/** Entry bodies come back as bytes. */
export const asBytes = { [RESP_TYPES.BLOB_STRING]: Buffer };

/** Whether Redis has answered, and the answer was an error: it is there, but will not. */
export function isReplyError(error: unknown): boolean {
  return error instanceof ErrorReply;
}
