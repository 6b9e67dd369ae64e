import { createHash } from "node:crypto";
import type { Database, Fragment, Sql } from "../../store/database.ts";
import { type IdRange, idsBeginning, rangeWithin } from "../../store/id.ts";
import {
  findAlong,
  type FoundIds,
  type FoundItems,
  likePattern,
  loadFound,
  type WalkSearch,
} from "../../store/walk.ts";
import { countAlong, type CountedRows } from "../../store/walk_count.ts";
import { idArray } from "../../store/stored.ts";
import { findMessages, type Message } from "../message.ts";
import { findInContents } from "./content_scan.ts";
import type { MessageSearch } from "./criteria.ts";
import { newestOfSubject } from "./newest_of_subject.ts";
import { PHASE } from "./phase.ts";
import { NAMED, walksOf } from "./walks.ts";

/** What acts on many messages may look at twice as many as a page's search. */
const MANY_WINDOW = 20_000;

/**
 * Messages that match, newest first. An id is looked up among all; by whatever else, so many
 * messages are looked at and no more.
 *
 * @param options `sources` are the names that a delivery's id may belong to; `bodyMs` is how long
 *   bodies are read, if not as long as usual.
 */
export async function searchMessages(
  database: Database,
  search: MessageSearch,
  options: { limit: number; sources: readonly string[]; bodyMs?: number },
): Promise<FoundItems<Message>> {
  const found = await findIds(database, search, options);
  return await loadFound(found, (ids) => findMessages(database, ids), (each) => each.message_id);
}

/**
 * The ids of what matches, newest first, and whether these are all.
 *
 * @param options `redeliverable` leaves rejected ones out. With `upTo` and `from` those between two ids, both included; `bodyMs` as above.
 */
export async function findMessageIds(
  database: Database,
  search: MessageSearch,
  { most, ...options }: {
    most: number;
    upTo?: string;
    from?: string;
    bodyMs?: number;
    redeliverable?: boolean;
  },
): Promise<FoundIds> {
  return await findIds(database, search, { limit: most, window: MANY_WINDOW, ...options });
}

interface FindOptions {
  limit: number;
  /** Unless it is given, no ids are looked up. */
  sources?: readonly string[];
  window?: number;
  bodyMs?: number;
  upTo?: string;
  from?: string;
  redeliverable?: boolean;
}

async function findIds(
  database: Database,
  search: MessageSearch,
  { limit, sources, window, bodyMs, upTo, from, redeliverable }: FindOptions,
): Promise<FoundIds> {
  const range = rangeOf(search, { from, upTo });
  const built = (sql: Sql, window: number) =>
    walkSearchOf(sql, search, { range, window, redeliverable });
  if (search.body || search.header) {
    return await findInContents(database, search, built, { limit, ms: bodyMs });
  }
  return await findAlong(
    database,
    "search messages",
    (sql, most) => ({ key: sources && keyOf(sql, search, sources), ...built(sql, most) }),
    { limit, window },
  );
}

/** The parts of a statement that looks for what matches, along the indexes. */
function walkSearchOf(
  sql: Sql,
  search: MessageSearch,
  { range, window, redeliverable = false }: {
    range: IdRange;
    window: number;
    redeliverable?: boolean;
  },
): WalkSearch {
  const isGrouped = search.group === "subject" && !search.body && !search.header;
  return {
    walks: walksOf(sql, search, { range, window }),
    columns: columnsOf(search) + (isGrouped ? ", subject_id" : ""),
    matches: sql`${matches(sql, search)} ${
      redeliverable ? sql`and state <> 'rejected' and released_at is null` : sql``
    }`,
    group: isGrouped
      ? newestOfSubject(sql, {
        from: "messages",
        matches: matches(sql, search),
        before: search.before?.toLowerCase(),
        range: rangeOf({ ...search, before: undefined }, {}),
      })
      : undefined,
  };
}

/** How many match and when they came, as far as one search looks, each by itself; see {@link countAlong}. */
export async function countMessages(
  database: Database,
  search: MessageSearch,
): Promise<CountedRows | undefined> {
  // Reading contents takes its time: the search itself says what it has found.
  if (search.body || search.header) return undefined;
  const range = rangeOf(search, {});
  return await countAlong(
    database,
    "count messages",
    (sql, window) => walkSearchOf(sql, { ...search, group: undefined }, { range, window }),
  );
}

