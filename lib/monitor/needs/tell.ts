import type { NeedKind } from "../../config/settings.ts";
import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { intoOutbox } from "../../store/outbox.ts";
import { storedJson, storedText } from "../../store/stored.ts";
import { NEED } from "../../notify/need.ts";
import { routeOf, type Routes } from "../../notify/need_route.ts";
import { cut, oneLine } from "../../../sources/kit/line.ts";
import { readSilenceEnd } from "../silence/silence.ts";
import { describeSilence, type SilenceWords } from "../silence/words.ts";
import { clockTime, lasted } from "../silence/zone.ts";
import { LOOKED_AT, type Needs, readNeeds } from "./needs.ts";

/** Something that people are told of as one, however many it is about. */
interface Group {
  key: string;
  kind: NeedKind;
  source: string;
  count: number;
  latest: Date;
  words: string;
}

/** What was told of a group. */
interface Told {
  key: string;
  kind: NeedKind;
  source: string;
  tellings: number;
  told_count: number;
  words: string;
}

/** Told once more when there are so many times more of it. */
const GROWN = 10;
/** Of a reason as much as a phone shows. */
const MOST_REASON = 300;
/** What brings nothing new for so long is over. */
const OVER_MS = 60 * 60_000;
/** More than a page shows: one that others have pushed off it is not over. */
const MOST_GROUPS = 200;
/** New groups in an hour: a sender can invent names and reasons, and nobody reads more. */
const MOST_IN_AN_HOUR = 20;
/** Nobody needs to know any more what was told of them. */
const KEPT_DAYS = 8;

/** What telling needs. */
export interface NeedTeller {
  database: Database;
  routes: Routes;
  labelOf(source: string): string;
  timeZone: string;
}

/**
 * Puts what needs somebody into the outbox, for whom a route leads to: a group once, once more
 * when it has grown tenfold, and when it is over. Each telling happens once, whichever process does
 * it, since the outbox is written in the statement that remembers it.
 *
 * @returns how many were told.
 */
export async function tellNeeds(teller: NeedTeller): Promise<number> {
  const { database, routes } = teller;
  if (routes.size === 0) return 0;
  const needs = await readNeeds(database, { troubles: MOST_GROUPS });
  const [{ now, lately, told }] = await readTold(database);
  const groups = groupsOf(needs, { ...teller, now });
  const toldOf = new Map(told.map((each) => [each.key, each]));
  const isFresh = ({ latest }: Group) => now.getTime() - latest.getTime() < OVER_MS;
  const due = groups.filter((group) => {
    const before = toldOf.get(group.key);
    return before ? group.count >= before.told_count * GROWN : isFresh(group);
  });
  const room = Math.max(0, MOST_IN_AN_HOUR - lately);
  if (due.length > room) groups.push(tooMany(now));
  let done = 0;
  for (const group of [...due.slice(0, room), ...due.length > room ? groups.slice(-1) : []]) {
    const before = toldOf.get(group.key);
    if (before && group.count < before.told_count * GROWN) continue;
    const text = before ? `Grown tenfold: ${group.words}` : group.words;
    done += await tell(teller, { ...group, text });
  }
  const current = new Map(groups.map((group) => [group.key, group]));
  for (const each of told) {
    const group = current.get(each.key);
    if (group ? isFresh(group) : isHidden(needs, each)) continue;
    const text = await endOf(teller, { each, group, now });
    done += await tell(teller, { ...each, text, count: null });
  }
  await keepRows(database, [...current.keys()]);
  return done;
}

/** In place of those that are too many to be told one by one. */
const tooMany = (now: Date): Group => ({
  key: "failed::more",
  kind: "failed",
  source: "",
  count: 1,
  latest: now,
  words:
    `More than ${MOST_IN_AN_HOUR} kinds of trouble began within an hour: see Otto's first page`,
});

/** Whether a group may go on beyond those that were looked at. */
function isHidden({ troubles }: Needs, { kind }: Told): boolean {
  const its = troubles.filter((trouble) => trouble.kind === kind);
  return its.length >= MOST_GROUPS || its.reduce((all, { count }) => all + count, 0) >= LOOKED_AT;
}

