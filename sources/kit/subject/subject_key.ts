import type { Subject, SubjectRole } from "../../subject.ts";
import { at, type PathKey } from "../json_path.ts";

/** The longest key, with the name in the URL before it: it is part of an index. */
const MOST_KEY = 200;

/** What no vendor's id has: controls, what nobody can see, line breaks, a template's braces, a redacted value's mark. */
const STRANGE = /[\p{C}\p{Zl}\p{Zp}{}•]/u;

/** Whether a text can be an id, or a key made of ids. */
export function isIdText(text: string): boolean {
  return text !== "" && text.length <= MOST_KEY && text.trim() === text && text !== "__proto__" &&
    !STRANGE.test(text);
}

/**
 * The sender's id at a path, exactly as it was sent: a text, or a number that has lost no digit.
 * Anything else is `undefined`: a cleaned or shortened id would be another thing's.
 */
export function idAt(payload: unknown, ...path: PathKey[]): string | undefined {
  const found = at(payload, ...path);
  if (typeof found === "number") return Number.isSafeInteger(found) ? String(found) : undefined;
  return typeof found === "string" && isIdText(found) ? found : undefined;
}

/**
 * A key of ids: `` keyOf`${repository}#${number}` ``. Where one of them is missing there is none,
 * as half a key would be shared by strangers.
 */
export function keyOf(
  between: TemplateStringsArray,
  ...ids: (string | undefined)[]
): string | undefined {
  if (ids.includes(undefined)) return undefined;
  const key = String.raw({ raw: between }, ...ids);
  return isIdText(key) ? key : undefined;
}

/** A subject with a key; without one there is none. */
export function toSubject(
  key: string | undefined,
  rest: Omit<Subject, "key">,
): Subject | undefined {
  return key === undefined ? undefined : { key, ...rest };
}

/** The latest time that is believed, the year 2100: later ones are no times of events. */
const LATEST = 4_102_444_800_000;
/** Numbers below it count seconds, above it milliseconds: as milliseconds it is a day of 1973. */
const MILLISECONDS = 100_000_000_000;

/** The time at a path in milliseconds since 1970, written as ISO 8601, in seconds or in milliseconds. */
export function timeAt(payload: unknown, ...path: PathKey[]): number | undefined {
  const found = at(payload, ...path);
  const text = typeof found === "string" && found.length <= 40 ? found.trim() : found;
  const number = typeof text === "string" && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  const ms = typeof number === "string"
    ? Date.parse(number)
    : typeof number === "number"
    ? Math.round(number < MILLISECONDS ? number * 1_000 : number)
    : NaN;
  return ms > 0 && ms < LATEST ? ms : undefined;
}

/**
 * The one subject of a batch: there is none where its items are about several things, or where one
 * of them is about nothing. What the last item says that is more than a note is what the batch does.
 */
export function agreedSubject(items: readonly (Subject | undefined)[]): Subject | undefined {
  const [one] = items;
  if (!one || items.some((each) => each?.key !== one.key)) return undefined;
  const all = items.filter((each) => each !== undefined);
  const telling = all.findLast(({ role }) => role !== "notes") ?? one;
  return {
    ...telling,
    name: all.findLast(({ name }) => name)?.name,
    link: all.findLast(({ link }) => link)?.link,
  };
}

/** The role that a table of actions gives, else `notes`. */
export function roleIn(
  roles: Partial<Record<SubjectRole, readonly string[]>>,
  action: string | undefined,
): SubjectRole {
  const found = Object.entries(roles).find(([, actions]) =>
    action !== undefined && actions.includes(action)
  );
  return (found?.[0] as SubjectRole | undefined) ?? "notes";
}
