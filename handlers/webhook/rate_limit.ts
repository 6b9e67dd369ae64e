/** So many requests in so many seconds. */
export interface Rate {
  requests: number;
  seconds: number;
}

/** Counts what one source has sent lately. */
export interface RateLimit {
  /** How many seconds until one more is let in; 0 when it is let in now. */
  wait(): number;
  /** Counts one in, and says whether there was room for it. */
  take(): boolean;
}

/**
 * A bucket that holds as many requests as the rate has, and fills up again at
 * its pace: a burst of all of them may come at once. Each process has its own.
 */
export function createRateLimit({ requests, seconds }: Rate): RateLimit {
  const perMs = requests / (seconds * 1_000);
  let left = requests;
  let at = performance.now();
  const fill = () => {
    const now = performance.now();
    left = Math.min(requests, left + (now - at) * perMs);
    at = now;
  };
  return {
    wait() {
      fill();
      return left >= 1 ? 0 : Math.max(1, Math.ceil((1 - left) / perMs / 1_000));
    },
    take() {
      fill();
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}
