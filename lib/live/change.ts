import type { Database } from "../store/database.ts";

/** Something that changed, for the live stream: which things, and where in the order. */
export interface Change {
  /** The place in the order, as the stream's event id: `{transaction}-{sequence}`. */
  cursor: string;
  kind: "message" | "task" | "notification";
  ids: string[];
}

const CURSOR = /^(\d{1,20})-(\d{1,19})$/;

/** Whether a text could be a cursor of ours. */
export function isCursor(text: string): boolean {
  return CURSOR.test(text);
}

/**
 * Changes after a cursor, in order, none skipped and none twice.
 *
 * Read only below the oldest running transaction: rows commit out of order,
 * and one that commits late must not land behind a reader's back.
 */
export async function readChanges(
  database: Database,
  after: string,
  limit: number,
): Promise<Change[]> {
  const [, xid, seq] = CURSOR.exec(after)!;
  const rows = await database.query(
    "read the live stream",
    (sql) =>
      sql<{ cursor: string; kind: Change["kind"]; ids: string[] }[]>`
      select xid || '-' || seq as cursor, kind, to_json(ids) as ids from changes
      where (xid, seq) > (${xid}::text::xid8, ${seq}::text::bigint)
        and xid < pg_snapshot_xmin(pg_current_snapshot())
      order by xid, seq limit ${limit}`,
  );
  return rows;
}

/** The cursor of now: what comes after it is new. */
export async function currentCursor(database: Database): Promise<string> {
  const [row] = await database.query(
    "find the end of the live stream",
    (sql) =>
      sql<{ cursor: string }[]>`
      select coalesce(
        (select xid || '-' || seq from changes
          where xid < pg_snapshot_xmin(pg_current_snapshot())
          order by xid desc, seq desc limit 1),
        '0-0') as cursor`,
  );
  return row.cursor;
}

/** The oldest change there is (`0-0` when none was ever forgotten) and the cursor of now. */
export async function findEnds(
  database: Database,
): Promise<{ oldest: string; latest: string }> {
  const [[first], latest] = await Promise.all([
    database.query(
      "find the start of the live stream",
      (sql) =>
        sql<{ cursor: string; seq: string }[]>`
        select xid || '-' || seq as cursor, seq from changes order by xid, seq limit 1`,
    ),
    currentCursor(database),
  ]);
  return { oldest: first && first.seq !== "1" ? first.cursor : "0-0", latest };
}

/** Whether one place in the order comes after another. */
export function isAfter(one: string, other: string): boolean {
  const [xid, seq] = one.split("-").map(BigInt);
  const [otherXid, otherSeq] = other.split("-").map(BigInt);
  return xid > otherXid || (xid === otherXid && seq > otherSeq);
}

/**
 * Forgets changes older than a day, the oldest `limit` at a time; a client away
 * for longer reads its lists anew.
 */
export async function forgetChanges(database: Database, limit: number): Promise<number> {
  const rows = await database.query(
    "forget old changes",
    (sql) =>
      // The oldest first, then their age: a search for old ones would read the whole table.
      sql`delete from changes where seq in (
      select seq from (select seq, at from changes order by seq limit ${limit}) oldest
      where at < now() - interval '1 day'
    ) returning seq`,
  );
  return rows.length;
}
