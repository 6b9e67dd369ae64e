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
