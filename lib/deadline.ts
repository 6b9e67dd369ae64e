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
