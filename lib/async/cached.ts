/**
 * One answer for all who ask at about the same time: read again after `freshMs`
 * milliseconds, or after `rest` times as long as reading took, so that a slow
 * one does not fill all the time. A failure is not kept.
 */
export function cached<T>(
  read: () => Promise<T>,
  { freshMs, rest = 10 }: { freshMs: number; rest?: number },
): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let freshUntil = 0;
  return () => {
    if (latest && performance.now() < freshUntil) return latest;
    const startedAt = performance.now();
    freshUntil = Infinity;
    latest = read();
    latest.then(
      () =>
        freshUntil = performance.now() + Math.max(freshMs, (performance.now() - startedAt) * rest),
      () => freshUntil = 0,
    );
    return latest;
  };
}
