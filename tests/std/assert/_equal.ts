const typedArray: abstract new () => ArrayLike<unknown> = Object.getPrototypeOf(
  Uint8Array,
);

/** Whose text is their whole value. */
const comparedAsText: (abstract new (...args: never[]) => object)[] = [
  RegExp,
  URL,
  URLSearchParams,
  Temporal.Duration,
  Temporal.Instant,
  Temporal.PlainDate,
  Temporal.PlainDateTime,
  Temporal.PlainTime,
  Temporal.ZonedDateTime,
];

/**
 * Deep equality comparison used in assertions.
 *
 * Classes count (a subclass of an array is no array), `NaN` equals itself, `0` equals `-0`,
 * a missing key is not an `undefined` one, and the order of keys does not matter.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Map<object, object>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (
    typeof a !== "object" || typeof b !== "object" || a === null || b === null
  ) return false;
  if (prototypeOf(a) !== prototypeOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (comparedAsText.some((type) => a instanceof type)) {
    return String(a) === String(b);
  }
  if (a instanceof ArrayBuffer) {
    return compareItems(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  }
  if (a instanceof typedArray) return compareItems(a, b as typeof a);
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
  }
  if (seen.get(a) === b) return true;
  seen.set(a, b);
  if (a instanceof Map || a instanceof Set) {
    return compareEntries(a, b as typeof a, seen);
  }
  return compareKeys(a, b, seen);
}

/** An object without a prototype counts as a plain one. */
function prototypeOf(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function compareItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

function compareEntries(
  a: Map<unknown, unknown> | Set<unknown>,
  b: typeof a,
  seen: Map<object, object>,
): boolean {
  if (a.size !== b.size) return false;
  const left = [...b.entries()];
  for (const entry of a.entries()) {
    const at = left.findIndex((other) => compare(entry, other, new Map(seen)));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
}

function compareKeys(a: object, b: object, seen: Map<object, object>): boolean {
  const keys = keysOf(a);
  if (keys.size !== keysOf(b).size) return false;
  for (const key of keys) {
    if (!(key in b)) return false;
    if (!compare(a[key as keyof typeof a], b[key as keyof typeof b], seen)) {
      return false;
    }
  }
  return true;
}

/** Plain things: what one can see. Instances: also what their classes define, such as getters. */
function keysOf(value: object): Set<PropertyKey> {
  const prototype = prototypeOf(value);
  if (prototype === Object.prototype || prototype === Array.prototype) {
    const symbols = Object.getOwnPropertySymbols(value)
      .filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));
    return new Set<PropertyKey>([...Object.keys(value), ...symbols]);
  }
  const keys = new Set<PropertyKey>();
  for (
    let at: object | null = value;
    at && at !== Object.prototype && at !== Array.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
  }
  return keys;
}
