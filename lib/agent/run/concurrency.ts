import { unlessAborted } from "../../async/deadline.ts";

/** One of the places of those that work at once. */
export interface Place {
  /** Others may have it meanwhile. */
  lend(): void;
  /** Waits in line for one, if it was lent. Rejects when the signal is aborted before. */
  take(): Promise<void>;
}

/** Lets so many work at once; the others wait in line. */
export interface ConcurrencyLimit {
  /** Runs the work when there is room. Rejects when the signal is aborted before. */
  within<T>(signal: AbortSignal, work: (place: Place) => Promise<T>): Promise<T>;
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
      let isMine = false;
      const place: Place = {
        lend() {
          if (isMine) leave();
          isMine = false;
        },
        async take() {
          signal.throwIfAborted();
          if (!isMine) await enter(signal);
          isMine = true;
        },
      };
      await place.take();
      try {
        return await work(place);
      } finally {
        place.lend();
      }
    },
  };
}
