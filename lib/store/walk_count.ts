import type { Database, Fragment, Sql } from "./database.ts";
import { shareOf, type Walk, type WalkSearch, WINDOW } from "./walk.ts";

/** How many rows a search finds as far as it looks, and when they were made. */
export interface CountedRows {
  count: number;
  /** Whether there may be more than were counted. */
  more: boolean;
  /** As many in each part of the time between `from` and `to`, the oldest first; empty without any. */
  bars: number[];
  /** Of the oldest and the newest row that was counted. */
  from?: Date;
  to?: Date;
}

/** Bars as narrow as a finger's breadth holds three of. */
const BARS = 48;

/**
 * Counts what matches, of the newest rows that one search looks at, in one statement. The time of a
 * row is that of its id. Each walk covers all that could match: where one has come to its end, all of
 * them is counted.
 */
export async function countAlong(
  database: Database,
  what: string,
  build: (sql: Sql, window: number) => WalkSearch,
): Promise<CountedRows> {
  const rows = await database.query(what, (sql) => statement(sql, build(sql, WINDOW)));
  const [{ first, last, is_end: isEnd }] = rows;
  const bars = first === null ? [] : new Array<number>(BARS).fill(0);
  for (const { bar, items } of rows) if (bar !== null) bars[Math.min(bar, BARS) - 1] += items;
  return {
    count: bars.reduce((all, each) => all + each, 0),
    more: !isEnd,
    bars,
    ...(first !== null && last !== null
      ? { from: new Date(Number(first)), to: new Date(Number(last)) }
      : {}),
  };
}

interface BarRow {
  /** Counted from 1; null where nothing matches. */
  bar: number | null;
  items: number;
  first: string | null;
  last: string | null;
  is_end: boolean;
}

function statement(sql: Sql, { walks, columns, matches }: WalkSearch) {
  const share = shareOf(WINDOW, walks);
  const name = (index: number) => sql.unsafe(`looked_${index}`);
  const looked = ({ from, where, order, isCut }: Walk, index: number) =>
    sql`${name(index)} as materialized (
      select id, ${sql.unsafe(columns)} from ${from} where ${where}
      ${isCut ? sql`` : sql`order by ${sql.unsafe(order)} limit ${share}`})`;
  const found = (_: Walk, index: number) => sql`select id from ${name(index)} where ${matches}`;
  const isEnd = ({ isCut }: Walk, index: number) =>
    isCut ? sql`not (${isCut})` : sql`(select count(*) from ${name(index)}) < ${share}`;
  const join = (parts: Fragment[], between: Fragment) =>
    parts.reduce((all, each) => sql`${all} ${between} ${each}`);
  // The first 48 bits of an id are its milliseconds: see timeOf.
  return sql<BarRow[]>`
    with ${join(walks.map(looked), sql`,`)}, found as materialized (
      select ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint as ms
      from (${join(walks.map(found), sql` union `)}) ids
    ), span as (select min(ms) as first, max(ms) as last from found)
    select bar, items, first::text, last::text, (${join(walks.map(isEnd), sql` or `)}) as is_end
    from span left join (
      select width_bucket(ms, first, last + 1, ${BARS}) as bar, count(*)::int as items
      from found, span group by 1
    ) bars on true`;
}
