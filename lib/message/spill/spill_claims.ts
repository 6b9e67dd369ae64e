import { Buffer } from "node:buffer";
import { errorText, type Log } from "../../process/log.ts";
import { asBytes, type Redis } from "../../store/redis.ts";
import type { NewMessage } from "../new_message.ts";
import { putAside } from "./put_aside.ts";
import { fromSpillFields, toSpillFields } from "./spill_entry.ts";
import {
  BYTES_KEY,
  GROUP,
  measureSpill,
  READ_MS,
  SPILL_STREAM,
  type SpillDepth,
} from "./spill_stream.ts";

/** All workers are one consumer: no dead one is left behind with entries that nobody would ask for. */
const CONSUMER = "mover";
/**
 * An entry that was claimed so long ago and is still there goes to another
 * worker: the first one has died, for moving takes it a fraction of this. Below
 * the ten seconds in which a killed worker's work starts elsewhere.
 */
const CLAIM_MS = 8_000;
/** How often it is looked for what dead workers had claimed. */
const LOOK_MS = 1_000;
/** About as much is read at one time: each message is in memory until it is in the inbox. */
const READ_BYTES = 8 * 1024 * 1024;

/** A message that waits in the spill, under the entry's id. */
export interface Spilled {
  entry: string;
  message: NewMessage;
  /** What it takes of the spill, in bytes. */
  size: number;
}

/** What one worker moves, and nobody else meanwhile. */
export interface SpillClaims {
  /** The oldest messages that nobody moves yet: at most `max`, fewer where they are large. */
  claim(max: number): Promise<Spilled[]>;
  /** Removes messages that are in the inbox now, in one step. @returns how much is left. */
  remove(spilled: readonly Spilled[]): Promise<SpillDepth>;
  /** Lets others move them at once. */
  giveBack(spilled: readonly Spilled[]): Promise<void>;
  /** Puts a message aside that Postgres refuses, so that it does not stand in the way of others. */
  refuse(spilled: Spilled, why: string): Promise<void>;
}

/** An entry as Redis gives it. */
interface Entry {
  id: Buffer;
  message: Record<string, Buffer>;
}

/**
 * Claims by a consumer group. That two workers never move one message is not
 * promised, only made rare: a move may be repeated, since the inbox knows a
 * message by its id.
 */
export function openSpillClaims(
  redis: Redis,
  { log, isOurs }: {
    log: Log;
    /** Whether a message was spilled for this database; the name is empty where nobody knew. */
    isOurs: (database: string) => boolean;
  },
): SpillClaims {
  let lookedAt = -Infinity;

  async function withGroup<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      // The first time, or after Redis was emptied.
      if (!errorText(error).includes("NOGROUP")) throw error;
      await createGroup(redis);
      return await ask();
    }
  }

  async function claimNew(count: number): Promise<Entry[]> {
    const streams = await withGroup(() =>
      redis.run(
        "claim spilled messages",
        (client) =>
          client.withTypeMapping(asBytes).xReadGroup(
            GROUP,
            CONSUMER,
            { key: SPILL_STREAM, id: ">" },
            { COUNT: count },
          ),
        READ_MS,
      )
    );
    return (streams as unknown as { messages: Entry[] }[] | null)?.flatMap((stream) =>
      stream.messages
    ) ?? [];
  }

  /** What somebody has claimed and not moved for too long. */
  async function claimOld(count: number): Promise<Entry[]> {
    const pending = await withGroup(() =>
      redis.run(
        "look for spilled messages that nobody moves",
        (client) => client.xPendingRange(SPILL_STREAM, GROUP, "-", "+", count),
      )
    );
    const old = pending.filter((each) => each.millisecondsSinceLastDelivery >= CLAIM_MS)
      .map(({ id }) => id);
    if (old.length === 0) {
      if (pending.length === 0) await findLost(redis);
      return [];
    }
    const entries = await redis.run(
      "claim spilled messages of a worker that died",
      (client) =>
        client.withTypeMapping(asBytes).xClaim(SPILL_STREAM, GROUP, CONSUMER, CLAIM_MS, old),
      READ_MS,
    );
    // Redis 6 answers null for an entry that is gone.
    return (entries as unknown as (Entry | null)[]).filter((entry) => entry !== null);
  }

  /** Not ours, or damaged: it must not stand in the way of the others. */
  function leave(aside: Parameters<typeof putAside>[1], why: string): void {
    putAside(redis, aside, why)
      .catch((cause) => log.warn("spill.refuse_failed", { error: errorText(cause) }));
    log.error("spill.put_aside", { entry: aside.entry, error: why });
  }

  function read({ id, message: fields }: Entry): Spilled[] {
    const entry = Buffer.from(id).toString();
    const size = fields.about?.byteLength + fields.body?.byteLength;
    if (!isOurs(Buffer.from(fields.database ?? []).toString())) {
      leave({ entry, fields, size }, "it is for another Otto's database");
      return [];
    }
    try {
      const message = fromSpillFields(fields);
      return [{ entry, message, size }];
    } catch (error) {
      leave({ entry, fields, size: 0 }, errorText(error));
      return [];
    }
  }

  return {
    async claim(max) {
      const { messages, bytes } = await measureSpill(redis);
      const fitting = Math.floor(READ_BYTES * messages / Math.max(bytes, 1));
      // Asked for in any case: a node that is a replica by now would show its old state for ever,
      // and refuses only what claims.
      const count = Math.max(1, Math.min(max, fitting));
      const old: Entry[] = [];
      if (messages > 0 && performance.now() - lookedAt >= LOOK_MS) {
        lookedAt = performance.now();
        old.push(...await claimOld(count));
      }
      const fresh = old.length < count ? await claimNew(count - old.length) : [];
      return [...old, ...fresh].flatMap(read);
    },
    async remove(spilled) {
      const [messages, bytes] = await redis.run(
        "remove from the spill",
        (client) =>
          client.eval(REMOVE, {
            keys: [SPILL_STREAM, BYTES_KEY],
            arguments: [GROUP, ...spilled.flatMap(({ entry, size }) => [entry, String(size)])],
          }),
        READ_MS,
      ) as [number, number];
      return { messages, bytes };
    },
    async giveBack(spilled) {
      await redis.run(
        "give spilled messages back",
        (client) =>
          client.xClaimJustId(SPILL_STREAM, GROUP, CONSUMER, 0, spilled.map(({ entry }) => entry), {
            IDLE: CLAIM_MS,
          }),
      );
    },
    async refuse({ entry, message, size }, why) {
      await putAside(redis, { entry, fields: toSpillFields(message), size }, why);
    },
  };
}

async function createGroup(redis: Redis): Promise<void> {
  await redis.run(
    "create the group of movers",
    (client) => client.xGroupCreate(SPILL_STREAM, GROUP, "0", { MKSTREAM: true }),
  ).catch((error) => {
    if (!errorText(error).startsWith("BUSYGROUP")) throw error;
  });
}

/**
 * Lets the group begin anew where entries wait that it neither has nor will
 * give out, such as after a Redis came back with an older state of the group:
 * what was answered with 200 must not wait for ever.
 */
async function findLost(redis: Redis): Promise<void> {
  await redis.run(
    "look for spilled messages that are lost to the group",
    (client) => client.eval(FIND_LOST, { keys: [SPILL_STREAM], arguments: [GROUP] }),
  );
}

const FIND_LOST = `
local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
if pending[1] ~= 0 then return 0 end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first then return 0 end
redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], '0')
return 1`;

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