/** What needs somebody, as it is told. What a task's own message in Slack asks is told already. */
function groupsOf(
  { questions, silences, troubles }: Needs,
  words: SilenceWords,
): Group[] {
  const { labelOf, timeZone, now } = words;
  const since = (time: Date) => `since ${clockTime(timeZone, time, now)}`;
  const asking = Map.groupBy(
    questions.filter(({ is_told }) => !is_told),
    ({ webhook_type }) => webhook_type,
  );
  return [
    ...silences.filter(({ kind }) => kind !== "holiday").map((silence): Group => ({
      key: silence.key,
      kind: "silent",
      source: silence.kind === "everything" ? "" : silence.sources[0] ?? "",
      count: Math.max(1, silence.sources.length),
      // As long as it stands it is none of the past.
      latest: now,
      words: `${describeSilence(silence, words)} ${silence.because}`,
    })),
    ...[...asking].map(([source, its]): Group => ({
      key: `needs_you:${source}`,
      kind: "needs_you",
      source,
      count: its.length,
      latest: now,
      words: its.length === 1
        ? `${labelOf(source)}: a task waits for your word ${since(its[0].since)}: ${
          shown(its[0].title)
        }`
        : `${labelOf(source)}: ${its.length} tasks wait for your word ${since(its[0].since)}`,
    })),
    ...troubles.map((trouble): Group => ({
      key: trouble.key,
      kind: trouble.kind,
      source: trouble.webhook_type,
      count: trouble.count,
      latest: trouble.latest_at,
      words: `${labelOf(trouble.webhook_type)}: ${trouble.count.toLocaleString("en")}${
        trouble.is_more ? " or more" : ""
      } ${trouble.kind} ${since(trouble.since)}${trouble.reason && `: ${shown(trouble.reason)}`}`,
    })),
  ];
}

const shown = (text: string) => cut(oneLine(text), MOST_REASON);

/** How a group that was told is said to be over. */
async function endOf(
  { database, labelOf, timeZone }: NeedTeller,
  { each, group, now }: { each: Told; group?: Group; now: Date },
): Promise<string> {
  if (each.kind === "silent") {
    const ended = await readSilenceEnd(database, each.key.slice("silent:".length));
    const who = each.source === "" ? "Messages arrive" : `${labelOf(each.source)} sends`;
    return ended === undefined ? `Over: ${each.words}` : `Over: ${who} again. ${each.words}`;
  }
  if (!group) return `Over, nobody is needed any more: ${each.words}`;
  const quiet = lasted(now.getTime() - group.latest.getTime());
  return `Nothing new for ${quiet}: ${group.words}. The last one came at ${
    clockTime(timeZone, group.latest, now)
  }; they still wait for somebody.`;
}

/** What was told and is not over, what time it is, and how much began within the last hour. */
async function readTold(database: Database) {
  return await database.query(
    "read what was told",
    (sql) =>
      sql<{ now: Date; lately: number; told: Told[] }[]>`
      select now() as now,
        (select count(*)::int from need_groups where told_at > now() - interval '1 hour') as lately,
        coalesce((select json_agg(g) from (
          select key, kind, source, tellings, told_count, words from need_groups
          where told_count is not null order by key limit 1000) g), '[]') as told`,
  );
}

/** @param count of a group that goes on; null of one that is over. */
async function tell(
  { database, routes }: NeedTeller,
  { key, kind, source, words, text, count, tellings }:
    & Pick<Group, "key" | "kind" | "source" | "words">
    & { text: string; count: number | null; tellings?: number },
): Promise<number> {
  const destinations = routeOf(routes, { kind, source }).map((destination) => ({
    ...destination,
    id: newId(),
  }));
  if (destinations.length === 0 && count !== null) return 0;
  const [{ told }] = await database.query(
    "tell what needs somebody",
    (sql) =>
      sql<{ told: number }[]>`
      with remembered as (
        insert into need_groups as g (key, kind, source, tellings, told_count, told_at, words)
        select ${key}::text, ${kind}::text, ${source}::text, 1, ${count}::int, now(),
          ${storedText(words)}::text
        where ${count !== null} or exists (select from need_groups where key = ${key})
        on conflict (key) do update set tellings = g.tellings + 1,
          told_count = excluded.told_count, told_at = now(), words = excluded.words,
          updated_at = now()
        where case when ${tellings === undefined}
          then g.told_count is null or excluded.told_count >= g.told_count * ${GROWN}::int
          else g.tellings = ${tellings ?? 0} and g.told_count is not null end
        returning tellings
      ), told as (
        ${
        intoOutbox(
          sql,
          sql`
        select d.id, 'need:' || ${key}::text || ':' || d.id, null::uuid, null::uuid, d.channel,
          d.destination, ${NEED}::text, ${storedText(text)}::text
        from remembered, jsonb_to_recordset(${storedJson(destinations)}::text::jsonb)
          as d(id uuid, channel text, destination text)`,
        )
      }
      ), changed as (
        insert into changes (kind, ids)
        select 'notification', array_agg(id) from told having count(*) > 0
      )
      select count(*)::int as told from told`,
  );
  return told;
}

/** Keeps what goes on, and forgets what was over long ago. */
async function keepRows(database: Database, keys: readonly string[]): Promise<void> {
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
