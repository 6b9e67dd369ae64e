import { bareForms, decodedRuns, writtenForms } from "./encodings.ts";
import { isSecretName, MARK, withoutLookalikes } from "./looks.ts";
import { type Hit, searcherFor } from "./search.ts";
import { spellingsOf } from "./spelling.ts";

/** Shorter ones would blot out ordinary words. */
const SHORTEST = 6;
/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/** So often a text may be encoded. */
const MOST_LAYERS = 3;

/** What is looked for in texts. */
interface Needles {
  /** Where each character counts. */
  written: readonly string[];
  /** Where only letters and digits count, of any case. */
  search: (letters: string) => Hit[];
  /** The length of the shortest of all: most fields of a message are shorter. */
  shortest: number;
}

type Range = [from: number, to: number];

/** Where a text holds the needles when only its letters and digits count, of any case. */
function findRewritten(text: string, { search }: Needles): Range[] {
  return spellingsOf(text).flatMap(({ letters, placeOf }) =>
    search(letters).map(({ at, length }) => placeOf(at, length))
  );
}

/** Where a text holds them inside what is encoded in it: all of that, since half a secret is one, too. */
function findEncoded(text: string, needles: Needles): Range[] {
  const isFound = (inner: string, layers: number): boolean =>
    needles.written.some((each) => inner.includes(each)) ||
    findRewritten(inner, needles).length > 0 ||
    layers > 1 && decodedRuns(inner).some((run) => isFound(run.text, layers - 1));
  return decodedRuns(text).filter((run) => isFound(run.text, MOST_LAYERS))
    .map(({ from, to }) => [from, to]);
}

function without(text: string, ranges: readonly Range[]): string {
  let clean = "";
  let end = 0;
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    if (from >= end) clean += text.slice(end, from) + MARK;
    end = Math.max(end, to);
  }
  return clean + text.slice(end);
}

/**
 * Takes secrets out of texts, as they are and as they may be rewritten or encoded, and what looks
 * like one. They are asked for each time, because they may be rotated; one that has been among them
 * stays a secret.
 */
export function createRedactor(secrets: () => readonly (string | undefined)[]): Redact {
  const plain = new Set<string>();
  let needles: Needles = { written: [], search: () => [], shortest: Infinity };

  function learn(): void {
    const before = plain.size;
    for (const secret of secrets()) {
      if (secret !== undefined && secret.length >= SHORTEST) plain.add(secret);
    }
    if (plain.size === before) return;
    const written = [...new Set([...plain].flatMap(writtenForms))];
    const bare = [...new Set([...plain].flatMap(bareForms))];
    needles = {
      // The longest first: one may begin with another.
      written: written.sort((a, b) => b.length - a.length),
      search: searcherFor(bare),
      shortest: Math.min(...[...written, ...bare].map(({ length }) => length)),
    };
  }

  function withoutNeedles(text: string): string {
    if (text.length < needles.shortest) return text;
    let clean = text;
    for (const secret of needles.written) clean = clean.replaceAll(secret, MARK);
    clean = without(clean, findRewritten(clean, needles));
    return without(clean, findEncoded(clean, needles));
  }

  return (text) => {
    learn();
    return withoutLookalikes(withoutNeedles(text));
  };
}

/** The same for every text inside a value of JSON, keys included; secret fields are masked. */
export function redactAll(value: unknown, redact: Redact): unknown {
  return walk(value, redact, isSecretName);
}

/** The same, but fields are taken for what they hold, whatever their names are. */
export function redactTexts<T>(value: T, redact: Redact): T {
  return walk(value, redact, () => false) as T;
}

function walk(value: unknown, redact: Redact, isSecret: (name: string) => boolean): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((each) => walk(each, redact, isSecret));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const hides = isSecret(key) || isSecret(nameFor(key, value));
      return [redact(key), hides ? masked(each, redact, isSecret) : walk(each, redact, isSecret)];
    }),
  );
}

/**
 * Under which name a value stands in an object of two: headers and variables are often lists of
 * `{"name": "Authorization", "value": "…"}`, and told as `headers.name` and `headers.value`.
 */
function nameFor(key: string, object: object): string {
  if (!/value$/i.test(key)) return "";
  const before = key.slice(0, -"value".length);
  const names = ["name", "key", "Name", "Key"].map((each) =>
    (object as Record<string, unknown>)[before + each]
  );
  const found = names.find((each) => typeof each === "string") as string | undefined;
  return found === undefined || /\s/.test(found) ? "" : found;
}

/** A secret, or a list of some; what is more than that has fields of its own. */
function masked(value: unknown, redact: Redact, isSecret: (name: string) => boolean): unknown {
  if (typeof value === "string") return MARK;
  return Array.isArray(value)
    ? value.map((each) => masked(each, redact, isSecret))
    : walk(value, redact, isSecret);
}
