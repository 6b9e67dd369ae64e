import { createBell } from "../async/bell.ts";

/**
 * Brings new messages to workers at once.
 *
 * The promise is at least once, and it is kept by the `messages` table alone: a
 * row in state `new` is the queue entry and a lease on it decides who works.
 * What travels here are ids, as news of such rows. News may be lost, doubled or
 * delayed, so a worker claims the rows that it gets news of, and also rows that
 * nobody has claimed for a second (`claimMessages` in `lib/message/claim.ts`).
 */
export interface Queue extends AsyncDisposable {
  readonly backend: "local" | "postgres" | "redis";
  /** Tells workers of messages just stored. Never waits and never fails. */
  send(ids: readonly string[]): void;
  /** Up to `max` ids, as soon as there are any; none after `ms` or on abort. */
  receive(max: number, ms: number, signal: AbortSignal): Promise<string[]>;
  /** Tries the commands that send news. @returns why it cannot, in words for anyone. */
  check(): Promise<string | undefined>;
}

/** More ids than this are dropped, which the table keeps: about a megabyte. */
const MOST_NEWS = 10_000;

/** Ids that have come and that no worker has taken yet. */
export interface News {
  add(ids: readonly string[]): void;
  take(max: number, ms: number, signal: AbortSignal): Promise<string[]>;
}

/** News in memory. */
export function createNews(): News {
  const bell = createBell();
  let ids: string[] = [];
  return {
    add(more) {
      ids.push(...more.slice(0, MOST_NEWS - ids.length));
      bell.ring();
    },
    async take(max, ms, signal) {
      if (ids.length === 0) await bell.wait(ms, signal);
      const taken = ids.slice(0, max);
      ids = ids.slice(max);
      return taken;
    },
  };
}

/** A queue inside one process, which both serves and works. */
export function openLocalQueue(): Queue {
  const news = createNews();
  return {
    backend: "local",
    send: (ids) => news.add(ids),
    receive: (max, ms, signal) => news.take(max, ms, signal),
    check: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
