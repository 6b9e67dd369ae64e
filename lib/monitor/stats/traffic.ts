import type { Database } from "../../store/database.ts";
import { notHeld } from "../../message/group/group.ts";

/** What waits, and what came in the last hour: numbers only, since anyone may ask. */
export interface Traffic {
  /** Messages that wait for a worker, 10,000 at most. */
  depth: number;
  /** How long the oldest of them has waited. */
  oldest_age_seconds: number | null;
  last_hour: {
    accepted: number;
    refused: number;
  };
}

/** Counting stops here: it is far too many in any case. */
export const MOST_WAITING = 10_000;

/** Counts what waits and what came, by the beginning of an index and by what is counted as it happens. */
export async function readTraffic(database: Database, ms: number): Promise<Traffic> {
  const [{ accepted, refused, ...waiting }] = await database.query(
    "check the queue",
    (sql) =>
      sql<{
        depth: number;
        oldest_age_seconds: number | null;
        accepted: number;
        refused: number;
      }[]>`
      select count(*)::int as depth,
        extract(epoch from now() - min(stored_at))::int as oldest_age_seconds,
        (select coalesce(sum(items), 0)::float from activity
          where kind = 'message' and state = 'received'
            and minute > now() - interval '1 hour') as accepted,
        (select coalesce(sum(count), 0)::float from refusal_counts
          where minute > now() - interval '1 hour') as refused
      from (select stored_at from messages where state = 'new' and ${notHeld(sql)}
        order by id limit ${MOST_WAITING}) m`,
    ms,
  );
  return { ...waiting, last_hour: { accepted, refused } };
}
