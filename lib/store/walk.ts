import type { Database, Fragment, Sql } from "./database.ts";
import { idBefore, type IdRange, timeOf } from "./id.ts";

/** A way through the rows of a table along one of its indexes, of which so many are looked at. */
export interface Walk {
  /** The table, or what it is made of, with a column `id`. */
  from: Fragment;
  /** What the index answers. */
  where: Fragment;
  /** The index's order, from the newest row on. */
  order: string;
  /**
   * Of rows that no index has in the order of `id` there are only so many in `from`: whether some
   * were left out. Then the walk is good for nothing.
   */
  isCut?: Fragment;
}

/** What is looked for, and where. */
export interface WalkSearch {
  /** Ids that are looked up before anything is looked for: where there are any, they are all that is found. */
  key?: Fragment;
  /** Each covers all that could match: what one of them has come to the end of is found. */
  walks: Walk[];
  /** The columns of `from` that `matches` and the walks' orders speak of, besides `id`. */
  columns: string;
  matches: Fragment;
  group?: WalkGroup;
}

/** Of rows with one value in a column only the newest is found, and each without any. */
export interface WalkGroup {
  /** One of the walk's columns. */
  column: string;
  /** Whether a row `looked` at was not found on an earlier page by a newer one. */
  isNew: Fragment;
}

/** Where a search stopped although there may be more. */
export interface SearchStop {
  /** How many rows were looked at. */
  looked: number;
  /** Nothing newer than this was left out. */
  to: Date;
}

/** What a search has found. */
export interface FoundIds {
  /** Newest first. */
  ids: string[];
  /** Where to go on; undefined when there is nothing older. */
  next?: string;
  /** Only where it stopped because it had looked at as many rows as one search does. */
  stopped?: SearchStop;
}

/** What a search has found, as whoever asked gets it. */
export interface FoundItems<T> extends Omit<FoundIds, "ids"> {
  /** Newest first. */
  items: T[];
}

/** Loads what was found, in its order; what has been deleted meanwhile is left out. */
export async function loadFound<T>(
  { ids, ...more }: FoundIds,
  find: (ids: readonly string[]) => Promise<T[]>,
  idOf: (item: T) => string,
): Promise<FoundItems<T>> {
  if (ids.length === 0) return { items: [], ...more };
  const found = new Map((await find(ids)).map((item) => [idOf(item), item]));
  const items = ids.map((id) => found.get(id)).filter((item) => item !== undefined);
  return { items, ...more };
}

/**
 * One search looks at as many rows, and says so: however large a table is, a question costs no
 * more than this. With more of them a server would rather read the whole of a small table.
 */
export const WINDOW = 10_000;

/**
 * The newest rows that match, in one statement that looks at no more than `window` rows: the walks
 * share them.
 *
 * @param build makes the parts of the statement; what they limit themselves is not less than the
 *   window that they are given.
 */
export async function findAlong(
  database: Database,
  what: string,
  build: (sql: Sql, window: number) => WalkSearch,
  { limit, window = WINDOW }: { limit: number; window?: number },
): Promise<FoundIds> {
  let walks: Walk[] = [];
  const rows = await database.query(what, (sql) => {
    const search = build(sql, window);
    walks = search.walks;
    return statement(sql, search, { limit, window: shareOf(window, walks) });
  });
  const keyed = rows.filter(({ walk }) => walk === KEY).map(({ id }) => id);
  if (keyed.length > 0) return { ids: newestFirst(keyed).slice(0, limit) };
  const bounds = walks.map((walk, index) => {
    const its = rows.filter((row) => row.walk === index);
    const stop = its.find((row) => row.stop)?.id;
    const hits = newestFirst(its.filter((row) => !row.stop).map(({ id }) => id));
    if (walk.isCut && stop !== undefined) return LAST_ID;
    // It found more than was asked for: so far it has looked, whether there is more or not.
    return hits.length > limit ? hits[limit] : stop;
  });
  // What one walk has come to the end of is found: the farthest counts.
  const bound = bounds.includes(undefined) ? undefined : bounds.sort()[0];
  const found = newestFirst(rows.filter((row) => !row.stop).map(({ id }) => id))
    .filter((id) => bound === undefined || id >= bound);
  const ids = found.slice(0, limit);
  if (found.length > limit) return { ids, next: ids.at(-1) };
  if (bound === undefined) return { ids };
  return { ids, next: bound, stopped: { looked: window, to: timeOf(bound) } };
}

interface WalkRow {
  walk: number;
  id: string;
  stop: boolean;
}

const KEY = -1;

/** How many rows each of the walks may look at. */
export function shareOf(window: number, walks: readonly Walk[]): number {
  return Math.floor(window / walks.length);
}

