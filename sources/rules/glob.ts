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
