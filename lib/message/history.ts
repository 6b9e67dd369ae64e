import type { Database } from "../store/database.ts";

/** What became of a message beside what its own row says. */
export interface HistoryEntry {
  at: Date;
  kind: "refused" | "released" | "repeated";
  /** Who released it. */
  actor: string | null;
  /** How often it was repeated at that time. */
  times: number;
  /** Why it was refused. */
  reason: string | null;
}

/** More repeats of one message are only counted: a sender that never stops must not fill a table. */
export const MOST_REPEATS_KEPT = 20;

/** What is kept of a message's history, the oldest first. */
export async function readHistory(database: Database, id: string): Promise<HistoryEntry[]> {
  return await database.query("read a message's history", (sql) =>
    sql<HistoryEntry[]>`
      select at, kind, actor, times, reason from message_history where message_id = ${id}
      order by at limit ${MOST_REPEATS_KEPT + 10}`);
}
