/**
 * Lets something be said at most once in `ms`, for each kind of it: a flood of
 * failures must not become a flood of log lines. `say` is called with how many
 * of its kind were left unsaid since the last one. Kinds are kept for good, so
 * they must be words of ours and never a stranger's.
 */
export function createThrottle(
  ms: number,
  clock: () => number = () => performance.now(),
): (say: (unsaid: number) => void, kind?: string) => void {
  const kinds = new Map<string, { quietUntil: number; unsaid: number }>();
  return (say, kind = "") => {
    const now = clock();
    const last = kinds.get(kind);
    if (last && now < last.quietUntil) {
      last.unsaid++;
      return;
    }
    kinds.set(kind, { quietUntil: now + ms, unsaid: 0 });
    say(last?.unsaid ?? 0);
  };
}
