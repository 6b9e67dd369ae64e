import { clearInterval, setInterval } from "node:timers";

/** A wait that was given up. What was waited for may still happen. */
export class DeadlineError extends Error {
  override name = "DeadlineError";
}

/**
 * Waits for `work`, at most `ms` milliseconds.
 *
 * A frozen server answers neither yes nor no, and neither store client notices
 * (postgres#1089; node-redis times out only what it has not yet written), so
 * every wait on a store goes through here. After a {@link DeadlineError} the
 * outcome is unknown: whatever is behind `work` must bear being repeated.
 */
export function deadline<T>(what: string, ms: number, work: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new DeadlineError(`Cannot ${what}: no answer within ${ms} ms`)),
      ms,
    );
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/**
 * The same for many waits of one length, which share one timer: making one for
 * each costs more than a tenth of taking a webhook. May come a tenth late. Time
 * in which this process itself stood still (a large body being parsed) does not
 * count: it is not the other side that was slow.
 */
export function createDeadline(
  what: string,
  ms: number,
): <T>(work: PromiseLike<T>) => Promise<T> {
  /** In the order in which they run out. */
  const waits = new Set<{ until: number; giveUp(): void }>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const lookMs = ms / 10;
  let lookedAt = 0;

  function look(): void {
    const now = performance.now();
    const stood = now - lookedAt - lookMs;
    lookedAt = now;
    if (stood > lookMs) { for (const wait of waits) wait.until += stood; }
    for (const wait of waits) {
      if (wait.until > now) break;
      waits.delete(wait);
      wait.giveUp();
    }
    if (waits.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      const wait = {
        until: performance.now() + ms,
        giveUp: () => reject(new DeadlineError(`Cannot ${what}: no answer within ${ms} ms`)),
      };
      waits.add(wait);
      if (!timer) {
        lookedAt = performance.now();
        // Not kept alive by it: a process that has nothing else to do may end.
        timer = setInterval(look, lookMs).unref();
      }
      work.then(
        (value) => {
          waits.delete(wait);
          resolve(value);
        },
        (error) => {
          waits.delete(wait);
          reject(error);
        },
      );
    });
}

/** Waits `ms` milliseconds, or less when the signal is aborted. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/** Waits for work that cannot be stopped, but no longer than the signal lives; then undefined. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T | undefined> {
  // Nobody hears any more how it ends, and an unheard rejection would end the process.
  work.catch(() => {});
  if (signal.aborted) return undefined;
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Resolves when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
