import { type Change, findEnds, isAfter, toCursor } from "./change.ts";
import { CHANGES_AT_ONCE, openRecentChanges } from "./recent_changes.ts";
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
   * signal is aborted; one event with `isResync` instead of more than a thousand that wait.
   * Yields an empty list of events when nothing has happened for `idleMs`.
   *
   * While another transaction stays open in this database for seconds, what is committed behind it
   * is told before its turn, and again in its turn.
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
/** What the live stream needs. */
export interface LiveOptions {
  database: Database;
  log: Log;
  /** For how long changes wait for an older transaction to end; 3,000 unless said. */
  patienceMs?: number;
}

/** Opens the live stream of this process. Reads nothing as long as nobody listens. */
export function openLive({ database, log, patienceMs }: LiveOptions): Live {
  const bell = createBell();
  const recent = openRecentChanges(database, patienceMs);
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
    async resume(text) {
      const { oldest, latest } = await findEnds(database);
      if (text === undefined) return { cursor: latest, gap: false };
      const cursor = toCursor(text);
      return cursor === undefined || isAfter(cursor, latest) || isAfter(oldest, cursor)
        ? { cursor: latest, gap: true }
        : { cursor, gap: false };
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
