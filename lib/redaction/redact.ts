import { Buffer } from "node:buffer";
import { isSecretName, MARK, withoutLookalikes } from "./looks.ts";

/** Shorter ones would blot out ordinary words. */
const SHORTEST = 6;
/** Takes secrets out of a text. */
export type Redact = (text: string) => string;

/**
 * A secret as base64 shows it, alone or behind anything: servers repeat a header of
 * `Basic` credentials, or what they could not decode. Three offsets give three
 * texts; the digits at the ends that depend on the neighbours are not among them.
 */
function base64Of(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const whole = bytes.toString("base64");
  const inside = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64").replace(
      /={1,2}$/,
      "",
    );
    const first = Math.ceil(offset * 8 / 6);
    return text.slice(first, Math.floor((offset + bytes.length) * 8 / 6));
  });
  return [whole, whole.replace(/={1,2}$/, ""), ...inside]
    .flatMap((text) => [text, text.replaceAll("+", "-").replaceAll("/", "_")]);
}

/** Of letters and digits; a shorter one is found in ordinary sentences once their gaps are ignored. */
const SHORTEST_BARE = 12;
const NOT_BARE = /[^A-Za-z0-9]+/g;

const bare = (text: string) => text.replace(NOT_BARE, "").toLowerCase();

/**
 * A secret as whoever passes it on may have rewritten it: spelled out with anything between its
 * characters, in capitals, backwards, in hex (which `%63%61` is, too).
 */
function rewritten(secret: string): string[] {
  const letters = bare(secret);
  const hex = Buffer.from(secret).toString("hex");
  if (letters.length < SHORTEST_BARE) return [hex];
  return [letters, [...letters].reverse().join(""), hex];
}

/** Takes out the needles that a text holds when only its letters and digits count, of any case. */
function withoutRewritten(text: string, needles: readonly string[]): string {
  const letters = bare(text);
  const found = needles.filter((needle) => letters.includes(needle));
  if (found.length === 0) return text;
  const places = [...text.matchAll(/[A-Za-z0-9]/g)].map(({ index }) => index);
  const ranges = found.flatMap((needle) => {
    const starts: [from: number, to: number][] = [];
    for (let at = letters.indexOf(needle); at >= 0; at = letters.indexOf(needle, at + 1)) {
      starts.push([places[at], places[at + needle.length - 1] + 1]);
    }
    return starts;
  }).sort(([a], [b]) => a - b);
  let clean = "";
  let end = 0;
  for (const [from, to] of ranges) {
    if (from >= end) clean += text.slice(end, from) + MARK;
    end = Math.max(end, to);
  }
  return clean + text.slice(end);
}

/**
 * Takes secrets out of texts, in base64 and as they may be rewritten too, and what looks like
 * one. They are asked for each time, because they may be rotated; one that has been among them
 * stays a secret.
 */
export function createRedactor(secrets: () => readonly (string | undefined)[]): Redact {
  const plain = new Set<string>();
  let written: string[] = [];
  let needles: string[] = [];

  function learn(): void {
    const before = plain.size;
    for (const secret of secrets()) {
      if (secret !== undefined && secret.length >= SHORTEST) plain.add(secret);
    }
    if (plain.size === before) return;
    // The longest first: one may begin with another.
    written = [...new Set([...plain].flatMap((secret) => [secret, ...base64Of(secret)]))]
      .sort((a, b) => b.length - a.length);
    needles = [...new Set([...plain].flatMap(rewritten))];
  }

  return (text) => {
    learn();
    let clean = text;
    for (const secret of written) clean = clean.replaceAll(secret, MARK);
    return withoutLookalikes(withoutRewritten(clean, needles));
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
