/** Leaves a provider alone that has failed too often: a circuit breaker. */
export interface Breaker {
  /** For how many more seconds it is to be left alone; 0 when it may be tried. */
  secondsLeft(): number;
  /** Whether it was opened, and nobody has heard of the provider since. */
  isSuspect(): boolean;
  /** The provider has answered. */
  heard(): void;
  /** Counts a task that the provider has worked, or has failed. True when this one made the breaker open. */
  count(task: string, failed: boolean): boolean;
}

/**
 * Opens for so many seconds when the provider has failed so many tasks in a row. One task that it
 * fails again and again counts once: its own request may be at fault, and nobody else's is.
 */
export function createBreaker(
  { tasks, seconds }: { tasks: number; seconds: number },
): Breaker {
  const failing = new Set<string>();
  let openUntil = 0;
  let isSuspect = false;
  return {
    isSuspect: () => isSuspect,
    heard() {
      isSuspect = false;
    },
    secondsLeft: () => Math.max(0, (openUntil - Date.now()) / 1_000),
    count(task, failed) {
      if (!failed) {
        failing.clear();
        isSuspect = false;
        return false;
      }
      failing.add(task);
      if (failing.size < tasks) return false;
      failing.clear();
      isSuspect = true;
      openUntil = Date.now() + seconds * 1_000;
      return true;
    },
  };
}
