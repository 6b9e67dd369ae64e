import { Buffer } from "node:buffer";
import { errorText, type Log } from "../../process/log.ts";
import type { NewMessage } from "../new_message.ts";
import { fromSpillFields, spilledSize, toSpillFields } from "./spill_entry.ts";
import { asBytes, isReplyError, type Redis } from "../../store/redis.ts";

/** A message that waits in the spill, under the entry's id. */
export interface Spilled {
  entry: string;
  message: NewMessage;
}

/**
 * Takes whole messages while Postgres cannot: a Redis Stream, used only while
 * Redis writes every command to its disk before it answers and never evicts.
 */
export interface Spill {
  /** Keeps a message durably. @throws when it cannot. */
  put(message: NewMessage): Promise<void>;
  /** The oldest messages, left where they are: at most `max`, fewer where they are large. */
  read(max: number): Promise<Spilled[]>;
  /** Removes messages that are in the inbox now. */
  remove(spilled: readonly Spilled[]): Promise<void>;
  /** Puts a message aside that Postgres refuses, so that it does not stand in the way of others. */
  refuse(spilled: Spilled, why: string): Promise<void>;
  /** How much waits; undefined when Redis does not say. */
  depth(): Promise<{ messages: number; bytes: number } | undefined>;
  /** Why nothing can be spilled now; undefined when it can. */
  obstacle(): Promise<string | undefined>;
}

const SPILL_STREAM = "otto:spill";
/** What Postgres refuses; for a person to look at. */
const REFUSED_STREAM = "otto:spill:refused";
/** How much the stream holds, counted beside it: Redis has no cheap way to say it. */
const BYTES_KEY = "otto:spill:bytes";
/** The most the spill may hold, so that Redis is not filled to the brim. */
const MOST_BYTES = 256 * 1024 * 1024;
/** About as much is read at one time: each message is in memory until it is in the inbox. */
const READ_BYTES = 8 * 1024 * 1024;
/** Reading so much takes Redis longer than the usual deadline of a command allows. */
const READ_MS = 5_000;
/** How long a look at Redis' settings is good for: an operator changes them by hand, and seldom. */
const SETTINGS_MS = 10_000;

/** The spill as one process has it open. */
interface OpenSpill {
  redis: Redis;
  log: Log;
  /** How much it holds, as far as this process knows; others spill, too. */
  bytes: number;
}

/** Opens the spill; nothing is asked of Redis before it is used. */
export function openSpill(
  redis: Redis,
  { trusted, log }: {
    /** `REDIS_DURABLE=yes`: the operator vouches where Redis does not show its settings. */
    trusted: boolean;
    log: Log;
  },
): Spill {
  const spill: OpenSpill = { redis, log, bytes: 0 };
  const obstacle = trusted ? () => Promise.resolve(undefined) : watchObstacle(redis);
  return {
    obstacle,
    async put(message) {
      const reason = await obstacle();
      if (reason) throw new Error(`Cannot spill a message: ${reason}`);
      await putMessage(spill, message);
    },
    read: (max) => readMessages(spill, max),
    remove: (spilled) => removeMessages(spill, spilled),
    async refuse({ entry, message }, why) {
      const fields = toSpillFields(message);
      await putAside(redis, { entry, fields, size: spilledSize(fields) }, why);
    },
    async depth() {
      return await measure(redis).catch(() => undefined);
    },
  };
}

/** Asks for the obstacle every {@link SETTINGS_MS}, and each time while there is one. */
function watchObstacle(redis: Redis): () => Promise<string | undefined> {
  let checkedAt = -Infinity;
  let obstacle: string | undefined;
  return async () => {
    if (Date.now() - checkedAt > SETTINGS_MS || obstacle) {
      obstacle = await findObstacle(redis);
      checkedAt = Date.now();
    }
    return obstacle;
  };
}

