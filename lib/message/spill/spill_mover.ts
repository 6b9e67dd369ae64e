import { createBatcher } from "../../async/batch.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Queue } from "../../queue/queue.ts";
import type { Database } from "../../store/database.ts";
import { isRowError, writeEach } from "../../store/row_error.ts";
import { BATCH_LIMITS, storeMessages } from "../insert.ts";
import type { NewMessage, Receipt } from "../new_message.ts";
import type { Spill } from "./spill.ts";
import type { Spilled } from "./spill_claims.ts";

/**
 * So many are claimed and removed at one time: with Redis writing to its disk
 * before each answer, both cost as much for one as for hundreds.
 */
const MOST_CLAIMED = 512;

/** What moving needs. */
export interface SpillMove {
  database: Database;
  queue: Queue;
  spill: Spill;
  log: Log;
}

/**
 * Moves messages from the spill into the inbox, under the ids they were
 * answered with. One that Postgres refuses is put aside, and logged. While
 * Postgres is away one is tried at a time, for reading all of them again and
 * again would be in vain; and so after a claim that failed, as it may have been too much.
 *
 * @returns a step, which says how many it has moved.
 */
export function createSpillMover(move: SpillMove): () => Promise<number> {
  let most = MOST_CLAIMED;
  return async () => {
    try {
      const claimed = await move.spill.claim(most);
      const moved = claimed.length === 0 ? 0 : await moveClaimed(move, claimed);
      if (moved > 0) most = MOST_CLAIMED;
      return moved;
    } catch (error) {
      most = 1;
      throw error;
    }
  };
}

async function moveClaimed(
  { database, queue, spill, log }: SpillMove,
  claimed: readonly Spilled[],
): Promise<number> {
  // Two at a time: Postgres works on one batch while this process prepares the other.
  const [first, second] = [0, 1].map(() =>
    createBatcher(
      (messages: NewMessage[]) => writeEach(messages, (some) => storeMessages(database, some)),
      BATCH_LIMITS,
    )
  );
  const moved: Spilled[] = [];
  const left: Spilled[] = [];
  const waiting: string[] = [];
  let failure: unknown;

  async function moveOne(each: Spilled, at: number): Promise<void> {
    try {
      const batcher = at < claimed.length / 2 ? first : second;
      const receipt: Receipt = await batcher.add(each.message);
      const { id } = each.message;
      if (receipt.messageId !== id) await keepAlias(database, id, receipt.messageId);
      if (receipt.waiting) waiting.push(receipt.messageId);
      moved.push(each);
    } catch (error) {
      if (!isRowError(error)) throw error;
      log.error("spill.refused", { message_id: each.message.id, error: errorText(error) });
      await spill.refuse(each, errorText(error));
    }
  }
  await Promise.all(claimed.map((each, at) =>
    moveOne(each, at).catch((error) => {
      failure ??= error;
      left.push(each);
    })
  ));

  queue.send(waiting);
  if (moved.length > 0) await spill.remove(moved);
  if (left.length > 0) {
    await spill.giveBack(left)
      // They are another's by and by.
      .catch((error) => log.debug("spill.give_back_failed", { error: errorText(error) }));
    throw failure;
  }
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
