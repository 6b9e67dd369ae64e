import type { Database } from "../../store/database.ts";
import { SLOT_SECONDS } from "./slots.ts";
import type { UnheardTime } from "./unheard.ts";
import { weeksBefore } from "./zone.ts";

const SLOT_MS = SLOT_SECONDS * 1_000;
const HOUR_MS = 3_600_000;
const WEEKS = [1, 2, 3, 4];
/** A sender in another zone changes its clocks on another day: the least of these counts. */
const SHIFTS_MS = [-HOUR_MS, 0, HOUR_MS];
/** Fewer say nothing. */
const FEWEST_WEEKS = 3;
export const WEEK_MS = 7 * 24 * HOUR_MS;

/** Of one source: since when it is known, and from when to when is compared. */
export interface Compared {
  source: string;
  firstAt: Date;
  from: Date;
  to: Date;
}

/** What a source has sent between two times, and what it sent in the same hours of weeks before. */
export interface Expectation {
  source: string;
  /** In how many ten minutes something came. */
  slots: number;
  /** How many it was at least, by the weeks before; undefined where too few can be compared. */
  expected?: number;
  /** How many messages came in each of these weeks, the latest first. */
  messages: number[];
}

interface Period {
  at: number;
  /** Weeks before; 0 is now. */
  week: number;
  source: string;
  from: Date;
  to: Date;
}

/**
 * Compares sources with the weeks before, by the clocks of a time zone. What is expected is the
 * second-smallest of four weeks, so that one holiday among them does not count; a week in which
 * nothing could be heard of the source at these hours is left out.
 */
export async function compareWeeks(
  database: Database,
  compared: readonly Compared[],
  { timeZone, unheard }: { timeZone: string; unheard: readonly UnheardTime[] },
): Promise<Expectation[]> {
  const periods = compared.flatMap(({ source, firstAt, ...given }, at) => {
    // Whole slots: the one that the last message came in is none to wait for.
    const from = new Date(Math.ceil(given.from.getTime() / SLOT_MS) * SLOT_MS);
    const latest = Math.min(given.to.getTime(), from.getTime() + WEEK_MS);
    const to = new Date(Math.max(from.getTime(), Math.floor(latest / SLOT_MS) * SLOT_MS));
    const weeks = WEEKS.map((week) => ({
      at,
      week,
      source,
      from: weeksBefore(timeZone, from, week),
      to: weeksBefore(timeZone, to, week),
    })).filter((period) =>
      period.from >= firstAt && !unheard.some((each) => overlaps(each, period))
    );
    return [{ at, week: 0, source, from, to }, ...weeks];
  });
  const counted = await countPeriods(database, periods);
  return compared.map(({ source }, at) => {
    const its = counted.filter((each) => each.at === at);
    const weeks = its.filter(({ week }) => week > 0);
    const [, second] = weeks.map(({ least }) => least).sort((one, other) => one - other);
    return {
      source,
      slots: its.find(({ week }) => week === 0)!.slots,
      expected: weeks.length < FEWEST_WEEKS ? undefined : second,
      messages: weeks.map(({ messages }) => messages),
    };
  });
}

function overlaps(one: UnheardTime, { source, from, to }: Period): boolean {
  return (one.source === "" || one.source === source) && one.began < to && one.ended > from;
}

/** By the primary key of the slots, however many weeks there are beside. */
async function countPeriods(database: Database, periods: readonly Period[]) {
  if (periods.length === 0) return [];
  const shifts = periods.flatMap((period, place) =>
    (period.week === 0 ? [0] : SHIFTS_MS).map((shift) => ({
      place,
      shift,
      source: period.source,
      from: new Date(period.from.getTime() + shift),
      to: new Date(period.to.getTime() + shift),
    }))
  );
  const rows = await database.query(
    "compare with the weeks before",
    (sql) =>
      sql<{ place: number; least: number; slots: number; messages: number }[]>`
      select p.place, min(s.slots)::int as least,
        max(s.slots) filter (where p.shift = 0)::int as slots,
        max(s.messages) filter (where p.shift = 0)::int as messages
      from jsonb_to_recordset(${JSON.stringify(shifts)}::text::jsonb)
        as p(place int, shift int, source text, "from" timestamptz, "to" timestamptz),
      lateral (select count(*) as slots, coalesce(sum(messages), 0) as messages
        from source_slots where source = p.source and slot >= p.from and slot < p.to) s
      group by 1 order by 1`,
  );
  return rows.map(({ place, ...row }) => ({ ...periods[place], ...row }));
}
