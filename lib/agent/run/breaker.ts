/** Leaves something alone that has failed too often: a circuit breaker. */
export interface Breaker {
  /** For how many more seconds it is to be left alone; 0 when it may be tried. */
  secondsLeft(): number;
  /** Counts a try. Returns true when this one made the breaker open. */
  count(failed: boolean): boolean;
}

/** Opens for so many seconds after so many failures in a row, whosever they were. */
export function createBreaker(
  { failures, seconds }: { failures: number; seconds: number },
): Breaker {
  let inARow = 0;
  let openUntil = 0;
  return {
    secondsLeft: () => Math.max(0, (openUntil - Date.now()) / 1_000),
    count(failed) {
      inARow = failed ? inARow + 1 : 0;
      if (inARow < failures) return false;
      inARow = 0;
      openUntil = Date.now() + seconds * 1_000;
      return true;
    },
  };
}
