import { type Acceptance, watchAcceptance } from "./acceptance.ts";
import { createBatcher } from "../async/batch.ts";
import type { Database } from "../store/database.ts";
import { BATCH_LIMITS, LARGE_BYTES, storeMessages } from "./insert.ts";
import type { NewMessage, Receipt } from "./new_message.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Queue } from "../queue/queue.ts";
import { isRowError, writeEach } from "../store/row_error.ts";
import { type Spill, spillReason } from "./spill/spill.ts";
import { storeReason, tryToStore } from "./try_store.ts";

/** Keeps messages before they are answered. */
export interface Inbox {
  /**
   * Keeps a message durably, in Postgres or else in the spill.
   *
   * @throws {InboxClosedError} when neither can take it: the sender must try again.
   */
  accept(message: NewMessage): Promise<Receipt>;
  /**
   * Whether a message would be taken now: by what became of those of the last
   * seconds, or by a small write, at most one in five seconds.
   *
   * @param awaySince since when Postgres is known not to answer, by
   * `performance.now()`.
   */
  acceptance(awaySince?: number): Promise<Acceptance>;
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
  /** What Postgres failed with when the breaker opened. */
  let failure: unknown;
  const watch = watchAcceptance({
    tryDatabase: () => tryToStore(database, STORE_MS).then(() => undefined, storeReason),
    trySpill: spill && (() => spill.check()),
  });

  async function store(messages: NewMessage[], ms: number) {
    if (performance.now() < openUntil) {
      throw new Error("Postgres failed a moment ago", { cause: failure });
    }
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
      failure = error;
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
        const receipt = await (isLarge ? largeBatcher : batcher).add(message);
        watch.note("database");
        return receipt;
      } catch (cause) {
        // What Postgres refuses now it would refuse later, and the spill could never give it up;
        // nor does it say anything about other messages.
        if (isRowError(cause)) throw new InboxClosedError("Cannot keep the message", { cause });
        const why = storeReason((cause as Error).cause ?? cause);
        if (!spill) {
          watch.note("nothing", why);
          throw new InboxClosedError("Cannot keep the message", { cause });
        }
        try {
          // Under the same id: should Postgres have it after all, it is recognised.
          await spill.put(message);
          watch.note("spill", why);
          return { messageId: message.id, repeat: false, waiting: true };
        } catch (error) {
          log.warn("inbox.spill_failed", { error: errorText(error) });
          watch.note("nothing", `${why}; ${spillReason(error)}`);
          throw new InboxClosedError("Cannot keep the message", { cause: error });
        }
      }
    },
    acceptance: watch.judge,
    async idle() {
      await Promise.all([batcher.idle(), largeBatcher.idle()]);
    },
  };
}
