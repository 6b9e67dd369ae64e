import { Problem } from "../../process/problem.ts";
import type { Database } from "../../store/database.ts";
import { idArray } from "../../store/stored.ts";
import { type ActParts, ACTS, DONE_BEFORE } from "./acts.ts";
import type { BulkVerb } from "./bulk_action.ts";

/** Fewer than the connections that there are: what is live needs some. */
const AT_ONCE = 4;
/** Of bodies so much is copied in a statement, which has five seconds; of one message, whatever it has. */
const MOST_BYTES = 8_000_000;

export interface BulkRow {
  id: string;
  /** Begun before: whoever did may have died, or only have lost its lease. */
  again: boolean;
  made: string;
}

export interface Batch {
  rows: readonly BulkRow[];
  /** Whether there is time for more than the first. */
  mayBegin(): boolean;
}

/** Why a row was left as it is; undefined where it was not. */
export type BulkOutcome = Pick<Problem, "code" | "message"> | undefined;

/**
 * Acts on one after the other, some at once. The outcomes are those of the first rows: up to where
 * time was over, or to one that something else went wrong with.
 *
 * @throws what went wrong with the first row and is no {@link Problem}.
 */
export async function actOnBatch(
  parts: ActParts,
  { action, actor }: { action: Exclude<BulkVerb, "replay">; actor: string },
  { rows, mayBegin }: Batch,
): Promise<BulkOutcome[]> {
  const outcomes: BulkOutcome[] = [];
  const waiting = rows.entries();
  const broken: { at: number; by: unknown }[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    // One at least, however slow the store is.
    while (broken.length === 0 && (outcomes.length === 0 || mayBegin())) {
      const { value, done } = waiting.next();
      if (done) return;
      const [at, { id, again }] = value;
      outcomes[at] = undefined;
      try {
        await ACTS[action](parts, id, actor);
      } catch (error) {
        if (!(error instanceof Problem)) {
          broken.push({ at, by: error });
        } else if (!again || error.code !== DONE_BEFORE[action]) outcomes[at] = error;
      }
    }
  }));
  const [first] = broken.sort((one, other) => one.at - other.at);
  if (first?.at === 0) throw first.by;
  return outcomes.slice(0, first?.at);
}

/**
 * Makes the replays under the ids that were written down: a second try makes no second ones. Some
 * together, as many as are not large; the outcomes are those of the first rows.
 *
 * @throws what went wrong with the first ones.
 */
export async function replayBatch(
  parts: ActParts,
  { rows, mayBegin }: Batch,
): Promise<BulkOutcome[]> {
  const outcomes: BulkOutcome[] = [];
  for (const some of bySize(rows, await readSizes(parts.services.database, rows))) {
    if (outcomes.length > 0 && !mayBegin()) break;
    try {
      outcomes.push(...await replaySome(parts, some));
    } catch (error) {
      if (outcomes.length === 0) throw error;
      break;
    }
  }
  return outcomes;
}

async function readSizes(
  database: Database,
  rows: readonly BulkRow[],
): Promise<Map<string, number>> {
  if (rows.length === 0) return new Map();
  const found = await database.query(
    "read the sizes of messages",
    (sql) =>
      sql<{ id: string; size: number }[]>`
      select id, size from messages where id = any(${idArray(rows.map(({ id }) => id))}::uuid[])`,
  );
  return new Map(found.map(({ id, size }) => [id, size]));
}

/** In parts of {@link MOST_BYTES} at the most; one that is larger is alone. */
function bySize(rows: readonly BulkRow[], sizes: ReadonlyMap<string, number>): BulkRow[][] {
  const all: BulkRow[][] = [];
  let left = 0;
  for (const row of rows) {
    const size = sizes.get(row.id) ?? 0;
    if (all.length === 0 || size > left) {
      all.push([]);
      left = MOST_BYTES;
    }
    all.at(-1)!.push(row);
    left -= size;
  }
  return all;
}

async function replaySome(
  { services: { database }, redeliverer }: ActParts,
  rows: readonly BulkRow[],
): Promise<BulkOutcome[]> {
  const made = new Map(rows.map(({ id, made }) => [id, made]));
  const { items, refused } = await redeliverer.redeliverAll(rows.map(({ id }) => id), made);
  const outcomes = new Map<string, BulkOutcome>(items.map((each) => [each.replay_of, undefined]));
  for (const { message_id, ...why } of refused) outcomes.set(message_id, why);
  const missing = rows.filter(({ id }) => !outcomes.has(id));
  const there = await findMade(database, missing.map(({ made }) => made));
  return rows.map(({ id, made }) => outcomes.has(id) || there.has(made) ? outcomes.get(id) : GONE);
}

const GONE: BulkOutcome = {
  code: "message_not_found",
  message: "There is no message with this id",
};

async function findMade(database: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await database.query(
    "find replays",
    (sql) =>
      sql<{ id: string }[]>`
      select id from messages where id = any(${idArray(ids)}::uuid[])`,
  );
  return new Set(rows.map(({ id }) => id));
}
