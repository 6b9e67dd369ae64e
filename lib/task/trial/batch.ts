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

/**
 * The newest batches of a source, newest first.
 *
 * @param type only of messages with this name in the URL, in small letters: all that Otto does not
 * know are one source.
 */
export async function listBatches(
  database: Database,
  { source, type }: { source: string; type?: string },
): Promise<TrialBatch[]> {
  return await database.query("list a source's batches of trials", (sql) =>
    sql<TrialBatch[]>`
      select t.batch_id as id, min(t.model) as model, count(*)::int as count,
        min(t.created_at) as at
      from trials t join messages m on m.id = t.message_id
      where t.batch_id is not null and t.source = ${source}
        ${type === undefined ? sql`` : sql`and lower(m.webhook_type) = ${type}`}
      group by t.batch_id order by batch_id desc limit ${MOST_BATCHES}`);
}
