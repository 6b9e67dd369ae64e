import type { Log } from "../../process/log.ts";
import { isReplyError, type Redis, redisReason } from "../../store/redis.ts";
import type { NewMessage } from "../new_message.ts";
import { openSpillClaims, type SpillClaims } from "./spill_claims.ts";
import { spilledSize, toSpillFields } from "./spill_entry.ts";
import { BYTES_KEY, measureSpill, SPILL_STREAM, type SpillDepth } from "./spill_stream.ts";

/**
 * Takes whole messages while Postgres cannot: a Redis Stream, used only while
 * Redis writes every command to its disk before it answers and never evicts.
 */
export interface Spill extends SpillClaims {
  /** Keeps a message durably. @throws when it cannot. */
  put(message: NewMessage): Promise<void>;
  /** How much waits; undefined when Redis does not say. */
  depth(): Promise<SpillDepth | undefined>;
  /** Why nothing may be spilled with these settings of Redis; undefined when it may. */
  obstacle(): Promise<string | undefined>;
  /** Writes something beside the spill. @returns why a message would not be kept, in words for anyone. */
  check(): Promise<string | undefined>;
}

/** The spill itself says no; its message is ours, and may be shown to anyone. */
class SpillRefusal extends Error {
  override name = "SpillRefusal";
}

/** Why a message was not spilled, in words for anyone. */
export function spillReason(error: unknown): string {
  return error instanceof SpillRefusal ? error.message : redisReason(error);
}

const MIB = 1024 * 1024;
/** The most the spill may hold, so that Redis is not filled to the brim. */
const MOST_BYTES = 256 * MIB;
/** Whether Redis takes writes is tried with this key, as large as an ordinary webhook. */
const CHECK_KEY = "otto:spill:check";
const CHECK_BYTES = 8 * 1024;
const CHECK_EXPIRES = { type: "EX", value: 60 } as const;
/** How long a look at Redis' settings is good for: an operator changes them by hand, and seldom. */
const SETTINGS_MS = 10_000;

/** The spill as one process has it open. */
interface OpenSpill {
  redis: Redis;
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
  const open: OpenSpill = { redis, bytes: 0 };
  const claims = openSpillClaims(redis, log);
  const obstacle = trusted ? () => Promise.resolve(undefined) : watchObstacle(redis);
  return {
    obstacle,
    async put(message) {
      const reason = await obstacle();
      if (reason) throw new SpillRefusal(reason);
      await putMessage(open, message);
    },
    ...claims,
    async remove(spilled) {
      const left = await claims.remove(spilled);
      log.info("spill.moved", { messages: spilled.length, left: left.messages });
      open.bytes = left.bytes;
      return left;
    },
    async check() {
      const reason = await obstacle();
      return reason ?? await tryToSpill(open).then(() => undefined, spillReason);
    },
    async depth() {
      return await measureSpill(redis).catch(() => undefined);
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
  await requireRoom(spill, message.body.byteLength);
  const fields = toSpillFields(message);
  const [, total] = await spill.redis.run(
    "spill a message",
    (client) =>
      client.multi().xAdd(SPILL_STREAM, "*", fields).incrBy(BYTES_KEY, spilledSize(fields)).exec(),
  );
  spill.bytes = Number(total);
}

/** @throws {SpillRefusal} when the spill would hold more than its most. */
async function requireRoom(spill: OpenSpill, bytes: number): Promise<void> {
  if (spill.bytes + bytes <= MOST_BYTES) return;
  // Workers may have made room since this process last heard.
  spill.bytes = (await measureSpill(spill.redis)).bytes;
  if (spill.bytes + bytes > MOST_BYTES) {
    throw new SpillRefusal(`the spill holds its most, ${MOST_BYTES / MIB} MiB`);
  }
}

/** @throws what {@link putMessage} would fail with. */
async function tryToSpill(spill: OpenSpill): Promise<void> {
  // Others spill, too: what this process knows may be old.
  spill.bytes = (await measureSpill(spill.redis)).bytes;
  await requireRoom(spill, CHECK_BYTES);
  await spill.redis.run(
    "write beside the spill",
    (client) => client.set(CHECK_KEY, "x".repeat(CHECK_BYTES), { expiration: CHECK_EXPIRES }),
  );
}
