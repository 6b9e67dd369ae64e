import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Database } from "../store/database.ts";

/** Counts the webhooks of paused sources, whose senders were asked to come again. */
export interface TurnedAway {
  /** Never waits and never fails. `source` is the name that a person has paused. */
  note(source: string): void;
}

/** However many come, the store is written to once a second. */
const PACE_MS = 1_000;

export function openTurnedAway({ database, log }: { database: Database; log: Log }): TurnedAway {
  let pending = new Map<string, number>();
  let writing = false;

  async function write(): Promise<void> {
    writing = true;
    while (pending.size > 0) {
      const counts = [...pending].map(([source, count]) => ({ source, count }));
      pending = new Map();
      try {
        await add(database, counts);
      } catch (error) {
        log.debug("pauses.not_counted", { error: errorText(error) });
      }
      await pause(PACE_MS);
    }
    writing = false;
  }

  return {
    note(source) {
      pending.set(source, (pending.get(source) ?? 0) + 1);
      if (!writing) void write();
    },
  };
}

/** In one order, so that two processes cannot wait for each other. */
async function add(database: Database, counts: { source: string; count: number }[]): Promise<void> {
  await database.query("count what was turned away", (sql) =>
    sql`
      insert into turned_away as t (source, count, last_at)
      select source, count, now()
      from jsonb_to_recordset(${JSON.stringify(counts)}::text::jsonb)
        as c(source text, count bigint)
      order by source
      on conflict (source) do update
      set count = t.count + excluded.count, last_at = excluded.last_at`);
}

/** How many webhooks of each paused source were turned away since it was paused. */
export async function readTurnedAway(database: Database): Promise<Map<string, number>> {
  const rows = await database.query(
    "read what was turned away",
    (sql) =>
      sql<{ source: string; count: number }[]>`
      select source, count::float as count from turned_away order by last_at desc limit 500`,
  );
  return new Map(rows.map(({ source, count }) => [source, count]));
}

/** Begins to count a source anew. */
export async function forgetTurnedAway(database: Database, source: string): Promise<void> {
  await database.query(
    "forget what was turned away",
    (sql) => sql`delete from turned_away where source = ${source}`,
  );
}