/** The narrower of the ranges. */
function rangeOf(
  { batch, since, until, before }: MessageSearch,
  { from, upTo }: { from?: string; upTo?: string },
): IdRange {
  const [first, last] = batch?.map((id) => id.toLowerCase()) ?? [];
  const lowest = [from, first].filter((id) => id !== undefined).sort().at(-1);
  const [highest] = [upTo, last].filter((id) => id !== undefined).sort();
  return rangeWithin({ from: lowest, to: highest, before: before?.toLowerCase() }, {
    since,
    until,
  });
}

function columnsOf({ text, body, header }: MessageSearch): string {
  return `source, webhook_type, verification, state, title, event, task_id, replay_of, lease_until,
    released_at
    ${header || text && ADDRESS.test(text) ? ", envelope" : ""} ${
    body ? ", body, body_bytes" : ""
  }`;
}

function matches(
  sql: Sql,
  {
    state,
    phase,
    batch,
    source,
    webhook_type,
    verification,
    replay_of,
    task_id,
    text,
    body,
    header,
    hidden = [],
  }: MessageSearch,
): Fragment {
  return sql`true
    ${state === "taken" ? sql`and state <> 'rejected'` : state ? sql`and state = ${state}` : sql``}
    ${phase ? sql`and ${sql.unsafe(PHASE)} = ${phase}` : sql``}
    ${batch ? sql`and replay_of is not null` : sql``}
    ${
    source
      ? sql`and (source = ${source.toLowerCase()} or ${
        sql.unsafe(NAMED)
      } = ${source.toLowerCase()})`
      : sql``
  }
    ${webhook_type ? sql`and webhook_type = ${webhook_type}` : sql``}
    ${verification ? sql`and verification = ${verification}` : sql``}
    ${task_id ? sql`and task_id = ${task_id}` : sql``}
    ${replay_of ? sql`and replay_of = ${replay_of}` : sql``}
    ${
    (body || header) && hidden.length > 0
      ? sql`and not (source = any(${idArray(hidden)}::text[])
          or lower(webhook_type) = any(${idArray(hidden)}::text[]))`
      : sql``
  }
    ${text ? sql`and ${contains(sql, text)}` : sql``}`;
}

/** An address, or its beginning: with a dot or a colon, so that a word is none. */
const ADDRESS = /^[\da-f]{0,4}[.:][\d.:a-f]{0,43}$/i;

function contains(sql: Sql, text: string): Fragment {
  const like = likePattern(text);
  return sql`(title ilike ${like} or event ilike ${like} or webhook_type ilike ${like}
    ${
    ADDRESS.test(text)
      ? sql`or coalesce((select c.envelope from message_contents c where c.message_id = id), envelope)
        like ${`%"client_ip":"${text.toLowerCase()}%`}`
      : sql``
  })`;
}

/** The beginning of an id stands for a minute of messages. */
const MOST_NAMED = 50;

/** Ids are looked up, not searched for: a message's or its beginning, a task's, a delivery's. */
function keyOf(
  sql: Sql,
  { text, before }: MessageSearch,
  sources: readonly string[],
): Fragment | undefined {
  if (!text || before) return undefined;
  const key = createHash("sha256").update(text).digest();
  const [first, last] = idsBeginning(text) ?? [];
  const begins = (select: string, id: string) =>
    sql`union (select ${sql.unsafe(select)} where ${sql.unsafe(id)} between ${first!} and ${last!}
      order by ${sql.unsafe(id)} desc limit ${MOST_NAMED})`;
  return sql`
    select id from (
      select id from messages
      where source = any(${`{${sources.map((name) => `"${name}"`).join(",")}}`}::text[])
        and delivery_key = ${key}
      ${
    first && last
      ? sql`
        ${begins("id from messages", "id")}
        ${begins("message_id from tasks", "id")}
        ${begins("message_id from message_aliases", "alias")}`
      : sql``
  }) named order by id desc limit ${MOST_NAMED}`;
}