/** Why Redis would not keep a message through a crash of its own; undefined when it would. */
async function findObstacle(redis: Redis): Promise<string | undefined> {
  try {
    const settings = await redis.run(
      "read Redis' settings",
      (client) => client.configGet(["appendonly", "appendfsync", "maxmemory-policy"]),
    ) as Record<string, string>;
    if (settings.appendonly !== "yes" || settings.appendfsync !== "always") {
      return "Redis does not write each command to its disk: set appendonly yes and appendfsync always";
    }
    if (settings["maxmemory-policy"] !== "noeviction") {
      return "Redis may evict messages: set maxmemory-policy noeviction";
    }
    return undefined;
  } catch (error) {
    // Only a Redis that answers may be taken at its operator's word.
    return isReplyError(error)
      ? "Redis does not show its settings: set REDIS_DURABLE=yes if it runs with " +
        "appendfsync always and noeviction"
      : "Redis does not answer";
  }
}

async function putMessage(spill: OpenSpill, message: NewMessage): Promise<void> {
  if (spill.bytes + message.body.byteLength > MOST_BYTES) {
    // Workers may have made room since this process last heard.
    spill.bytes = Number(
      await spill.redis.run("measure the spill", (client) => client.get(BYTES_KEY)),
    );
    if (spill.bytes + message.body.byteLength > MOST_BYTES) {
      throw new Error(`Cannot spill a message: the spill holds its most, ${MOST_BYTES} bytes`);
    }
  }
  const fields = toSpillFields(message);
  const [, total] = await spill.redis.run(
    "spill a message",
    (client) =>
      client.multi().xAdd(SPILL_STREAM, "*", fields).incrBy(BYTES_KEY, spilledSize(fields)).exec(),
  );
  spill.bytes = Number(total);
}

async function readMessages({ redis, log }: OpenSpill, max: number): Promise<Spilled[]> {
  const { messages, bytes } = await measure(redis);
  if (messages === 0) return [];
  const fitting = Math.floor(READ_BYTES * messages / Math.max(bytes, 1));
  const count = Math.max(1, Math.min(max, fitting));
  const entries = await redis.run(
    "read the spill",
    (client) => client.withTypeMapping(asBytes).xRange(SPILL_STREAM, "-", "+", { COUNT: count }),
    READ_MS,
  );
  return (entries as unknown as { id: Buffer; message: Record<string, Buffer> }[])
    .flatMap(({ id, message: fields }) => {
      const entry = Buffer.from(id).toString();
      try {
        return [{ entry, message: fromSpillFields(fields) }];
      } catch (error) {
        // Not ours, or damaged: it must not stand in the way of the others.
        putAside(redis, { entry, fields, size: 0 }, errorText(error))
          .catch((cause) => log.warn("spill.refuse_failed", { error: errorText(cause) }));
        log.error("spill.unreadable", { entry, error: errorText(error) });
        return [];
      }
    });
}

async function removeMessages(spill: OpenSpill, spilled: readonly Spilled[]): Promise<void> {
  const { redis, log } = spill;
  let freed = 0;
  for (const { entry, message } of spilled) {
    const removed = await redis.run(
      "remove from the spill",
      (client) => client.xDel(SPILL_STREAM, entry),
    );
    if (removed === 1) freed += spilledSize(toSpillFields(message));
  }
  const left = await redis.run("measure the spill", (client) => client.xLen(SPILL_STREAM));
  // Counted anew whenever it runs empty: a kill between the two commands leaves a rest.
  spill.bytes = Number(
    await redis.run(
      "count the spill",
      (client) =>
        left === 0 ? client.set(BYTES_KEY, 0).then(() => 0) : client.decrBy(BYTES_KEY, freed),
    ),
  );
  log.info("spill.moved", { messages: spilled.length, left });
}

/** Moves an entry out of the way. `size` is what it was counted with; 0 where nobody knows. */
async function putAside(
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
      client.multi().xAdd(REFUSED_STREAM, "*", { ...fields, why }).xDel(SPILL_STREAM, entry)
        .decrBy(BYTES_KEY, size).exec(),
  );
}

async function measure(redis: Redis): Promise<{ messages: number; bytes: number }> {
  const [messages, size] = await redis.run(
    "measure the spill",
    (client) => Promise.all([client.xLen(SPILL_STREAM), client.get(BYTES_KEY)]),
  );
  return { messages, bytes: Number(size ?? 0) };
}
