import type { Database } from "../../store/database.ts";

/** Whom Otto has heard within the last weeks, and what stands about it. */
export interface HeardSource {
  source: string;
  first_at: Date;
  last_at: Date;
  /** As a person has set it on the source's page. */
  tell_after_hours: number | null;
  silence_id: string | null;
  alarmed_at: Date | null;
}

/** No more are kept that a sender could invent, and of ours there are about a hundred. */
const MOST_HEARD = 1_000;

/** All that were heard within the last weeks. */
export async function listHeard(database: Database): Promise<HeardSource[]> {
  return await database.query("list who was heard", (sql) =>
    sql<HeardSource[]>`
      select source, first_at, last_at, tell_after_hours, silence_id, alarmed_at
      from heard_sources order by source limit ${MOST_HEARD}`);
}

/** One of them; undefined when nothing came of it within weeks. */
export async function readHeard(
  database: Database,
  source: string,
): Promise<HeardSource | undefined> {
  const [row] = await database.query("read who was heard", (sql) =>
    sql<HeardSource[]>`
      select source, first_at, last_at, tell_after_hours, silence_id, alarmed_at
      from heard_sources where source = ${source}`);
  return row;
}

/**
 * Sets after how many hours without a message people are told, whatever the weeks before say;
 * undefined leaves it to them.
 *
 * @returns whether the source was ever heard within the last weeks: else there is nothing to miss.
 */
export async function tellAfter(
  database: Database,
  { source, hours }: { source: string; hours?: number },
): Promise<boolean> {
  const rows = await database.query("set when a silence is told", (sql) =>
    sql`
      update heard_sources set tell_after_hours = ${hours ?? null}::real
      where source = ${source} returning source`);
  return rows.length > 0;
}

/** How many of a source's messages are looked at: the newest among those of other types. */
const MOST_LOOKED_AT = 10_000;

/**
 * Whether a message of a source has come that no slot has: one that lay in the spill has an id, and
 * a time, from before it was counted.
 */
export async function hasCome(
  database: Database,
  { source, after }: { source: string; after: Date },
): Promise<boolean> {
  const rows = await database.query("look for a message of a source", (sql) =>
    sql`
      select from (
        select * from (
          select webhook_type, state, replay_of, received_at from messages
          where source = ${source} order by id desc limit ${MOST_LOOKED_AT}) own
        union all
        select * from (
          select webhook_type, state, replay_of, received_at from messages
          where source = 'generic' order by id desc limit ${MOST_LOOKED_AT}) others
        where lower(webhook_type) = ${source}
      ) m
      where state <> 'rejected' and replay_of is null
        and received_at > ${after}::timestamptz + interval '1 millisecond' limit 1`);
  return rows.length > 0;
}
