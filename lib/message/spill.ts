import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { errorText, type Log } from "../process/log.ts";
import type { NewMessage } from "./new_message.ts";
import { asBytes, isReplyError, type Redis } from "../store/redis.ts";

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
const BYTES_KEY = "otto:spill:bytes";
/** The most the spill may hold, so that Redis is not filled to the brim. */
const MOST_BYTES = 256 * 1024 * 1024;
/** About as much is read at one time. */
const READ_BYTES = 8 * 1024 * 1024;
/** How long a look at Redis' settings is good for. */
const SETTINGS_MS = 10_000;

export function openSpill(
  redis: Redis,
  { trusted, log }: {
    /** `REDIS_DURABLE=yes`: the operator vouches where Redis does not show its settings. */
    trusted: boolean;
    log: Log;
  },
): Spill {
  let checkedAt = -Infinity;
  let obstacle: string | undefined;
  let bytes = 0;

  async function findObstacle(): Promise<string | undefined> {
    if (trusted) return undefined;
    try {
      const settings = await redis.run(
        "read Redis' settings",
        (client) => client.configGet(["appendonly", "appendfsync", "maxmemory-policy"]),
      ) as Record<
        string,
        string
      >;
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

  async function currentObstacle(): Promise<string | undefined> {
    if (Date.now() - checkedAt > SETTINGS_MS || obstacle) {
      obstacle = await findObstacle();
      checkedAt = Date.now();
    }
    return obstacle;
  }

  async function measure(): Promise<{ messages: number; bytes: number }> {
    const [messages, size] = await redis.run(
      "measure the spill",
      (client) => Promise.all([client.xLen(SPILL_STREAM), client.get(BYTES_KEY)]),
    );
    return { messages, bytes: Number(size ?? 0) };
  }

  async function putAside(
    entry: string,
    fields: Record<string, string | Buffer>,
    why: string,
    size = 0,
  ): Promise<void> {
    await redis.run(
      "put a spilled message aside",
      (client) =>
        client.multi().xAdd(REFUSED_STREAM, "*", { ...fields, why }).xDel(SPILL_STREAM, entry)
          .decrBy(BYTES_KEY, size).exec(),
    );
  }

  return {
    obstacle: currentObstacle,
    async put(message) {
      const reason = await currentObstacle();
      if (reason) throw new Error(`Cannot spill a message: ${reason}`);
      if (bytes + message.body.byteLength > MOST_BYTES) {
        bytes = Number(await redis.run("measure the spill", (client) => client.get(BYTES_KEY)));
        if (bytes + message.body.byteLength > MOST_BYTES) {
          throw new Error(`Cannot spill a message: the spill holds its most, ${MOST_BYTES} bytes`);
        }
      }
      const fields = toFields(message);
      const [, total] = await redis.run(
        "spill a message",
        (client) =>
          client.multi().xAdd(SPILL_STREAM, "*", fields).incrBy(BYTES_KEY, sizeOf(fields)).exec(),
      );
      bytes = Number(total);
    },
    async read(max) {
      const { messages, bytes } = await measure();
      if (messages === 0) return [];
      const fitting = Math.floor(READ_BYTES * messages / Math.max(bytes, 1));
      const count = Math.max(1, Math.min(max, fitting));
      const entries = await redis.run(
        "read the spill",
        (client) =>
          client.withTypeMapping(asBytes).xRange(SPILL_STREAM, "-", "+", { COUNT: count }),
        5_000,
      );
      return (entries as unknown as { id: Buffer; message: Record<string, Buffer> }[])
        .flatMap(({ id, message }) => {
          const entry = Buffer.from(id).toString();
          try {
            return [{ entry, message: fromFields(message) }];
          } catch (error) {
            // Not ours, or damaged: it must not stand in the way of the others.
            putAside(entry, message, errorText(error))
              .catch((cause) => log.warn("spill.refuse_failed", { error: errorText(cause) }));
            log.error("spill.unreadable", { entry, error: errorText(error) });
            return [];
          }
        });
    },
    async remove(spilled) {
      let freed = 0;
      for (const { entry, message } of spilled) {
        const removed = await redis.run(
          "remove from the spill",
          (client) => client.xDel(SPILL_STREAM, entry),
        );
        if (removed === 1) freed += sizeOf(toFields(message));
      }
      const left = await redis.run("measure the spill", (client) => client.xLen(SPILL_STREAM));
      // Counted anew whenever it runs empty: a kill between the two commands leaves a rest.
      bytes = Number(
        await redis.run(
          "count the spill",
          (client) =>
            left === 0 ? client.set(BYTES_KEY, 0).then(() => 0) : client.decrBy(BYTES_KEY, freed),
        ),
      );
      log.info("spill.moved", { messages: spilled.length, left });
    },
    async refuse({ entry, message }, why) {
      const fields = toFields(message);
      await putAside(entry, fields, why, sizeOf(fields));
    },
    async depth() {
      return await measure().catch(() => undefined);
    },
  };
}

interface Fields extends Record<string, string | Buffer> {
  about: string;
  body: Buffer;
  sha256: string;
}

function toFields({ body, receivedAt, ...about }: NewMessage): Fields {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return {
    about: JSON.stringify({ ...about, receivedAt: receivedAt.toISOString() }),
    body: bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

function sizeOf(fields: Fields): number {
  return Buffer.byteLength(fields.about) + fields.body.byteLength;
}

/** @throws when the entry is not what was written. */
function fromFields(fields: Record<string, Uint8Array>): NewMessage {
  const sum = createHash("sha256").update(fields.body).digest("hex");
  if (sum !== Buffer.from(fields.sha256).toString()) throw new Error("its checksum is wrong");
  const about = JSON.parse(Buffer.from(fields.about).toString());
  return { ...about, body: fields.body, receivedAt: new Date(about.receivedAt) };
}
