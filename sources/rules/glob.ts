/**
 * Whether an event is among those that somebody waits for, by patterns of their names: any is where
 * there are none. Models name them as they know them: `Check_Suite` is every `check_suite.…`, too.
 */
export function isAwaited(patterns: readonly string[], event: string | null): boolean {
  if (patterns.length === 0) return true;
  const name = event?.toLowerCase();
  return name !== undefined &&
    patterns.map((each) => each.toLowerCase()).some((pattern) =>
      matchesGlob(pattern, name) || matchesGlob(`${pattern}.*`, name)
    );
}

/**
 * Whether a text is of the form of a pattern with `*` (any text, also none) and
 * `?` (any one character). Takes no longer than the product of their lengths,
 * whatever a sender writes, which a regular expression does not promise.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let [at, in_] = [0, 0];
  /** Where the last star stands, and how much of the text it has taken. */
  let [star, taken] = [-1, 0];
  while (in_ < text.length) {
    if (pattern[at] === "*") {
      [star, taken] = [at++, in_];
    } else if (pattern[at] === "?" || pattern[at] === text[in_]) {
      at++;
      in_++;
    } else if (star >= 0) {
      at = star + 1;
      in_ = ++taken;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
