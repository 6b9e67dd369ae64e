import { stepsOf } from "../lib/path.ts";
import { type Step } from "../lib/pick.ts";

/** Where something is looked for in a request. */
export interface Request {
  headers?: Headers;
  payload: unknown;
}

/** More values than these are not looked at: a payload may hold a million. */
const MOST_VALUES = 10_000;

/** Names are told apart by dots, so that no text can be read in two ways. */
const PAYLOAD = /^(?:[^\s.[\]{}|:]+|\[(?:\d+|\*)\])(?:\.[^\s.[\]{}|:]+|\[(?:\d+|\*)\])*$/;
const HEADER = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;

/** Whether a text names a place: `order.items[0].name`, `labels[*].name` (any of them) or `header:X-Event`. */
export function isPlace(text: string): boolean {
  return HEADER.test(text) || PAYLOAD.test(text);
}

/** What is wrong with a text that names no place. */
export const PLACE_WANTED = 'must be a path into the payload, such as "order.items[0].name", or ' +
  '"header:" and the name of a header';

/** All values at a place: none, one, or with `[*]` several. Those a sender's objects inherit do not count. */
export function valuesAt(place: string, { headers, payload }: Request): unknown[] {
  const [, header] = HEADER.exec(place) ?? [];
  if (header !== undefined) {
    const value = headers?.get(header);
    return value === null || value === undefined ? [] : [value];
  }
  let found: unknown[] = [payload];
  for (const step of stepsOf(place)) {
    found = found.flatMap((value) => below(value, step)).slice(0, MOST_VALUES);
  }
  return found;
}

function below(value: unknown, step: Step): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (step === "*") return Array.isArray(value) ? value.slice(0, MOST_VALUES) : [];
  return Object.hasOwn(value, step) ? [(value as Record<Step, unknown>)[step]] : [];
}

/** The first text or number at a place; booleans count as text, blank text does not count. */
export function textAt(place: string, request: Request): string | undefined {
  for (const value of valuesAt(place, request)) {
    if (typeof value === "string" && value.trim() !== "") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
  }
  return undefined;
}
