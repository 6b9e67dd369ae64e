import type { Database, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";

/**
 * An alarm: `sources` that send nothing although they should; `everything`, when nothing comes from
 * anybody; or a `holiday`, which is shown and not told.
 */
export interface Silence {
  id: string;
  kind: "sources" | "everything" | "holiday";
  /** Its sources, by name. */
  sources: string[];
  /** The last message before it. */
  since: Date;
  /** Why somebody should know, in a sentence of numbers that people can check. */
  because: string;
  began_at: Date;
  ended_at: Date | null;
}

/** Nobody reads more of them. */
const MOST_SILENCES = 20;

/** The silences that stand, the newest first. */
export async function listSilences(database: Database): Promise<Silence[]> {
  return await database.query("list silences", (sql) =>
    sql<Silence[]>`
      select id, kind, since, because, began_at, ended_at,
        coalesce((select json_agg(h.source order by h.source) from heard_sources h
          where h.silence_id = silences.id), '[]') as sources
      from silences where ended_at is null order by id desc limit ${MOST_SILENCES}`);
}

/** How a silence ended. */
export interface SilenceEnd extends Pick<Silence, "kind" | "since" | "ended_at"> {
  /** The sources that were the last of it, and whether they sent again: else they were paused. */
  ended_by: { source: string; came: boolean }[];
}

/** How a silence ended, `ended_at` null while it stands; undefined when there is none. */
export async function readSilenceEnd(
  database: Database,
  id: string,
): Promise<SilenceEnd | undefined> {
  const [row] = await database.query("read a silence's end", (sql) =>
    sql<SilenceEnd[]>`
      select kind, since, ended_at, coalesce(ended_by, '[]') as ended_by
      from silences where id = ${id}`);
  return row;
}

/** Raises a silence for those of its sources that none stands for. Happens once, whoever does it. */
export async function raiseSilence(
  database: Database,
  { kind, sources, since, because }: Pick<Silence, "kind" | "sources" | "since" | "because">,
): Promise<void> {
  const id = newId();
  await database.query("raise a silence", (sql) =>
    sql`
      with taken as (
        update heard_sources set silence_id = ${id}, silent_since = last_at,
          alarmed_at = case when ${kind} = 'holiday' then alarmed_at else now() end
        where source in ${sql(sources)} and silence_id is null returning source
      )
      insert into silences (id, kind, since, because)
      select ${id}::uuid, ${kind}, ${since}::timestamptz, ${because}
      where exists (select from taken)`);
}

/** Has a silence that stands be about one more source, too: it is told no second time. */
export async function joinSilence(
  database: Database,
  { id, sources }: Pick<Silence, "id" | "sources">,
): Promise<void> {
  await database.query("join a silence", (sql) =>
    sql`
      update heard_sources set silence_id = ${id}, silent_since = last_at, alarmed_at = now()
      where source in ${sql(sources)} and silence_id is null
        and exists (select from silences where id = ${id} and ended_at is null)`);
}

/**
 * Ends silences whose sources speak again or are paused: each source by itself, but for the silence
 * of everybody, which ends with anything that comes. What they were silent for is left out of
 * later comparisons.
 */
export async function endSilences(
  database: Database,
  { paused }: { paused: ReadonlySet<string> },
): Promise<void> {
  await release(database, (sql) =>
    sql`
      h.last_at > h.silent_since or h.source = any(
        select json_array_elements_text(${JSON.stringify([...paused])}::text::json))
      or s.kind = 'everything' and exists (select from heard_sources o where o.last_at > s.since)`);
}

/** Ends a holiday: who is silent still is judged from now on. */
export async function endHolidays(database: Database): Promise<void> {
  await release(database, (sql) => sql`s.kind = 'holiday'`);
}

async function release(
  database: Database,
  which: (sql: Sql) => ReturnType<Sql>,
): Promise<void> {
  await database.query("end silences", (sql) =>
    sql`
      with over as (
        select h.source, h.silence_id, h.silent_since, h.last_at
        from heard_sources h join silences s on s.id = h.silence_id
        where ${which(sql)} order by h.source for update of h
      ), free as (
        update heard_sources h set silence_id = null, silent_since = null
        from over where h.source = over.source
      ), left_out as (
        insert into unheard_times (source, began, ended, reason)
        select source, silent_since,
          case when last_at > silent_since then last_at else now() end, 'silent' from over
        order by 1 on conflict do nothing
      )
      update silences s set ended_at = now(), ended_by = (
        select json_agg(json_build_object('source', source, 'came', last_at > silent_since
          or s.kind = 'everything' and exists (
            select from heard_sources where last_at > s.since)) order by source)
        from over where silence_id = s.id)
      where s.id in (select silence_id from over) and not exists (
        select from heard_sources h
        where h.silence_id = s.id and h.source not in (select source from over))`);
}
