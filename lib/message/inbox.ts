import { createBatcher } from "../async/batch.ts";
import type { Database } from "../store/database.ts";
import { storeMessages } from "./insert.ts";
import type { NewMessage, Receipt } from "./new_message.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Queue } from "../queue/queue.ts";
import { isRowError, writeEach } from "../store/row_error.ts";
import type { Spill, Spilled } from "./spill/spill.ts";

/** Keeps messages before they are answered. */
export interface Inbox {
  /**
   * Keeps a message durably, in Postgres or else in the spill.
   *
   * @throws {InboxClosedError} when neither can take it: the sender must try again.
   */
  accept(message: NewMessage): Promise<Receipt>;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

/** No store can take the message now; nothing was promised. */
export class InboxClosedError extends Error {
  override name = "InboxClosedError";
}

/** A sender waits five to ten seconds for its answer; this leaves time for the spill. */
const STORE_MS = 1_500;
/** After a failure Postgres is left alone for so long, so that not every request waits in vain. */
const BREAKER_MS = 1_000;
/** A larger body goes in a statement of its own: in a batch all others would wait for it. */
const LARGE_BYTES = 256 * 1024;
/** A large body may take longer, a second for each of so many bytes more. */
const BYTES_A_SECOND = 2 * 1024 * 1024;
/** A power of two, since statements are made for such numbers of rows only. */
const MOST_ROWS = 64;

/** What one statement may hold; a large body goes alone. */
const LIMITS = {
  items: MOST_ROWS,
  weight: LARGE_BYTES * 4,
  weigh: ({ body }: NewMessage) => body.byteLength > LARGE_BYTES ? Infinity : body.byteLength,
};

export function openInbox(
  { database, queue, spill, log }: { database: Database; queue: Queue; spill?: Spill; log: Log },
): Inbox {
  let openUntil = 0;

  async function store(messages: NewMessage[], ms: number) {
    if (performance.now() < openUntil) throw new Error("Postgres failed a moment ago");
    const results = await writeEach(messages, (some) => storeMessages(database, some, ms));
    queue.send(
      results.flatMap((each) => "waiting" in each && each.waiting ? each.messageId : []),
    );
    return results;
  }

  const batcher = createBatcher(async (messages: NewMessage[]) => {
    const wasOpen = performance.now() < openUntil;
    try {
      return await store(messages, STORE_MS);
    } catch (error) {
      if (wasOpen) throw error;
      openUntil = performance.now() + BREAKER_MS;
      log.warn("inbox.store_failed", { messages: messages.length, error: errorText(error) });
      throw error;
    }
  }, LIMITS);
  /** Apart, so that nobody waits behind a large body; and slow is not broken. */
  const largeBatcher = createBatcher(async (messages: NewMessage[]) => {
    const size = messages.reduce((sum, { body }) => sum + body.byteLength, 0);
    try {
      return await store(messages, STORE_MS + size / BYTES_A_SECOND * 1_000);
    } catch (error) {
      log.warn("inbox.store_failed", { messages: messages.length, size, error: errorText(error) });
      throw error;
    }
  }, { items: 1 });

  return {
    async accept(message) {
      try {
        const isLarge = message.body.byteLength > LARGE_BYTES;
        return await (isLarge ? largeBatcher : batcher).add(message);
      } catch (cause) {
        // What Postgres refuses now it would refuse later, and the spill could never give it up.
        if (!spill || isRowError(cause)) {
          throw new InboxClosedError("Cannot keep the message", { cause });
        }
        try {
          // Under the same id: should Postgres have it after all, it is recognised.
          await spill.put(message);
          return { messageId: message.id, repeat: false, waiting: true };
        } catch (error) {
          log.warn("inbox.spill_failed", { error: errorText(error) });
          throw new InboxClosedError("Cannot keep the message", { cause: error });
        }
      }
    },
    async idle() {
      await Promise.all([batcher.idle(), largeBatcher.idle()]);
    },
  };
}

/**
 * Moves messages from the spill into the inbox, under the ids they were
 * answered with. One that Postgres refuses is put aside, and logged.
 *
 * @returns how many were moved.
 */
export async function moveSpilled(
  { database, queue, spill, log }: { database: Database; queue: Queue; spill: Spill; log: Log },
): Promise<number> {
  const spilled = await spill.read(MOST_ROWS);
  if (spilled.length === 0) return 0;
  const batcher = createBatcher(
    (messages: NewMessage[]) => writeEach(messages, (some) => storeMessages(database, some)),
    LIMITS,
  );
  const moved: Spilled[] = [];
  const waiting: string[] = [];
  let failure: unknown;
  await Promise.all(spilled.map(async (each) => {
    const { id } = each.message;
    try {
      const receipt = await batcher.add(each.message);
      if (receipt.messageId !== id) await keepAlias(database, id, receipt.messageId);
      if (receipt.waiting) waiting.push(receipt.messageId);
      moved.push(each);
    } catch (error) {
      if (isRowError(error)) {
        log.error("spill.refused", { message_id: id, error: errorText(error) });
        await spill.refuse(each, errorText(error)).catch((cause) => failure ??= cause);
      } else {
        failure ??= error;
      }
    }
  }));
  queue.send(waiting);
  if (moved.length > 0) await spill.remove(moved);
  if (failure) throw failure;
  return moved.length;
}

/** A repeat of this delivery was stored first: its id answers for both. */
async function keepAlias(database: Database, alias: string, messageId: string): Promise<void> {
  await database.query(
    "keep an alias",
    (sql) =>
      sql`insert into message_aliases (alias, message_id) values (${alias}, ${messageId})
      on conflict do nothing`,
  );
}
