import type { Database } from "./database.ts";

/**
 * Whether the table `counts` has all there is: what was there before it was made is counted by
 * `0013_rows.after.sql` and `0014_activity.after.sql`.
 */
export const COUNTED =
  "(select count(*) = 2 from upgrades where name in ('counted', 'task messages counted'))";

/** As many rows as are added up well within a statement's time. */
export const FOLDED_AT_ONCE = 20_000;

/** Minutes that are kept; older ones become hours: a chart of a week has no use for them. */
const MINUTES_HOURS = 25;
/** A little more than the longest chart shows. */
const ACTIVITY_DAYS = 8;

/**
 * Adds up what triggers have written into `counts` since the last time: a row for each kind, type
 * and state instead of one for each statement. Of what stands alone nothing is written again. May
 * run in any number of processes.
 *
 * @returns how many rows were added up, 20,000 at most: there may be more.
 */
export async function foldCounts(database: Database): Promise<number> {
  return await fold(database, {
    table: "counts",
    keys: "kind, type, state",
    sums: ["items", "repeats"],
    where: COUNTED,
  });
}

/** The same for `activity`: a row for each minute, of the newest rows; and hours of old minutes. */
export async function foldActivity(database: Database): Promise<number> {
  await database.query("make hours of minutes", (sql) =>
    sql`
      with gone as (
        delete from activity where ctid = any(array(select ctid from activity
          -- Whole hours, so that each is made once; those before were made the last time.
          where minute < date_trunc('hour', now() - make_interval(hours => ${MINUTES_HOURS}))
            and minute > now() - make_interval(hours => ${2 * MINUTES_HOURS})
            and minute <> date_trunc('hour', minute)
          order by minute limit ${FOLDED_AT_ONCE} for update skip locked)) returning *
      )
      insert into activity (minute, kind, type, name, state, items)
      select date_trunc('hour', minute), kind, type, name, state, sum(items) from gone
      group by 1, 2, 3, 4, 5`);
  return await fold(database, {
    table: "activity",
    keys: "minute, kind, type, name, state",
    sums: ["items"],
    order: "order by minute desc",
  });
}

/** Removes what is too old for every chart; at most 20,000 rows. */
export async function forgetActivity(database: Database): Promise<number> {
  const rows = await database.query("forget what happened long ago", (sql) =>
    sql`
      delete from activity where ctid = any(array(select ctid from activity
        where minute < now() - make_interval(days => ${ACTIVITY_DAYS})
        limit ${FOLDED_AT_ONCE} for update skip locked)) returning 1`);
  return rows.length;
}

async function fold(
  database: Database,
  { table, keys, sums, where = "true", order = "" }: {
    table: string;
    keys: string;
    sums: string[];
    where?: string;
    order?: string;
  },
): Promise<number> {
  const summed = sums.map((column) => `sum(${column})`);
  const [{ folded }] = await database.query(
    `add up ${table}`,
    (sql) =>
      sql.unsafe<{ folded: number }[]>(`
      with duplicated as materialized (
        select ${keys} from (select ${keys} from ${table} ${order} limit ${FOLDED_AT_ONCE}) first
        group by ${keys} having count(*) > 1
      ), picked as materialized (
        select c.ctid as at from ${table} c join duplicated using (${keys})
        where ${where} limit ${FOLDED_AT_ONCE} for update of c skip locked
      ), gone as (
        delete from ${table} where ctid in (select at from picked) returning *
      ), sums as (
        insert into ${table} (${keys}, ${sums})
        select ${keys}, ${summed} from gone
        group by ${keys} having ${summed.map((sum) => `${sum} <> 0`).join(" or ")}
      )
      select count(*)::int as folded from picked`),
  );
  return folded;
}
