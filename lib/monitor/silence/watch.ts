import type { Database } from "../../store/database.ts";
import { hasCome, type HeardSource, listHeard } from "./heard.ts";
import { findHumanDriven } from "./human.ts";
import {
  endHolidays,
  endSilences,
  joinSilence,
  listSilences,
  raiseSilence,
  type Silence,
} from "./silence.ts";
import { countSlots, forgetSlots, makeRoom, SLOT_SECONDS } from "./slots.ts";
import { notePauses, readUnheard, type UnheardTime } from "./unheard.ts";
import { compareWeeks, type Expectation, WEEK_MS } from "./weeks.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The rule: so many active ten minutes in the second-smallest of the last four weeks. */
const FEWEST_SLOTS = 12;
/** Of a source beside another one that is silent fewer say that it is silent, too. */
const FEWEST_BESIDE = 3;
/** Nobody is called because of less. */
const SHORTEST_MS = 30 * MINUTE_MS;
/** At most one alarm for a source in this time. */
const PAUSE_MS = DAY_MS;
/** Sources that fall silent so close together have one cause. */
const TOGETHER_MS = HOUR_MS;
/** A holiday is over when others work like always for so long. */
const BUSY_MS = 3 * HOUR_MS;
/** An upgrade has weeks to count: the rest comes in the next minute. */
const COUNT_MS = 2_000;

/** What the watch is told of the house. */
export interface SilenceWatch {
  database: Database;
  timeZone: string;
  /** After how many hours a source's silence is told, as `SOURCES_FILE` has it. */
  hoursOf(source: string): number | undefined;
  /** Whether Otto is reached by its own public address; undefined where it has none. */
  isReached(): Promise<boolean | undefined>;
}

/** A source that is silent, and why that is no accident. */
interface Quiet {
  heard: HeardSource;
  from: Date;
  /** As a person has asked for, whatever the weeks before say. */
  afterHours?: number;
  because: string;
}

/** The minute's turn: counts what came, ends silences that are over, raises new ones. */
export async function watchSilence(watch: SilenceWatch): Promise<void> {
  const { database } = watch;
  const { paused, isServing } = await notePauses(database);
  const end = Date.now() + COUNT_MS;
  let counted = await countSlots(database);
  while (!counted.isWhole && Date.now() < end) {
    counted = await countSlots(database);
  }
  await endSilences(database, { paused });
  await forgetSlots(database);
  await makeRoom(database);
  // Nobody could be heard, or not all is counted that was.
  if (!isServing || !counted.isWhole) return;
  await judge(watch, { now: counted.now, paused });
}

async function judge(
  watch: SilenceWatch,
  { now, paused }: { now: Date; paused: ReadonlySet<string> },
): Promise<void> {
  const { database } = watch;
  const [all, unheard, standing] = await Promise.all([
    listHeard(database),
    readUnheard(database),
    listSilences(database),
  ]);
  // A person may ask to be told after more weeks than are compared.
  const heard = all.filter((each) =>
    !paused.has(each.source) && (limitOf(watch, each) !== undefined ||
      now.getTime() - each.last_at.getTime() < 4 * WEEK_MS)
  );
  const scene = { heard, unheard, now };
  if (standing.some(({ kind }) => kind === "holiday") && await isWorkday(watch, scene)) {
    await endHolidays(database);
  }
  const quiet = await findQuiet(watch, scene);
  if (quiet.length === 0) return;
  const joined = await joinStanding(database, { quiet, standing, scene });
  const left = quiet.filter((each) => !joined.has(each));
  if (left.length > 0) await raise(watch, left, scene);
}

/** After how many hours a person has asked to be told. */
function limitOf(
  { hoursOf }: SilenceWatch,
  { source, tell_after_hours: hours }: HeardSource,
): number | undefined {
  return hours ?? hoursOf(source);
}

interface Scene {
  heard: readonly HeardSource[];
  unheard: readonly UnheardTime[];
  now: Date;
}

/** Since when a source is silent, but for times in which it could not be heard. */
function silentFrom({ source, last_at }: HeardSource, unheard: readonly UnheardTime[]): Date {
  const ends = unheard.filter((each) => each.source === "" || each.source === source)
    .map(({ ended }) => ended.getTime());
  return new Date(ends.reduce((latest, end) => Math.max(latest, end), last_at.getTime()));
}

/** The sources that should have sent something, and that no silence stands for. */
async function findQuiet(watch: SilenceWatch, { heard, unheard, now }: Scene): Promise<Quiet[]> {
  const { database, timeZone } = watch;
  const silent = heard.filter(({ silence_id, alarmed_at }) =>
    silence_id === null && (alarmed_at === null || now.getTime() - alarmed_at.getTime() > PAUSE_MS)
  ).map((each) => ({
    heard: each,
    from: silentFrom(each, unheard),
    hours: limitOf(watch, each),
  })).filter(({ from }) => now.getTime() - from.getTime() >= SHORTEST_MS);
  const byWord = silent.filter(({ hours, from }) =>
    hours !== undefined && now.getTime() - from.getTime() >= hours * HOUR_MS
  );
  // Beyond a week the weeks before are silent themselves.
  const byWeeks = silent.filter(({ hours, from, heard: { first_at } }) =>
    hours === undefined && now.getTime() - from.getTime() < WEEK_MS &&
    now.getTime() - first_at.getTime() >= 3 * WEEK_MS
  );
  const compared = await compareWeeks(
    database,
    byWeeks.map(({ heard: { source, first_at: firstAt }, from }) => ({
      source,
      firstAt,
      from,
      to: now,
    })),
    { timeZone, unheard },
  );
  const found: Quiet[] = [
    ...byWord.map(({ heard, from, hours }) => ({
      heard,
      from,
      afterHours: hours,
      because: `You asked to be told after ${hours} ${hours === 1 ? "hour" : "hours"}.`,
    })),
    ...byWeeks.flatMap(({ heard, from }, at) =>
      (compared[at].expected ?? 0) >= FEWEST_SLOTS && compared[at].slots === 0
        ? [{ heard, from, because: sentInTheseHours(compared[at]) }]
        : []
    ),
  ];
  const came = await Promise.all(
    found.map(({ heard: { source }, from }) => hasCome(database, { source, after: from })),
  );
  return found.filter((_, at) => !came[at]);
}

