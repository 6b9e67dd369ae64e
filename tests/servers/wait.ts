/** Thrown when what a test waited for did not come in time. */
export class WaitedTooLong extends Error {
  override name = "WaitedTooLong";
}

export interface UntilOptions {
  /** How it reads in "Waited 5000 ms for …". */
  what: string;
  /** @default {5000} */
  timeoutMs?: number;
}

/**
 * Waits until `check` gives something truthy, and returns it. A check that throws has not come
 * true yet, so assertions may be used in it; the last error is told when the time is over.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  { what, timeoutMs = 5000 }: UntilOptions,
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const deadline = performance.now() + timeoutMs;
  let pauseMs = 2;
  let cause: unknown;
  for (;;) {
    try {
      const leftMs = Math.max(deadline - performance.now(), 1);
      const value = await within(Promise.resolve(check()), leftMs, what);
      if (value) return value as Exclude<T, undefined | null | false | 0 | "">;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() + pauseMs >= deadline) {
      const last = cause instanceof Error ? `; the last try said: ${cause.message}` : "";
      throw new WaitedTooLong(`Waited ${timeoutMs} ms for ${what}${last}`, {
        cause,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, 50);
  }
}

/** The promise, or {@linkcode WaitedTooLong} when it takes longer than `ms`. */
export async function within<T>(
  promise: PromiseLike<T>,
  ms: number,
  what: string,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new WaitedTooLong(`Waited ${ms} ms for ${what}`)),
      ms,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
