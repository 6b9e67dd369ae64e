import { Buffer } from "node:buffer";
import { deadline, DeadlineError } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import { createThrottle } from "../process/throttle.ts";
import { redisTrouble, redisTroubleText } from "./redis_away.ts";

type Driver = typeof import("redis");

/** Loaded by the first who opens Redis: it costs a tenth of a second, and most have none. */
let driver: Driver | undefined;

const connect = ({ createClient }: Driver, url: string) =>
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
   * Runs commands, for at most `ms` milliseconds (1,000 unless said). Where the
   * node takes none, because it is a replica after a fail-over or still reads
   * its data, it is left for the one that the address leads to now, and they
   * run there, once, for as long again.
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

function failed(error: unknown): unknown {
  if (error instanceof Error) failures.add(error);
  return error;
}

/** Redis answers within milliseconds, and everything that asks it has another way. */
const RUN_MS = 1_000;
/** A client that has timed out so often in a row is made anew: once may have been the network. */
const MOST_TIMEOUTS = 2;
/**
 * A node is left no more often than this: until the address leads to another
 * one, each command would only come back to it. Well below the five seconds in
 * which a new master is to be found.
 */
const LEAVE_MS = 1_000;
/** Connecting to the next node takes milliseconds, or else it is away. */
const READY_MS = 1_000;
/** While Redis is away its client fails once a second; two lines a minute say as much. */
const ERRORS_QUIET_MS = 30_000;

/** Connects in the background and keeps trying. */
export function openRedis(url: string, log: Log): Redis {
  let closed = false;
  let timeouts = 0;
  let leftAt = -Infinity;
  const left = new WeakSet<RedisClient>();
  const throttle = createThrottle(ERRORS_QUIET_MS);
  let client: RedisClient | undefined;
  /** The driver's; after a node was left: whether the way to the next one is there. */
  let arrival: Promise<boolean> = load();
  arrival.catch(() => {});

  async function load(): Promise<boolean> {
    driver ??= await import("redis");
    if (!closed) client = start(driver);
    return true;
  }

  function start(loaded: Driver): RedisClient {
    const started = connect(loaded, url);
    // Without a listener an error ends the process; with Redis away there is one a second.
    started.on("error", (error) => {
      if (!closed) throttle(() => log.warn("redis.error", { error: errorText(error) }));
    });
    started.connect().catch(() => {});
    return started;
  }

  function startAnew(old: RedisClient): RedisClient {
    timeouts = 0;
    client = start(driver!);
    old.destroy();
    return client;
  }

  /** Connects anew, wherever the address leads now, unless somebody just has. */
  function leave(used: RedisClient, error: unknown): void {
    if (closed || used !== client || performance.now() - leftAt < LEAVE_MS) return;
    leftAt = performance.now();
    left.add(used);
    throttle(
      () => log.warn("redis.left", { reason: redisTroubleText(error), error: errorText(error) }),
      "left",
    );
    arrival = untilReady(startAnew(used));
  }

  async function attempt<T>(
    used: RedisClient,
    what: string,
    commands: (client: RedisClient) => Promise<T>,
    ms: number,
  ): Promise<T> {
    if (!used.isReady) throw failed(new Error(`Cannot ${what}: Redis is not connected`));
    try {
      const result = await deadline(what, ms, commands(used));
      timeouts = 0;
      return result;
    } catch (error) {
      if (error instanceof DeadlineError && used === client && ++timeouts >= MOST_TIMEOUTS) {
        startAnew(used);
      }
      throw failed(error);
    }
  }

  return {
    async run(what, commands, ms = RUN_MS) {
      if (!client?.isReady) await arrival;
      const used = client;
      if (!used) throw failed(new Error(`Cannot ${what}: the connection to Redis was closed`));
      try {
        return await attempt(used, what, commands, ms);
      } catch (error) {
        const refused = redisTrouble(error) === "leave";
        if (refused) leave(used, error);
        // What was on its way to a node that was left would have been refused as well: answers
        // come in the order of the commands.
        const cutOff = error instanceof driver!.DisconnectsClientError && left.has(used);
        if (used === client || !(refused || cutOff)) throw error;
        const next = client;
        if (!next || !await arrival) throw error;
        return await attempt(next, what, commands, ms);
      }
    },
    [Symbol.asyncDispose]() {
      closed = true;
      client?.destroy();
      return Promise.resolve();
    },
  };
}

/** Whether the client is connected within {@link READY_MS}. */
function untilReady(client: RedisClient): Promise<boolean> {
  if (client.isReady) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      client.off("ready", done);
      resolve(client.isReady);
    };
    const timer = setTimeout(done, READY_MS);
    client.on("ready", done);
  });
}

/** Entry bodies come back as bytes: `$` begins what the driver calls `RESP_TYPES.BLOB_STRING`. */
export const asBytes = { 36: Buffer };

/** Whether Redis has answered, and the answer was an error: it is there, but will not. */
export function isReplyError(error: unknown): boolean {
  return driver !== undefined && error instanceof driver.ErrorReply;
}

/** Why Redis did not do something, in words for anyone: nothing in them is a stranger's. */
export function redisReason(error: unknown): string {
  const text = redisTroubleText(error);
  if (text !== undefined) return text;
  if (!isReplyError(error)) return "Redis does not answer";
  const code = /^([A-Z]{1,40}) /.exec((error as Error).message)?.[1] ?? "ERR";
  return `Redis refuses the commands (${code})`;
}
