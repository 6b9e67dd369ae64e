import type { Database } from "../../store/database.ts";

/** Trials that were begun together. */
export interface TrialBatch {
  id: string;
  model: string;
  /** How many are still kept. */
  count: number;
  at: Date;
}

/** More are not looked through on a page. */
const MOST_BATCHES = 10;

/** The newest batches of a source, newest first. */
export async function listBatches(database: Database, source: string): Promise<TrialBatch[]> {
  return await database.query("list a source's batches of trials", (sql) =>
    sql<TrialBatch[]>`
      select batch_id as id, min(model) as model, count(*)::int as count, min(created_at) as at
      from trials where batch_id is not null and source = ${source}
      group by batch_id order by batch_id desc limit ${MOST_BATCHES}`);
}
