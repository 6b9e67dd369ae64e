import { oneLine, wholeText } from "./line.ts";

/** A step into a payload: a key of an object or an index of an array. */
export type PathKey = string | number;

/** What lies at a path inside a payload of unknown shape, or `undefined`. Inherited properties do not count. */
export function at(value: unknown, ...path: PathKey[]): unknown {
  for (const step of path) {
    if (
      typeof value !== "object" || value === null || !Object.hasOwn(value, step)
    ) {
      return undefined;
    }
    value = (value as Record<PathKey, unknown>)[step];
  }
  return value;
}

/** The text at a path as it was written; numbers count as text, blank text does not. */
export function text(value: unknown, ...path: PathKey[]): string | undefined {
  const found = at(value, ...path);
  if (typeof found === "number") return String(found);
  return typeof found === "string" && found.trim() !== "" ? found : undefined;
}

/** The text at a path as one clean line, or `undefined` when nothing can be read there. */
export function line(value: unknown, ...path: PathKey[]): string | undefined {
  const found = text(value, ...path);
  return found === undefined ? undefined : oneLine(found) || undefined;
}

/** The text at a path with its line breaks, fit to be stored. */
export function whole(value: unknown, ...path: PathKey[]): string | undefined {
  const found = text(value, ...path);
  return found && wholeText(found);
}

/** The array at a path; an empty one when there is none. */
export function list(value: unknown, ...path: PathKey[]): unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Whether there is an object (not an array) at a path. */
export function isObject(value: unknown, ...path: PathKey[]): boolean {
  const found = at(value, ...path);
  return typeof found === "object" && found !== null && !Array.isArray(found);
}

/** The first of several readings that found something. */
export function first<T>(...readings: (T | undefined)[]): T | undefined {
  return readings.find((reading) => reading !== undefined);
}

/** The facts that are there, each as one clean line. */
export function facts(
  found: Record<string, string | undefined>,
): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(found)) {
    const clean = value === undefined ? "" : oneLine(value);
    if (clean !== "") entries.push([name, clean]);
  }
  return Object.fromEntries(entries);
}
