import type { Database, Sql } from "../../store/database.ts";

/** So many rows are read at a time: some milliseconds. */
export const LOOKED_AT = 5_000;
/**
 * How long a walk rests when it has come to the end. A day's worth of messages becomes old in a
 * day, so an hour more or less is nothing, and a history of millions is not read all the time.
 */
const REST_MS = 60 * 60_000;
/** A process that lives for minutes gets past what stays for months all the same. */
const MOST_STEPS = 20;
/** Before every id. */
const FIRST = "00000000-0000-0000-0000-000000000000";

/** What one step took away, and the last id it looked at; null when all that comes after is young. */
export interface WalkStep {
  removed: number;
  last: string | null;
}

/** The end of a step's statement, of what it `looked` at and what is `gone`. */
export const walkStep = (sql: Sql) =>
  sql`
    select (select count(*) from gone)::int as removed,
      (select max(id::text) from looked
        having bool_or(is_old) and count(*) = ${LOOKED_AT}) as last`;

/** How far a walk has come, in this process. */
interface Walk {
  after: string;
  /** By this process's monotonic clock. */
  restsUntil: number;
}

/**
 * A step over all rows by their ids that takes old ones away; called again and again, it comes to
 * the end, rests, and begins anew. An index would cost every message that is taken in.
 *
 * @param step looks at {@link LOOKED_AT} rows after an id and removes up to `atOnce` of those that
 * are older, by the store's clock, than the retention says.
 * @returns what takes some steps, and says how many rows the last of them removed.
 */
export function createForgetWalk<Retention>(
  step: (
    database: Database,
    asked: { after: string; atOnce: number; retention: Retention },
  ) => Promise<WalkStep>,
): (database: Database, retention: Retention, atOnce: number) => Promise<number> {
  const walks = new WeakMap<Database, Walk>();
  return async (database, retention, atOnce) => {
    let { after, restsUntil } = walks.get(database) ?? { after: FIRST, restsUntil: 0 };
    if (performance.now() < restsUntil) return 0;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const { removed, last } = await step(database, { after, atOnce, retention });
      // There is more to take away where it looked: it looks there once more.
      if (removed === atOnce) return removed;
      if (last === null) {
        walks.set(database, { after: FIRST, restsUntil: performance.now() + REST_MS });
        return removed;
      }
      after = last;
      walks.set(database, { after, restsUntil: 0 });
    }
    return 0;
  };
}
