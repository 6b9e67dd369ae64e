import {
  type Change,
  currentCursor,
  findEnds,
  isAfter,
  isBacklog,
  isCursor,
  readChanges,
} from "./change.ts";
import { createBell } from "../async/bell.ts";
import type { Database } from "../store/database.ts";
import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import { findMessages, type Message } from "../message/message.ts";
import { findNotifications, type Notification } from "../notify/notification.ts";
import { findTasks, type Task } from "../task/task.ts";

/** Something as it is now, because it changed. A deleted message is told by its id alone. */
export type LiveItem =
  | { kind: "message"; id: string; item?: Message }
  | { kind: "task"; id: string; item?: Task }
  | { kind: "notification"; id: string; item?: Notification };

/** What one change touched; `cursor` continues after it. */
export interface LiveEvent {
  cursor: string;
  items: LiveItem[];
  /** More has changed up to here than is told one by one: read anew what is shown. */
  isResync?: true;
}

/** Tells many listeners of changes, reading each change once. */
export interface Live {
  /**
   * Where to continue for somebody who has seen everything up to a cursor:
   * there, or now with `gap` when what came after it cannot be told any more (it
   * is too old, or another database's).
   */
  resume(cursor: string | undefined): Promise<{ cursor: string; gap: boolean }>;
  /**
   * Every change after `cursor`, in order, none skipped and none twice, until the
   * signal is aborted; one event with `isResync` instead of more than a thousand that wait. Yields an empty list of events when nothing has happened for
   * `idleMs`.
   */
  follow(
    cursor: string,
    signal: AbortSignal,
    idleMs?: number,
  ): AsyncGenerator<LiveEvent[], void>;
}

/** What happens is seen within a quarter of a second, for four small queries a second. */
const POLL_MS = 250;
/** A store that does not answer is asked less often. */
const RETRY_MS = 1_000;
/** Proxies close a connection that has been silent for a minute, some for half of one. */
const IDLE_MS = 15_000;
/** A listener looks again after this even when no bell rang. */
const LISTEN_MS = 1_000;
/** Enough for what happens between two looks, little enough for one answer. */
const CHANGES_AT_ONCE = 200;
/** Changes kept in memory for listeners that are nearly up to date: some seconds of a busy day. */
const KEPT = 1_000;
/** Reading a list anew costs a client and the store less than so many events. */
const MOST_WAITING = 1_000;

/** Opens the live stream of this process. Reads nothing as long as nobody listens. */
export function openLive({ database, log }: { database: Database; log: Log }): Live {
  const bell = createBell();
  const recent = openRecentChanges(database);
  const load = createLoader(database);
  let listeners = 0;
  let polling: Promise<void> | undefined;

  async function poll(): Promise<void> {
    while (listeners > 0) {
      try {
        const count = await recent.readMore();
        if (count > 0) bell.ring();
        if (count < CHANGES_AT_ONCE) await pause(POLL_MS);
      } catch (error) {
        log.warn("live.poll_failed", { error: errorText(error) });
        await pause(RETRY_MS);
      }
    }
    polling = undefined;
    recent.forget();
  }

  return {
    async resume(cursor) {
      const { oldest, latest } = await findEnds(database);
      if (cursor === undefined) return { cursor: latest, gap: false };
      const known = isCursor(cursor) && !isAfter(cursor, latest) && !isAfter(oldest, cursor);
      return known ? { cursor, gap: false } : { cursor: latest, gap: true };
    },
    async *follow(cursor, signal, idleMs = IDLE_MS) {
      listeners++;
      polling ??= poll();
      try {
        let at = cursor;
        let yieldedAt = performance.now();
        while (!signal.aborted) {
          const changes = await recent.after(at);
          if (!Array.isArray(changes)) {
            at = changes.resync;
            yieldedAt = performance.now();
            yield [{ cursor: at, items: [], isResync: true }];
          } else if (changes.length > 0) {
            const events = await Promise.all(changes.map(load));
            at = changes.at(-1)!.cursor;
            yieldedAt = performance.now();
            yield events;
          } else if (performance.now() - yieldedAt >= idleMs) {
            yieldedAt = performance.now();
            yield [];
          } else {
            await bell.wait(Math.min(idleMs, LISTEN_MS), signal);
          }
        }
      } finally {
        listeners--;
      }
    },
  };
}

/** The latest changes, kept in memory, and all others behind them. */
function openRecentChanges(database: Database) {
  let kept: Change[] = [];
  /** What was the end when `kept` began: listeners from here on need no query. */
  let keptFrom: string | undefined;
  /** The latest backlog that was left out: whoever has seen all before it goes on behind it. */
  let skipped: { from: string; to: string } | undefined;

  /** Where to go on after a cursor when too much waits behind it. */
  async function skip(cursor: string): Promise<string | undefined> {
    return await isBacklog(database, cursor, MOST_WAITING)
      ? await currentCursor(database)
      : undefined;
  }

  return {
    /** Reads what is new; returns how much that was. */
    async readMore(): Promise<number> {
      keptFrom ??= await currentCursor(database);
      const end = kept.at(-1)?.cursor ?? keptFrom;
      const changes = await readChanges(database, end, CHANGES_AT_ONCE);
      const to = changes.length === CHANGES_AT_ONCE ? await skip(end) : undefined;
      if (to !== undefined) {
        skipped = { from: end, to };
        kept = [];
        keptFrom = to;
        return changes.length;
      }
      kept.push(...changes);
      if (kept.length > KEPT) {
        keptFrom = kept[kept.length - KEPT - 1].cursor;
        kept = kept.slice(-KEPT);
      }
      return changes.length;
    },
    /** The changes after a cursor, as many as are read at once; where to go on if too many wait. */
    async after(cursor: string): Promise<Change[] | { resync: string }> {
      if (cursor === skipped?.from) return { resync: skipped.to };
      if (cursor === keptFrom) return kept.slice(0, CHANGES_AT_ONCE);
      const index = kept.findIndex((change) => change.cursor === cursor);
      if (index >= 0) return kept.slice(index + 1, index + 1 + CHANGES_AT_ONCE);
      const changes = await readChanges(database, cursor, CHANGES_AT_ONCE);
      const resync = changes.length === CHANGES_AT_ONCE ? await skip(cursor) : undefined;
      return resync === undefined ? changes : { resync };
    },
    /** After a time in which nothing was read, what is kept would have a gap. */
    forget(): void {
      kept = [];
      keptFrom = undefined;
      skipped = undefined;
    },
  };
}

/** Loads what a change touched, once for all listeners. */
function createLoader(database: Database): (change: Change) => Promise<LiveEvent> {
  const loaded = new WeakMap<Change, Promise<LiveEvent>>();
  return (change) => {
    let event = loaded.get(change);
    if (!event) {
      event = loadItems(database, change);
      loaded.set(change, event);
      event.catch(() => loaded.delete(change));
    }
    return event;
  };
}

async function loadItems(database: Database, { cursor, kind, ids }: Change): Promise<LiveEvent> {
  const items: LiveItem[] = [];
  if (kind === "message") {
    const found = new Map((await findMessages(database, ids)).map((m) => [m.message_id, m]));
    for (const id of ids) items.push({ kind, id, item: found.get(id) });
  } else if (kind === "task") {
    const found = new Map((await findTasks(database, ids)).map((t) => [t.id, t]));
    for (const id of ids) items.push({ kind, id, item: found.get(id) });
  } else {
    const found = new Map((await findNotifications(database, ids)).map((n) => [n.id, n]));
    for (const id of ids) items.push({ kind, id, item: found.get(id) });
  }
  return { cursor, items };
}
