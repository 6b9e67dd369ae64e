/** The parts of a request that path expressions look into. */
export interface RequestParts {
  headers?: Headers;
  payload: unknown;
  /** The body was neither JSON nor a form: the payload is `raw_body` and nothing else. */
  isRaw?: boolean;
}

/** As a place of an id: the digest of the whole body, so that the same bytes are the same delivery. */
export const SAME_BYTES = "body:sha256";

/** Any item of a list. */
export const ANY = Symbol("any");

/** A step into a payload: a key, an index, or any item. */
type PathStep = string | number | typeof ANY;

/** With more values than these nothing is said about a path: a payload may hold a million. */
const MOST_VALUES = 10_000;

/** A step is `.name`, `[0]`, `[*]`, or for a key with any other characters `["a key"]`. */
const STEP = /\.([^\s.[\]{}|:"]+)|\[(\d+|\*)\]|\[("(?:[^"\\]|\\.)*")\]/y;
const HEADER = /^header:([!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;
const WANTED = 'must be a path into the payload, such as "order.items[0].name" (a key with other ' +
  'characters in it is written ["a key"]), or "header:" and the name of a header';

/**
 * What is wrong with a text that should be a path expression: `order.items[0].name`,
 * `labels[*].name` (any of them), `form["user[email]"]` or `header:X-Event`;
 * undefined when nothing is.
 */
export function pathExpressionFault(text: string): string | undefined {
  if (text.startsWith("$")) {
    const path = text.replace(/^\$(\.|(?=\[))/, "");
    const meant = path !== text && parsePath(path) ? path : "order.id";
    return `paths do not begin with $: write ${meant}, or ["$key"] for a key that does`;
  }
  return HEADER.test(text) || parsePath(text) ? undefined : WANTED;
}

/** The steps of a path into a payload, in time linear in its length; undefined when it is none. */
export function parsePath(path: string): PathStep[] | undefined {
  const text = path.startsWith("[") ? path : `.${path}`;
  const steps: PathStep[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const found = STEP.exec(text);
    const step = found ? toStep(found) : undefined;
    if (step === undefined) return undefined;
    steps.push(step);
  }
  return steps;
}

function toStep([, name, item, key]: readonly (string | undefined)[]): PathStep | undefined {
  if (key !== undefined) return parseKey(key);
  return (name ?? item) === "*" ? ANY : name ?? Number(item);
}

function parseKey(json: string): string | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/**
 * All values that a path expression finds: none, one, or with `[*]` several;
 * inherited properties do not count. Undefined when that cannot be said: there
 * are more than are looked at, or the body could not be read.
 */
export function valuesAt(path: string, request: RequestParts): unknown[] | undefined {
  const { values, isAll } = search(path, request);
  return isAll ? values : undefined;
}

function search(path: string, { headers, payload, isRaw }: RequestParts) {
  const [, header] = HEADER.exec(path) ?? [];
  if (header !== undefined) {
    const value = headers?.get(header) ?? undefined;
    return { values: value === undefined ? [] : [value], isAll: true };
  }
  const steps = parsePath(path) ?? [];
  let values: unknown[] = [payload];
  let isAll = !isRaw || steps[0] === "raw_body";
  for (const step of steps) {
    values = takeEach(values, step);
    if (values.length > MOST_VALUES) isAll = false;
    values = values.slice(0, MOST_VALUES);
  }
  return { values, isAll };
}

/** Ends at the first value that is one too many. */
function takeEach(values: readonly unknown[], step: PathStep): unknown[] {
  const found: unknown[] = [];
  for (const value of values) {
    for (const each of takeStep(value, step)) {
      found.push(each);
      if (found.length > MOST_VALUES) return found;
    }
  }
  return found;
}

function takeStep(value: unknown, step: PathStep): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (step === ANY) return Array.isArray(value) ? value : [];
  return Object.hasOwn(value, step) ? [(value as Record<PathStep, unknown>)[step]] : [];
}

/** The first text or number that a path expression finds; booleans count as text, blank text does not count. */
export function textAt(path: string, request: RequestParts): string | undefined {
  return textsIn(search(path, request).values)[0];
}

/** All of those texts; undefined when that cannot be said, as in `valuesAt`. */
export function textsAt(path: string, request: RequestParts): string[] | undefined {
  const values = valuesAt(path, request);
  return values && textsIn(values);
}

function textsIn(values: readonly unknown[]): string[] {
  return values.filter((value) =>
    typeof value === "string" ? value.trim() !== "" : ["number", "boolean"].includes(typeof value)
  ).map(String);
}

/** The longest list in a sample: `items[1000000]` would make one of a million items. */
const MOST_ITEMS = 100;

/**
 * Puts a value where a path expression will find it, with what is missing on the way; a path that
 * cannot be made is left out, and so is one to something that has parts.
 */
export function putAt(into: Record<string, unknown>, path: string, value: string): void {
  const steps = (parsePath(path) ?? []).map((step) => step === ANY ? 0 : step);
  let at: unknown = into;
  for (const [index, key] of steps.entries()) {
    if (typeof at !== "object" || at === null || key === "__proto__") return;
    if (typeof key === "number" && key > MOST_ITEMS) return;
    const holder = at as Record<string | number, unknown>;
    const next = steps[index + 1];
    if (next !== undefined) at = holder[key] ??= typeof next === "number" ? [] : {};
    else if (typeof holder[key] !== "object" || holder[key] === null) holder[key] = value;
  }
}
