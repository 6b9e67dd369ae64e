import { pause } from "../../async/deadline.ts";
import type { Actor } from "../../people/audit.ts";
import { Problem } from "../../process/problem.ts";
import type { Database } from "../../store/database.ts";
import { idArray } from "../../store/stored.ts";
import type { FoundIds } from "../../store/walk.ts";
import {
  BULK_THINGS,
  type BulkAction,
  type BulkPart,
  cancelBulkAction,
  createBulkAction,
  readBulkAction,
  setPrepared,
} from "./bulk_action.ts";

/** What is to be done to what; `find` looks for a page of it, newest first, below an id. */
export interface BulkQuestion extends Pick<BulkAction, "action" | "filter" | "actor"> {
  find(most: number, before: string | undefined): Promise<FoundIds>;
  /** Found are messages, and meant are their tasks that failed. */
  meansTasks?: boolean;
}

/** More would keep a worker busy for days. */
const MOST_ROWS = 1_000_000;
/** So many are looked for and written in a statement. */
const ROWS_AT_ONCE = 5_000;
/** Shorter than a proxy's patience, mostly a minute. */
const MOST_MS = 50_000;
/** Of a page's sources so many are told one by one: unknown ones are the senders' inventions. */
const MOST_PARTS = 20;

/**
 * Writes down the ids of all that matches, for workers to act on. With `start` it starts if they
 * are as many as were expected, in that name; without, it waits for a person's yes.
 *
 * @throws {Problem} 409 when there are others than was expected, too many, or too much to look
 *   through; nothing is done then.
 */
export async function fixRows(
  database: Database,
  question: BulkQuestion,
  { start, mostMs = MOST_MS }: {
    start?: { expect: number; by: Actor };
    mostMs?: number;
  } = {},
): Promise<BulkAction> {
  const id = await createBulkAction(database, question);
  if (id === undefined) throw tooManyOpen();
  try {
    const { total, parts } = await writeRows(database, { ...question, id, mostMs });
    if (start && total !== start.expect) throw countChanged(start.expect, total);
    if (total === 0) throw noneMatch();
    await setPrepared(database, { id, total, parts, startedBy: start?.by });
  } catch (error) {
    // A store that is away: it is given up by its age then.
    await cancelBulkAction(database, id).catch(() => {});
    throw error;
  }
  return (await readBulkAction(database, id))!;
}

async function writeRows(
  database: Database,
  { id, action, find, meansTasks, mostMs }: BulkQuestion & { id: string; mostMs: number },
): Promise<{ total: number; parts: BulkPart[] }> {
  const until = performance.now() + mostMs;
  const parts = new Map<string, BulkPart>();
  let total = 0;
  let before: string | undefined;
  do {
    const { ids, next } = await find(ROWS_AT_ONCE, before);
    if (next !== undefined && next === before) break;
    before = next;
    for (const part of await writePage(database, { id, action, ids, meansTasks })) {
      total += part.count;
      addPart(parts, part);
    }
    if (total > MOST_ROWS) throw tooMany(`More than ${MOST_ROWS.toLocaleString("en")} match`);
    if (next !== undefined && performance.now() > until) {
      throw tooMany(
        `More match than can be found in ${Math.round(mostMs / 1_000)} seconds; ${
          total.toLocaleString("en")
        } were`,
      );
    }
    // In the process itself a statement stops everything: others get their turn.
    await pause(0);
  } while (before !== undefined);
  return { total, parts: [...parts.values()].sort((one, other) => other.count - one.count) };
}

function addPart(parts: Map<string, BulkPart>, part: BulkPart): void {
  const key = `${part.source} ${part.webhook_type}`;
  const known = parts.get(key);
  if (known) known.count += part.count;
  else if (parts.size < MOST_PARTS) parts.set(key, { ...part });
  else addPart(parts, { ...part, source: OTHERS, webhook_type: OTHERS });
}

/** Stands for the sources that are not told one by one. */
const OTHERS = "others";

async function writePage(
  database: Database,
  { id, action, ids, meansTasks = false }: {
    id: string;
    action: BulkAction["action"];
    ids: readonly string[];
    meansTasks?: boolean;
  },
): Promise<BulkPart[]> {
  if (ids.length === 0) return [];
  const thing = BULK_THINGS[action];
  return await database.query("fix what a bulk action is for", (sql) => {
    const [table, source, type] = {
      message: ["messages", "t.source", "t.webhook_type"],
      task: ["tasks", "t.source", "t.source"],
      notification: ["notifications", "t.kind", "t.kind"],
    }[thing];
    const meant = meansTasks
      ? sql`select distinct t.id from messages m join tasks t on t.id = m.task_id
          where m.id = any(${idArray(ids)}::uuid[]) and t.status = 'failed'`
      : sql`select id from ${sql.unsafe(table)} where id = any(${idArray(ids)}::uuid[])`;
    return sql<BulkPart[]>`
      with meant as (${meant}), fixed as (
        insert into bulk_rows (bulk_id, row_id) select ${id}, id from meant
        on conflict do nothing returning row_id
      )
      select ${sql.unsafe(source)} as source, ${sql.unsafe(type)} as webhook_type,
        count(*)::int as count
      from fixed join ${sql.unsafe(table)} t on t.id = fixed.row_id group by 1, 2`;
  }, 10_000);
}

/** Other ones match than were seen, and nothing was done. */
export function countChanged(expected: number, found: number): Problem {
  return new Problem(
    409,
    "count_changed",
    `${expected} were expected to match, and ${found} do now`,
    `Nothing was changed. Look at them, then ask again with "expect": ${found}`,
  );
}

function tooMany(message: string): Problem {
  return new Problem(
    409,
    "too_many",
    message,
    'Nothing was changed. Narrow the filter, such as with "since" or "source"',
  );
}

function noneMatch(): Problem {
  return new Problem(409, "none_match", "Nothing matches", "Choose other filters");
}

function tooManyOpen(): Problem {
  return new Problem(
    409,
    "too_many_bulk_actions",
    "Too many bulk actions have not ended",
    "Wait until one is done, or cancel one: GET /api/bulk lists them",
  );
}
