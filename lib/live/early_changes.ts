import type { Database } from "../store/database.ts";
import { type Change, oldestRunning } from "./change.ts";

/** What an open transaction holds back from the live stream. */
export interface HeldBack {
  /** The oldest transaction that is open, by its number. */
  oldest: string;
  /** Whether there are changes that wait for it. */
  any: boolean;
}

/** Looks whether an open transaction of this database holds anything back. */
export async function readHeldBackBy(database: Database): Promise<HeldBack> {
  const [row] = await database.query(
    "look for what holds the live stream up",
    (sql) =>
      sql<HeldBack[]>`
      select oldest::text, exists (select from changes where xid >= oldest) as any
      from (select ${oldestRunning(sql)} as oldest) o`,
  );
  return row;
}

/**
 * Changes that are committed but not told in their turn yet, as an older transaction is open.
 *
 * What was read so before is known by its snapshot, which says exactly which transactions it saw:
 * one that commits late is new to the next snapshot, wherever its number stands. So none is skipped
 * and none read twice, as long as the snapshots follow one another.
 *
 * @param told the snapshot of the last such reading; undefined for the first one.
 * @returns the changes, at most `most` and one; the snapshot for the next reading, which is
 * undefined when nothing is held back any more.
 */
export async function readEarly(
  database: Database,
  told: string | undefined,
  most: number,
): Promise<{ changes: Change[]; snapshot: string | undefined }> {
  const [{ snapshot, any, changes }] = await database.query(
    "read the live stream before its turn",
    (sql) =>
      sql<{ snapshot: string; any: boolean; changes: Change[] }[]>`
      select pg_current_snapshot()::text as snapshot,
        exists (select from changes where xid >= oldest) as any,
        (select coalesce(json_agg(early), '[]') from (
          select xid || '-' || seq as cursor, kind, ids from changes
          where xid >= oldest and (told is null or xid >= pg_snapshot_xmax(told)
            or xid in (select pg_snapshot_xip(told)))
          order by xid, seq limit ${most + 1}) early) as changes
      from (select ${oldestRunning(sql)} as oldest, ${told ?? null}::text::pg_snapshot as told) o`,
  );
  return { changes, snapshot: any ? snapshot : undefined };
}
