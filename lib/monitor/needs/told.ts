import type { NeedKind } from "../../config/settings.ts";
import type { Database } from "../../store/database.ts";
import { intoOutbox } from "../../store/outbox.ts";
import { newId } from "../../store/id.ts";
import { storedJson, storedText } from "../../store/stored.ts";
import { NEED } from "../../notify/need.ts";
import type { Destination } from "../../task/destination.ts";
import type { Group } from "./groups.ts";

/** What was told of a group. */
export interface Told {
  key: string;
  kind: NeedKind;
  source: string;
  tellings: number;
  told_count: number;
  /** Whether it was told that nothing new comes. */
  is_quiet: boolean;
  words: string;
}

/** Told once more when there are so many times more of it. */
export const GROWN = 10;
/** The group that stands for those that were held back. */
export const MORE = "more";
/** Nobody needs to know any more what was told of them. */
const KEPT_DAYS = 8;

/** What was told and is not over, what time it is, and how much began within the last hour. */
export async function readTold(
  database: Database,
): Promise<{ now: Date; lately: number; told: Told[] }> {
  const [row] = await database.query(
    "read what was told",
    (sql) =>
      sql<{ now: Date; lately: number; told: Told[] }[]>`
      select now() as now,
        (select count(*)::int from need_groups
          where began_at > now() - interval '1 hour' and key <> ${MORE}) as lately,
        coalesce((select json_agg(g) from (
          select key, kind, source, tellings, told_count, is_quiet, words from need_groups
          where told_count is not null order by key limit 1000) g), '[]') as told`,
  );
  return row;
}

/**
 * Tells that a group has begun, or has grown; the statement that remembers it writes the outbox.
 *
 * @returns how many were told: none where another process was first.
 */
export async function tellBegun(
  database: Database,
  { key, kind, source, words, count }: Group,
  { destinations, text, isQuiet }: { destinations: Destination[]; text: string; isQuiet: boolean },
): Promise<number> {
  const outbox = outboxOf(key, { destinations, text });
  const [{ told }] = await database.query(
    "tell what needs somebody",
    (sql) =>
      sql<{ told: number }[]>`
      with remembered as (
        insert into need_groups as g
          (key, kind, source, tellings, told_count, told_at, began_at, is_quiet, words)
        values (${key}, ${kind}, ${source}, 1, ${count}, now(), now(), ${isQuiet},
          ${storedText(words)})
        on conflict (key) do update set tellings = g.tellings + 1,
          told_count = excluded.told_count, told_at = now(),
          began_at = case when g.told_count is null then now() else g.began_at end,
          is_quiet = excluded.is_quiet, words = excluded.words, updated_at = now()
        where g.told_count is null or excluded.told_count >= g.told_count * ${GROWN}::int
        returning tellings
      ), ${outbox(sql)}`,
  );
  return told;
}

/**
 * Tells that nothing new comes of a group, or that it is over: that one may begin anew.
 *
 * @param text undefined where there is nothing to tell about it.
 * @returns how many were told: none where another process was first.
 */
export async function tellEnded(
  database: Database,
  { key, tellings }: Told,
  { destinations, text, isOver }: {
    destinations: Destination[];
    text: string | undefined;
    isOver: boolean;
  },
): Promise<number> {
  const outbox = outboxOf(
    key,
    text === undefined ? { destinations: [], text: "" } : {
      destinations,
      text,
    },
  );
  const [{ told }] = await database.query(
    "tell what is over",
    (sql) =>
      sql<{ told: number }[]>`
      with remembered as (
        update need_groups g set tellings = g.tellings + 1,
          told_count = case when ${isOver} then null else g.told_count end,
          is_quiet = not ${isOver}, told_at = now(), updated_at = now()
        where key = ${key} and g.tellings = ${tellings} and g.told_count is not null
        returning tellings
      ), ${outbox(sql)}`,
  );
  return told;
}

/** The end of a statement that has `remembered` something. */
function outboxOf(
  key: string,
  { destinations, text }: { destinations: Destination[]; text: string },
) {
  const named = destinations.map((destination) => ({ ...destination, id: newId() }));
  return (sql: Parameters<typeof intoOutbox>[0]) =>
    sql`told as (
        ${
      intoOutbox(
        sql,
        sql`
        select d.id, 'need:' || ${key}::text || ':' || d.id, null::uuid, null::uuid, d.channel,
          d.destination, ${NEED}::text, ${storedText(text)}::text
        from remembered, jsonb_to_recordset(${storedJson(named)}::text::jsonb)
          as d(id uuid, channel text, destination text)`,
      )
    }
      ), changed as (
        insert into changes (kind, ids)
        select 'notification', array_agg(id) from told having count(*) > 0
      )
      select count(*)::int as told from told`;
}

/** Keeps what goes on, and forgets what was over long ago. */
export async function keepRows(database: Database, keys: readonly string[]): Promise<void> {
  await database.query("keep what was told", (sql) =>
    sql`
      with current as (
        select value as key from json_array_elements_text(${JSON.stringify(keys)}::text::json)
      ), kept as (
        update need_groups set updated_at = now()
        where key in (select key from current) and updated_at < now() - interval '1 hour'
      )
      delete from need_groups where updated_at < now() - make_interval(days => ${KEPT_DAYS})
        and key not in (select key from current)`);
}
