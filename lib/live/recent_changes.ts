import type { Database } from "../store/database.ts";
import {
  type Change,
  currentCursor,
  earlyCursor,
  isBacklog,
  readChanges,
  toCursor,
} from "./change.ts";
import { readEarly, readHeldBackBy } from "./early_changes.ts";

/** Enough for what happens between two looks, little enough for one answer. */
export const CHANGES_AT_ONCE = 200;
/** Changes kept in memory for listeners that are nearly up to date: some seconds of a busy day. */
const KEPT = 1_000;
/** Reading a list anew costs a client and the store less than so many events. */
const MOST_WAITING = 1_000;
/** How often it is looked whether an open transaction holds anything back. */
const LOOK_MS = 1_000;
/** Our own statements take milliseconds: what holds others back for so long is somebody else's. */
const PATIENCE_MS = 3_000;

/** The latest changes of one process, read once for all of its listeners. */
export interface RecentChanges {
  /** Reads what is new; returns how much that was. */
  readMore(): Promise<number>;
  /** The changes after a cursor, as many as are read at once; where to go on if too many wait. */
  after(cursor: string): Promise<Change[] | { resync: string }>;
  /** After a time in which nothing was read, what is kept would have a gap. */
  forget(): void;
}

/**
 * The latest changes, kept in memory, and all others behind them.
 *
 * While an older transaction stays open in this database, what is committed is told before its
 * turn, under cursors that lead back to the last change in its turn; when that transaction has
 * ended all of it is told again in its turn, with what had come late.
 */
export function openRecentChanges(
  database: Database,
  patienceMs: number = PATIENCE_MS,
): RecentChanges {
  let kept: Change[] = [];
  /** What was the end when `kept` began: listeners from here on need no query. */
  let keptFrom: string | undefined;
  /** The last change that was read in its turn. */
  let end: string | undefined;
  /** The latest backlog that was left out: whoever has seen all before it goes on behind it. */
  let skipped: { from: string; to: string } | undefined;
  /** Since when one and the same transaction holds changes back. */
  let held: { by: string; since: number } | undefined;
  let lookedAt = -Infinity;
  /** What has been told before its turn, as a snapshot; undefined while nothing is. */
  let told: string | undefined;
  /** Makes cursors of what is told before its turn different. */
  let early = 0;

  const newest = () => kept.at(-1)?.cursor ?? keptFrom!;

  /** Where to go on after a cursor when too much waits behind it. */
  async function skip(cursor: string): Promise<string | undefined> {
    return await isBacklog(database, cursor, MOST_WAITING)
      ? await currentCursor(database)
      : undefined;
  }

  function leaveOut(to: string): void {
    skipped = { from: newest(), to };
    kept = [];
    keptFrom = to;
  }

  function keep(changes: readonly Change[]): void {
    kept.push(...changes);
    if (kept.length > KEPT) {
      keptFrom = kept[kept.length - KEPT - 1].cursor;
      kept = kept.slice(-KEPT);
    }
  }

  async function readInTurn(): Promise<number> {
    end ??= keptFrom ??= await currentCursor(database);
    const changes = await readChanges(database, end, CHANGES_AT_ONCE);
    const to = changes.length === CHANGES_AT_ONCE ? await skip(end) : undefined;
    if (to === undefined) keep(changes);
    else leaveOut(to);
    end = to ?? changes.at(-1)?.cursor ?? end;
    return changes.length;
  }

  /** Whether one transaction has held changes back for too long. */
  async function isHeldUp(): Promise<boolean> {
    const now = performance.now();
    if (now - lookedAt < Math.min(LOOK_MS, patienceMs)) return false;
    lookedAt = now;
    const { oldest, any } = await readHeldBackBy(database);
    held = !any ? undefined : held?.by === oldest ? held : { by: oldest, since: now };
    return held !== undefined && now - held.since >= patienceMs;
  }

  async function readBeforeTurn(): Promise<number> {
    const { changes, snapshot } = await readEarly(database, told, MOST_WAITING);
    told = snapshot;
    if (changes.length > MOST_WAITING) leaveOut(earlyCursor(end!, ++early));
    else keep(changes.map((change) => ({ ...change, cursor: earlyCursor(end!, ++early) })));
    return changes.length;
  }

  return {
    async readMore() {
      const count = await readInTurn();
      // A database of one connection has nobody who could hold it up.
      if (count === CHANGES_AT_ONCE || database.kind === "embedded") return count;
      return told !== undefined || await isHeldUp() ? count + await readBeforeTurn() : count;
    },
    async after(cursor) {
      if (cursor === skipped?.from) return { resync: skipped.to };
      if (cursor === keptFrom) return kept.slice(0, CHANGES_AT_ONCE);
      const index = kept.findIndex((change) => change.cursor === cursor);
      if (index >= 0) return kept.slice(index + 1, index + 1 + CHANGES_AT_ONCE);
      const from = toCursor(cursor)!;
      const changes = await readChanges(database, from, CHANGES_AT_ONCE);
      // What was told before its turn can be found by its place in memory only.
      if (changes.length === 0 && told !== undefined) return { resync: newest() };
      const resync = changes.length === CHANGES_AT_ONCE ? await skip(from) : undefined;
      return resync === undefined ? changes : { resync };
    },
    forget() {
      kept = [];
      keptFrom = undefined;
      end = undefined;
      skipped = undefined;
      held = undefined;
      told = undefined;
    },
  };
}
