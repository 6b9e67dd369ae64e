import { createBatcher } from "../async/batch.ts";
import type { Database } from "../store/database.ts";
import { BATCH_LIMITS, LARGE_BYTES, storeMessages } from "./insert.ts";
import type { NewMessage, Receipt } from "./new_message.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Queue } from "../queue/queue.ts";
import { isRowError, writeEach } from "../store/row_error.ts";
import type { Spill } from "./spill/spill.ts";

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
/** A large body may take longer, a second for each of so many bytes more. */
const BYTES_A_SECOND = 2 * 1024 * 1024;
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
  }, BATCH_LIMITS);
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
