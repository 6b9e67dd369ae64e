import { unlessAborted } from "../../async/deadline.ts";

/** Lets so many work at once; the others wait in line. */
export interface ConcurrencyLimit {
  /** Runs the work when there is room. Rejects when the signal is aborted before. */
  within<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** Lets `count` work at once. */
export function createConcurrencyLimit(count: number): ConcurrencyLimit {
  let free = count;
  const line: (() => void)[] = [];

  async function enter(signal: AbortSignal): Promise<void> {
    if (free > 0) {
      free--;
      return;
    }
    const turn = Promise.withResolvers<true>();
    const mine = () => turn.resolve(true);
    line.push(mine);
    if (await unlessAborted(signal, turn.promise)) return;
    const index = line.indexOf(mine);
    // Called up in the very moment of leaving: the turn goes to the next.
    if (index >= 0) line.splice(index, 1);
    else leave();
    signal.throwIfAborted();
  }

  function leave(): void {
    const next = line.shift();
    if (next) next();
    else free++;
  }

  return {
    async within(signal, work) {
      signal.throwIfAborted();
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
