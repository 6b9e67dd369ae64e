import { Buffer } from "node:buffer";
import { errorText, type Log } from "../../process/log.ts";
import { asBytes, type Redis } from "../../store/redis.ts";
import type { NewMessage } from "../new_message.ts";
import { fromSpillFields, toSpillFields } from "./spill_entry.ts";
import {
  MOVERS,
  putAside,
  removeEntries,
  SPILL_MS,
  SPILL_STREAM,
  type SpillDepth,
} from "./spill_stream.ts";

/**
 * All workers are one consumer of one group: each entry goes to one of them, and
 * no dead consumer is left behind with entries that nobody would ask for.
 */
const CONSUMER = "mover";
/**
 * An entry that was claimed so long ago and is still there goes to another
 * worker: the first one has died, for moving takes it a fraction of this. Below
 * the ten seconds in which a killed worker's work starts elsewhere.
 */
const CLAIM_MS = 8_000;
/** How often it is looked for what dead workers had claimed. */
const LOOK_MS = 1_000;
/** Of what is claimed, so many are looked at: more than two workers claim at one time. */
const LOOKED_AT = 2_000;
/** Claiming ends when so much is read: each message is in memory until it is in the inbox. */
const CLAIM_BYTES = 8 * 1024 * 1024;

/** A message that waits in the spill, under the entry's id. */
export interface Spilled {
  entry: string;
  message: NewMessage;
  /** What it takes of the spill, in bytes. */
  size: number;
}

/** What one worker moves, and nobody else meanwhile. */
export interface SpillClaims {
  /**
   * The oldest messages that nobody moves yet: at most `max`, and no more once they come to
   * 8 MiB together, so that memory is bounded by that and one message.
   */
  claim(max: number): Promise<Spilled[]>;
  /** Removes messages that are in the inbox now, in one step. @returns how much is left. */
  remove(spilled: readonly Spilled[]): Promise<SpillDepth>;
  /** Lets others move them at once. */
  giveBack(spilled: readonly Spilled[]): Promise<void>;
  /** Puts a message aside that Postgres refuses, so that it does not stand in the way of others. */
  refuse(spilled: Spilled, why: string): Promise<void>;
}

/** An entry as a script gives it: its id, then names and values in turn. */
type Entry = [id: Buffer, fields: Buffer[]];

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

  async function claimEntries(count: number): Promise<Entry[]> {
    const looks = performance.now() - lookedAt >= LOOK_MS;
    if (looks) lookedAt = performance.now();
    return await withGroup(() =>
      redis.run(
        "claim spilled messages",
        (client) =>
          client.withTypeMapping(asBytes).eval(CLAIM, {
            keys: [SPILL_STREAM],
            arguments: [
              MOVERS,
              CONSUMER,
              ...[count, CLAIM_BYTES, looks ? LOOKED_AT : 0, CLAIM_MS].map(String),
            ],
          }),
        SPILL_MS,
      )
    ) as unknown as Entry[];
  }

  /** Not ours, or damaged: it must not stand in the way of the others. */
  function leave(aside: Parameters<typeof putAside>[1], why: string): void {
    putAside(redis, aside, why)
      .catch((cause) => log.warn("spill.refuse_failed", { error: errorText(cause) }));
    log.error("spill.put_aside", { entry: aside.entry, error: why });
  }

  function read([id, parts]: Entry): Spilled[] {
    const entry = Buffer.from(id).toString();
    const fields: Record<string, Buffer> = {};
    for (let at = 0; at < parts.length; at += 2) fields[parts[at].toString()] = parts[at + 1];
    const size = (fields.about?.byteLength ?? 0) + (fields.body?.byteLength ?? 0);
    if (!isOurs(Buffer.from(fields.database ?? []).toString())) {
      leave({ entry, fields, size }, "it is for another Otto's database");
      return [];
    }
    try {
      return [{ entry, message: fromSpillFields(fields), size }];
    } catch (error) {
      leave({ entry, fields, size: 0 }, errorText(error));
      return [];
    }
  }

  return {
    async claim(max) {
      return (await claimEntries(max)).flatMap(read);
    },
    async remove(spilled) {
      return await removeEntries(redis, spilled);
    },
    async giveBack(spilled) {
      await redis.run(
        "give spilled messages back",
        (client) =>
          client.xClaimJustId(
            SPILL_STREAM,
            MOVERS,
            CONSUMER,
            0,
            spilled.map(({ entry }) => entry),
            { IDLE: CLAIM_MS },
          ),
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
    (client) => client.xGroupCreate(SPILL_STREAM, MOVERS, "0", { MKSTREAM: true }),
  ).catch((error) => {
    if (!errorText(error).startsWith("BUSYGROUP")) throw error;
  });
}

/**
 * One entry after another until there are enough or they are large enough: how large one is shows
 * only when it is read. Within Redis, since so many answers would cost more than the moving.
 *
 * Where it also looks at what is claimed (ARGV[5] of it), what somebody has claimed and not moved
 * for too long comes first. And where nothing is claimed and nothing new, but entries wait, as
 * after a Redis came back with an older state of the group, the group begins anew: what was
 * answered with 200 must not wait for ever.
 *
 * Claiming is asked for although nothing may wait: a node that is a replica by now would show its
 * old state for ever, and refuses only what claims.
 */
const CLAIM = `
local group, consumer, most, most_bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local look, claim_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local entries, bytes = {}, 0

local function has_room() return #entries < most and bytes < most_bytes end

local function take(entry)
  entries[#entries + 1] = entry
  for _, part in ipairs(entry[2]) do bytes = bytes + #part end
end

local function claim_old()
  for _, pending in ipairs(redis.call('XPENDING', KEYS[1], group, '-', '+', look)) do
    if not has_room() then return end
    if pending[3] >= claim_ms then
      local entry = redis.call('XCLAIM', KEYS[1], group, consumer, claim_ms, pending[1])[1]
      -- Redis 6 answers nil for an entry that is gone, and has it pending for ever.
      if entry then take(entry) else redis.call('XACK', KEYS[1], group, pending[1]) end
    end
  end
end

local function claim_new()
  while has_room() do
    local streams = redis.call(
      'XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', KEYS[1], '>')
    if not streams then return end
    take(streams[1][2][1])
  end
end

if look > 0 then claim_old() end
claim_new()
if look > 0 and #entries == 0 and redis.call('XPENDING', KEYS[1], group)[1] == 0
  and redis.call('XLEN', KEYS[1]) > 0 then
  redis.call('XGROUP', 'SETID', KEYS[1], group, '0')
  claim_new()
end
return entries`;