function newestFirst(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort().reverse();
}

function statement(
  sql: Sql,
  { key, walks, columns, matches, group }: WalkSearch,
  { limit, window }: { limit: number; window: number },
) {
  const unlessKeyed = key ? sql`and not exists (select from keyed)` : sql``;
  const hits = (index: number) => sql.unsafe(`hits_${index}`);
  const looked = ({ from, where, order, isCut }: Walk) =>
    sql`select id, ${sql.unsafe(columns)} from ${from} where ${where}
      ${isCut ? sql`` : sql`order by ${sql.unsafe(order)} limit ${window}`}`;
  const found = walks.flatMap((walk, index) =>
    group
      ? newestOfEach(sql, { looked: looked(walk), matches, unlessKeyed, group, limit, index })
      : [
        sql`${hits(index)} as materialized (
        select id from (${looked(walk)}) looked where ${matches} ${unlessKeyed}
        order by ${sql.unsafe(walk.order)} limit ${limit + 1})`,
      ]
  );
  const stop = ({ from, where, order, isCut }: Walk, index: number) =>
    isCut ? sql`select ${index}::int, ${LAST_ID}::uuid, true where ${isCut} ${unlessKeyed}` : sql`
      (select ${index}::int, id, true from ${from}
      where ${where} and (select count(*) from ${hits(index)}) <= ${limit} ${unlessKeyed}
      order by ${sql.unsafe(order)} offset ${window - 1} limit 1)`;
  const results = walks.map((walk, index) =>
    sql`select ${index}::int as walk, id, false as stop from ${hits(index)}
      union all ${stop(walk, index)}`
  );
  const keyed = key && sql`keyed as materialized (${key})`;
  return sql<WalkRow[]>`
    with ${listOf(sql, keyed ? [keyed, ...found] : found, sql`,`)}
    ${listOf(sql, results, sql` union all `)}
    ${key ? sql`union all select ${KEY}::int, id, false from keyed` : sql``}`;
}

/** The hits of a walk, of which each group has one: what matches is known before they are grouped. */
function newestOfEach(
  sql: Sql,
  { looked, matches, unlessKeyed, group: { column, isNew }, limit, index }: {
    looked: Fragment;
    matches: Fragment;
    unlessKeyed: Fragment;
    group: WalkGroup;
    limit: number;
    index: number;
  },
): Fragment[] {
  const [by, matched, hits] = [column, `matched_${index}`, `hits_${index}`].map((name) =>
    sql.unsafe(name)
  );
  return [
    sql`${matched} as materialized (
      select id, ${by} from (${looked}) looked where ${matches} ${unlessKeyed})`,
    sql`${hits} as materialized (
      select id from (
        select *, row_number() over (partition by coalesce(${by}, id) order by id desc) as place
        from ${matched}) looked
      where place = 1 and ${isNew} order by id desc limit ${limit + 1})`,
  ];
}

function listOf(sql: Sql, parts: readonly Fragment[], between: Fragment): Fragment {
  return parts.reduce((all, each) => sql`${all} ${between} ${each}`);
}

/** The ids of a range, as an index on them is asked. */
export function idBounds(sql: Sql, { from, to, before }: IdRange): Fragment {
  return sql`true
    ${from ? sql`and id >= ${from}` : sql``}
    ${to ? sql`and id <= ${to}` : sql``}
    ${before ? sql`and id < ${before}` : sql``}`;
}

/** No id comes after it. */
const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/**
 * The rows with one value in a column, by an index on (column, id). The comparison of rows says
 * just this, and no other index has this order: of an equality the server may think that it finds
 * enough of them soon among the newest of all rows, and then reads the whole table.
 */
export function keyedWalk(
  sql: Sql,
  { from, column, value, range, where = sql`true` }: {
    from: Fragment;
    column: string;
    value: string;
    range: IdRange;
    where?: Fragment;
  },
): Walk {
  const pair = sql.unsafe(`(${column}, id)`);
  // Of a "less than" the server reckons that no row has this value, and sorts all those that have.
  const [last] = [range.to, range.before && idBefore(range.before)]
    .filter((id) => id !== undefined).sort();
  return {
    from,
    where: sql`${pair} >= (${value}, ${range.from ?? FIRST_ID})
      and ${pair} <= (${value}, ${last ?? LAST_ID}) and ${where}`,
    order: `${column} desc, id desc`,
  };
}

/** The first rows of a walk, as something to select from. */
export function firstRows(sql: Sql, { from, where, order }: Walk, most: number): Fragment {
  return sql`(select * from ${from} where ${where} order by ${sql.unsafe(order)} limit ${most})`;
}

/** A pattern for `ilike` that finds a text as it stands. */
export function likePattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, "\\$&")}%`;
}
