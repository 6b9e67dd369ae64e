import type { Database } from "../../store/database.ts";
import { routeOf, type Routes } from "../../notify/need_route.ts";
import { sayOver, sayQuiet } from "./end.ts";
import { type Group, groupsOf } from "./groups.ts";
import { LOOKED_AT, type Needs, readNeeds } from "./needs.ts";
import { GROWN, keepRows, MORE, readTold, tellBegun, tellEnded, type Told } from "./told.ts";
import { listUntold, MOST_UNTOLD, type Untold } from "./untold.ts";

/** What brings nothing new for so long is quiet. */
const QUIET_MS = 60 * 60_000;
/** More than a page shows: one that others have pushed off it is not over. */
const MOST_GROUPS = 200;
/** New groups in an hour: a sender can invent names and reasons, and nobody reads more. */
const MOST_IN_AN_HOUR = 20;

/** What telling needs. */
export interface NeedTeller {
  database: Database;
  routes: Routes;
  labelOf(source: string): string;
  timeZone: string;
}

/**
 * Puts what needs somebody into the outbox, for whom a route leads to: a group once, once more
 * when it has grown tenfold, and once when it is quiet or over. What comes of a quiet one is no new
 * group until it was gone from the day's. What is too much for an hour is told in the next. Each
 * telling happens once, whichever process does it, since the outbox is written in the statement
 * that remembers it.
 *
 * @returns how many were told.
 */
export async function tellNeeds(teller: NeedTeller): Promise<number> {
  const { database, routes } = teller;
  if (routes.size === 0) return 0;
  const [needs, untold, { now, lately, told }] = await Promise.all([
    readNeeds(database, { troubles: MOST_GROUPS }),
    listUntold(database),
    readTold(database),
  ]);
  const words = { ...teller, now };
  const groups = groupsOf(needs, untold, words);
  const toldOf = new Map(told.map((each) => [each.key, each]));
  const isQuiet = ({ latest }: Group) => now.getTime() - latest.getTime() >= QUIET_MS;

  const grown = groups.filter(({ key, count }) => {
    const before = toldOf.get(key);
    return before !== undefined && count >= before.told_count * GROWN;
  });
  const begun = groups.filter((group) =>
    !toldOf.has(group.key) && !group.seen && routeOf(routes, group).length > 0
  );
  const room = Math.max(0, MOST_IN_AN_HOUR - lately);
  const held = begun.slice(room);
  if (held.length > 0) groups.push(tooMany(held[0], now));
  const more = groups.filter(({ key }) => key === MORE && !toldOf.has(key));
  let done = 0;
  for (const group of [...grown, ...begun.slice(0, room), ...more]) {
    done += await tellBegun(database, group, {
      destinations: routeOf(routes, group),
      text: toldOf.has(group.key)
        ? `Grown tenfold: ${group.words}`
        : [group.words, group.because].filter(Boolean).join(" "),
      isQuiet: isQuiet(group),
    });
  }

  const current = new Map(groups.map((group) => [group.key, group]));
  for (const each of told) {
    const group = current.get(each.key);
    if (group ? each.is_quiet || !isQuiet(group) : isHidden(each, needs, untold)) continue;
    const said = group
      ? { isOver: false, text: sayQuiet(group, words) }
      : await sayOver(database, each, words);
    if (!said.isOver && said.text === undefined) continue;
    const destinations = routeOf(routes, each);
    done += await tellEnded(database, each, { isOver: said.isOver, text: said.text, destinations });
  }
  await keepRows(database, [...current.keys()]);
  return done;
}

/** In place of those that are too many to be told within this hour. */
const tooMany = ({ kind }: Group, now: Date): Group => ({
  key: MORE,
  kind,
  source: "",
  count: 1,
  latest: now,
  words:
    `More than ${MOST_IN_AN_HOUR} kinds of trouble began within an hour: see Otto's first page`,
  seen: false,
});

/** Whether a group may go on beyond those that were looked at. */
function isHidden({ kind }: Told, { troubles }: Needs, untold: readonly Untold[]): boolean {
  if (kind === "needs_you") return sum(untold) >= MOST_UNTOLD;
  if (kind === "silent") return false;
  const its = troubles.filter((trouble) => trouble.kind === kind);
  return troubles.length >= MOST_GROUPS || sum(its) >= LOOKED_AT;
}

const sum = (all: readonly { count: number }[]) => all.reduce((sum, { count }) => sum + count, 0);
