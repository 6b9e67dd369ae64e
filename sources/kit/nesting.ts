/** Deeper than anybody nests; what walks through a value falls over some thousands. */
const MOST_LEVELS = 200;

/** Whether a JSON value is nested so deep that nobody should walk through it, or write it out. */
export function isTooDeep(value: unknown, most = MOST_LEVELS): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? Object.values(each) : []
    );
  }
  return false;
}
