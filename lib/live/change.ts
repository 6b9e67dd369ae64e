import type { Database, Sql } from "../store/database.ts";

/** Something that changed, for the live stream: which things, and where in the order. */
export interface Change {
  /**
   * The place in the order, as the stream's event id: `{transaction}-{sequence}`; `~{number}`
   * stands behind the last one in its turn where this one was told before its own.
   */
  cursor: string;
  kind: "message" | "task" | "notification";
  ids: string[];
}

const CURSOR = /^(\d{1,20})-(\d{1,19})$/;
/** A change that was told before its turn: the cursor to go on after, and a number of its process. */
const EARLY = /~\d{1,10}$/;

/**
 * The cursor to go on after, for whoever comes back with this one: of a change that was told before
 * its turn the last one in its turn, so that nothing is skipped and some of it is told again.
 *
 * @returns undefined for what is no cursor of ours.
 */
export function toCursor(text: string): string | undefined {
  const cursor = text.replace(EARLY, "");
  return CURSOR.test(cursor) ? cursor : undefined;
}

/** The cursor of the `n`th change that is told before its turn, behind a cursor. */
export function earlyCursor(cursor: string, n: number): string {
  return `${cursor}~${n}`;
}

/**
 * Changes after a cursor, in order, none skipped and none twice.
 *
 * Read only below the oldest running transaction of this database: rows commit out of order,
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
        and xid < ${oldestRunning(sql)}
      order by xid, seq limit ${limit}`,
  );
  return rows;
}

/**
 * The oldest transaction that may still add a change; where none runs, the next one.
 *
 * A snapshot names the running transactions of all databases of the server, and one that is held
 * open in another would stop the stream. So those are left out that are known to be another's. One
 * that nobody knows of, such as one that has just ended, counts as ours. A transaction stays in
 * its database, so that the answer holds for this statement's snapshot whenever it is looked up.
 */
export function oldestRunning(sql: Sql) {
  return sql`coalesce(
    (select running from pg_snapshot_xip(pg_current_snapshot()) running
      where not exists (
        select from pg_stat_activity
        where backend_xid = running::xid and datid <> 0 and datid <>
          (select oid from pg_database where datname = current_database()))
      and not exists (
        select from pg_prepared_xacts
        where transaction = running::xid and database <> current_database())
      order by running limit 1),
    pg_snapshot_xmax(pg_current_snapshot()))`;
}

/** Whether more than `most` changes wait to be read after a cursor. */
export async function isBacklog(
  database: Database,
  after: string,
  most: number,
): Promise<boolean> {
  const [, xid, seq] = CURSOR.exec(after)!;
  const rows = await database.query(
    "measure the live stream's backlog",
    (sql) =>
      sql`
      select from changes
      where (xid, seq) > (${xid}::text::xid8, ${seq}::text::bigint)
        and xid < ${oldestRunning(sql)}
      order by xid, seq offset ${most} limit 1`,
  );
  return rows.length > 0;
}

/**
 * For how many seconds the oldest change has waited that cannot be told in its turn yet, as an
 * older transaction still runs; undefined when none waits.
 */
export async function readHeldBack(database: Database, ms: number): Promise<number | undefined> {
  const [{ seconds }] = await database.query(
    "look for what the live stream holds back",
    (sql) =>
      sql<{ seconds: number | null }[]>`
      select extract(epoch from now() - min(at))::int as seconds
      from (select at from changes where xid >= ${oldestRunning(sql)}
        order by xid, seq limit 1) held`,
    ms,
  );
  return seconds ?? undefined;
}

/** The cursor of now: what comes after it is new. */
export async function currentCursor(database: Database): Promise<string> {
  const [row] = await database.query(
    "find the end of the live stream",
    (sql) =>
      sql<{ cursor: string }[]>`
      select coalesce(
        (select xid || '-' || seq from changes
          where xid < ${oldestRunning(sql)}
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