/** Numbers that people can check. */
function sentInTheseHours({ messages }: Expectation): string {
  const counts = messages.map((count) => count.toLocaleString("en"));
  const list = `${counts.slice(0, -1).join(", ")} and ${counts.at(-1)}`;
  const weeks = messages.length === 4 ? "the last four weeks" : "three of the last four weeks";
  return `In these hours it sent ${list} messages in ${weeks}.`;
}

/** Whoever falls silent together with others has the same cause: they are told once. */
async function joinStanding(
  database: Database,
  { quiet, standing, scene }: { quiet: Quiet[]; standing: Silence[]; scene: Scene },
): Promise<Set<Quiet>> {
  const joined = new Set<Quiet>();
  const latest = latestOf(scene);
  for (const silence of standing.filter(({ kind }) => kind !== "holiday")) {
    const with_ = quiet.filter((each) =>
      !joined.has(each) && (
        latest <= silence.since.getTime() ||
        Math.abs(each.from.getTime() - silence.since.getTime()) <= TOGETHER_MS
      )
    );
    if (with_.length === 0) continue;
    for (const each of with_) joined.add(each);
    await joinSilence(database, { id: silence.id, sources: namesOf(with_) });
  }
  return joined;
}

const namesOf = (quiet: readonly Quiet[]) => quiet.map(({ heard: { source } }) => source);
const latestOf = ({ heard }: Scene) =>
  heard.reduce((latest, { last_at }) => Math.max(latest, last_at.getTime()), 0);

/** Raises one silence for all of them: of some sources, of everybody, or a holiday. */
async function raise(watch: SilenceWatch, quiet: Quiet[], scene: Scene): Promise<void> {
  const { database, timeZone } = watch;
  const sources = namesOf(quiet);
  const since = new Date(Math.max(...quiet.map(({ heard: { last_at } }) => last_at.getTime())));
  const sentences = quiet.map((each) =>
    quiet.length === 1 ? each.because : each.because.replace("it sent", `${each.heard.source} sent`)
  );
  const because = [...new Set(sentences)].slice(0, 5).join(" ");
  // In the shortest of their silences all of them are silent.
  const from = new Date(Math.max(...quiet.map(({ from }) => from.getTime())));
  const beside = await compareBeside(watch, { sources, from }, scene);
  const subdued = beside.filter(({ slots, expected }) => slots * 2 < expected);
  const people = await findHumanDriven(
    database,
    [...sources, ...beside.map(({ source }) => source)],
    timeZone,
  );
  const isAskedFor = quiet.some(({ afterHours }) => afterHours !== undefined);
  const looksLikeHoliday = !isAskedFor && sources.length + subdued.length > 1 &&
    sources.every((source) => people.has(source)) &&
    beside.every((each) => !people.has(each.source) || subdued.includes(each));
  const latest = latestOf(scene);
  // The last ones came one after the other before all of them stopped.
  const isEverything = latest - since.getTime() < SLOT_SECONDS * 1_000 &&
    sources.length + subdued.length > 1;
  if (!isEverything) {
    const kind = looksLikeHoliday ? "holiday" : "sources";
    return await raiseSilence(database, { kind, sources, since, because });
  }
  const isReached = await watch.isReached();
  const kind = looksLikeHoliday && isReached ? "holiday" : "everything";
  await raiseSilence(database, {
    kind,
    sources: [...new Set([...sources, ...subdued.map(({ source }) => source)])],
    since: new Date(Math.max(latest, since.getTime())),
    because: `${REACHED[String(isReached) as keyof typeof REACHED]} ${because}`,
  });
}

const REACHED = {
  true: "Otto reaches itself by PUBLIC_URL.",
  false: "Otto does not reach itself by PUBLIC_URL: is the tunnel, the proxy or DNS down?",
  undefined: "Is the tunnel, the proxy or DNS down?",
};

/** How others did in the same time, of whom enough was to be expected. */
async function compareBeside(
  { database, timeZone }: SilenceWatch,
  { sources, from }: { sources: readonly string[]; from: Date },
  { heard, unheard, now }: Scene,
): Promise<(Expectation & { expected: number })[]> {
  const others = heard.filter(({ source, silence_id }) =>
    !sources.includes(source) && silence_id === null
  );
  const compared = await compareWeeks(
    database,
    others.map(({ source, first_at: firstAt }) => ({ source, firstAt, from, to: now })),
    { timeZone, unheard },
  );
  return compared.flatMap((each) =>
    each.expected !== undefined && each.expected >= FEWEST_BESIDE
      ? [{ ...each, expected: each.expected }]
      : []
  );
}

/** Whether people who were on holiday work again: sources beside it do as always. */
async function isWorkday(watch: SilenceWatch, scene: Scene): Promise<boolean> {
  const from = new Date(scene.now.getTime() - BUSY_MS);
  const beside = await compareBeside(watch, { sources: [], from }, scene);
  const busy = beside.filter(({ slots, expected }) => slots * 2 >= expected);
  const people = await findHumanDriven(
    watch.database,
    busy.map(({ source }) => source),
    watch.timeZone,
  );
  return people.size > 0;
}
