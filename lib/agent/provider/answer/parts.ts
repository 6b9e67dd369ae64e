/** A piece of an answer, whose fields are not known yet. */
export type Part = Record<string, unknown>;

/** Whether a value is an object, and no list. */
export function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The pieces in a list, or the only one that stands in its place; what is none is left out. */
export function partsIn(value: unknown): Part[] {
  return [value].flat().filter(isPart);
}

/** Deeper than anybody nests; what walks through a value falls over some thousands. */
const MOST_DEPTH = 200;

/** Whether a value is nested so deep that nobody should walk through it. */
export function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return true;
    level = level.filter((each) => typeof each === "object" && each !== null)
      .flatMap((each) => Object.values(each as object));
  }
  return false;
}
