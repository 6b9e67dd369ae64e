import { GENERIC } from "../../../sources/rules/registry.ts";
import type { Database } from "../../store/database.ts";

/** A time that says nothing of a source, or of any where that is empty. */
export interface UnheardTime {
  source: string;
  began: Date;
  ended: Date;
}

/** What serves says so each minute; after so many seconds without it Otto was down. */
const DOWN_SECONDS = 300;
/** A process that serves has said so within the last minutes: who sends now is heard. */
const SERVING_SECONDS = 150;
const SERVING_AT = "serving_at";

/**
 * Says that a process is there to take messages. When none has said so for minutes, that time is
 * noted: no source was silent in it.
 */
export async function noteServing(database: Database): Promise<void> {
  await database.query("note that Otto serves", (sql) =>
    sql`
      with down as (
        insert into unheard_times (source, began, ended, reason)
        select '', value::timestamptz, now(), 'down' from settings
        where name = ${SERVING_AT}
          and value::timestamptz < now() - make_interval(secs => ${DOWN_SECONDS})
        on conflict do nothing
      )
      insert into settings (name, value) values (${SERVING_AT}, now()::text)
      on conflict (name) do update set value = excluded.value`);
}

/**
 * Notes until when sources are paused, and reads who is, each name of its own under "any other
 * name"; and whether
 * anybody serves now.
 */
export async function notePauses(
  database: Database,
): Promise<{ paused: ReadonlySet<string>; isServing: boolean }> {
  const [{ paused, is_serving }] = await database.query(
    "note what is paused",
    (sql) =>
      sql<{ paused: string[] | null; is_serving: boolean }[]>`
      with named as (
        select lower(substr(name, 8)) as source, value::timestamptz as since from settings
        where name like 'paused:%'
      ), paused as (
        select source, min(since) as since from (
          select source, since from named
          union all
          select h.source, n.since from named n join heard_sources h on h.invented
          where n.source = ${GENERIC}) every_one
        group by 1
      ), noted as (
        insert into unheard_times (source, began, ended, reason)
        select source, since, now(), 'paused' from paused order by 1
        on conflict (source, began) do update set ended = excluded.ended
      )
      select (select json_agg(source) from paused) as paused,
        exists (select from settings where name = ${SERVING_AT}
          and value::timestamptz > now() - make_interval(secs => ${SERVING_SECONDS})) as is_serving`,
  );
  return { paused: new Set(paused), isServing: is_serving };
}

/** The latest of them: a month has fewer. */
const MOST_TIMES = 20_000;

/** All that is kept of such times. */
export async function readUnheard(database: Database): Promise<UnheardTime[]> {
  return await database.query("read what was not heard", (sql) =>
    sql<UnheardTime[]>`
      select source, began, ended from unheard_times order by ended desc limit ${MOST_TIMES}`);
}
