import type { Database, Fragment, Sql } from "../../store/database.ts";
import { timeOf } from "../../store/id.ts";
import { HAS_URL, OPEN_NAME, SECRET_NAME } from "../../redaction/mask.ts";
import type { MessageSearch } from "./criteria.ts";
import { type FoundIds, likePattern, type WalkSearch, WINDOW } from "../../store/walk.ts";

/** After so long no more contents are read: some thousand small ones, or some megabytes. */
const MOST_MS = 150;
/** Of a larger body this is looked at: a server reads some 50 MB a second for it. */
const MOST_CHARACTERS = 4_000_000;

/**
 * Looks for texts in bodies and headers, as they were received and whatever their case: in the newest
 * ones that the other filters leave, for about {@link MOST_MS}. No index helps: one on all bodies
 * would cost more than they do.
 */
export async function findInContents(
  database: Database,
  search: MessageSearch,
  build: (sql: Sql, window: number) => WalkSearch,
  { limit, ms = MOST_MS }: { limit: number; ms?: number },
): Promise<FoundIds> {
  const rows = await database.query(
    "look into bodies and headers",
    (sql) => statement(sql, build(sql, WINDOW), { contains: contains(sql, search), ms }),
  );
  const unread = rows.find(({ hit }) => hit === null);
  const read = unread ? rows.slice(0, rows.indexOf(unread)) : rows;
  const hits = read.filter(({ hit }) => hit).map(({ id }) => id);
  const ids = hits.slice(0, limit);
  if (hits.length > limit) return { ids, next: ids.at(-1) };
  const last = read.at(-1);
  if (!last || (!unread && last.place < WINDOW)) return { ids };
  return { ids, next: last.id, stopped: { looked: last.place, to: timeOf(last.id) } };
}

interface ContentRow {
  id: string;
  /** Null when there was no time left to read it. */
  hit: boolean | null;
  /** From the newest one on, counted from 1. */
  place: number;
}

/**
 * Rows that say something: what was found, the last one that was read, the first one that was
 * not. However slow the server is, it reads one, so that whoever looks further gets on.
 */
function statement(
  sql: Sql,
  { walks, columns, matches }: WalkSearch,
  { contains, ms }: { contains: Fragment; ms: number },
) {
  // Any one of the walks is enough: the last is in the order of ids.
  const { from, where, order } = walks.at(-1)!;
  return sql<ContentRow[]>`
    with looked as materialized (
      select id, place, case
        when not (${matches}) then false
        when place = 1 or clock_timestamp() < statement_timestamp() + make_interval(secs => ${
    ms / 1_000
  }) then ${contains}
        end as hit
      from (
        select *, row_number() over ()::int as place from (
          select id, ${sql.unsafe(columns)} from ${from} where ${where}
          order by ${sql.unsafe(order)} limit ${WINDOW}) newest
      ) numbered
    ), unread as (
      select min(place) as place from looked where hit is null
    )
    select id, hit, looked.place from looked, unread
    where hit or looked.place in (unread.place, unread.place - 1)
      or (unread.place is null and looked.place = (select max(place) from looked))
    order by looked.place`;
}

/**
 * The contents are asked for row by row, so that those are not read for which there is no time.
 * What one of the texts is not in need not be looked into for the other.
 */
function contains(sql: Sql, search: MessageSearch): Fragment {
  const { body, header } = search;
  const found = sql`${header ? inHeaders(sql, header, search.secretNames) : sql`true`}
    and ${body ? inBody(sql, body) : sql`true`}`;
  return sql`coalesce(
    (select ${found} from message_contents where message_id = id and envelope is not null),
    ${found}, false)`;
}

/** Bytes that are no text are compared as PostgreSQL writes them, in which ASCII stays as it is. */
function inBody(sql: Sql, text: string): Fragment {
  return sql`coalesce(
    left(body, ${MOST_CHARACTERS}) ilike ${likePattern(text)},
    encode(substr(body_bytes, 1, ${MOST_CHARACTERS}), 'escape') ilike ${
    likePattern(escaped(text))
  })`;
}

/**
 * Of what `maskHeaders` masks nothing is compared, so that nobody finds a secret by asking for its
 * parts: not the values of secret headers, and no URL that has a place for a secret.
 */
function inHeaders(sql: Sql, text: string, secretNames: readonly string[] = []): Fragment {
  // No JSON reader of PostgreSQL takes a NUL for text, and the search must not fail because of one.
  return sql`(envelope is not null and position('\\u0000' in envelope) = 0 and exists (
    select from json_array_elements(envelope::json -> 'headers') as given(header),
      lateral (select header ->> 0 as name, header ->> 1 as value) h
    where case
      when name = any(${`{${secretNames.map((name) => JSON.stringify(name)).join(",")}}`}::text[])
        or name ~* ${SECRET_NAME.source} and not name ~* ${OPEN_NAME.source}
        or value ~* ${HAS_URL.source} and value ~ '[?@]'
      then name else name || ': ' || value end ilike ${likePattern(text)}))`;
}

/** The bytes of a text as PostgreSQL's format `escape` writes them, in which ASCII stays as it is. */
function escaped(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    if (byte === 0x5c) return "\\\\";
    return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
  }).join("");
}
