import { MOST_DEPTH, PickleError, type PickleValue, PyObject, PyTuple } from "./value.ts";

/** What each value costs beside its own bytes, about as JSON would need. */
const BYTES_EACH = 8;

/**
 * Refuses a value that contains itself, is nested too deep, or whose size with
 * every reference written out is over the budget: twenty lists of ten
 * references each are 454 bytes, and 10^20 values.
 */
export function checkExpansion(value: PickleValue, maxBytes: number): void {
  let spent = 0;
  const visit = (each: PickleValue, depth: number): void => {
    spent += BYTES_EACH + ownBytes(each);
    if (spent > maxBytes) {
      throw new PickleError(`The value in the pickle is larger than ${maxBytes} bytes`);
    }
    if (depth > MOST_DEPTH) {
      throw new PickleError(
        `The value in the pickle is nested over ${MOST_DEPTH} deep, or contains itself`,
      );
    }
    for (const inner of innerValues(each)) visit(inner, depth + 1);
  };
  visit(value, 0);
}

function ownBytes(value: PickleValue): number {
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
}

function* innerValues(value: PickleValue): Iterable<PickleValue> {
  if (value instanceof PyTuple) yield* value.items;
  else if (Array.isArray(value) || value instanceof Set) yield* value;
  else if (value instanceof Map) {
    for (const [key, each] of value) yield* [key, each];
  } else if (value instanceof PyObject) {
    yield value.args;
    if (value.kwargs) yield value.kwargs;
    if (value.state !== undefined) yield value.state;
    if (value.items) yield value.items;
    if (value.entries) yield value.entries;
  }
}
