import { randomBytes } from "node:crypto";

/**
 * What no reader sees but a model does: controls, zero-width and bidirectional characters, fillers,
 * variation selectors, tags, the blank of Braille. Line breaks and tabs stay.
 */
const INVISIBLE =
  // deno-lint-ignore no-control-regex -- taking them out is the point
  /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Zl}\p{Zp}\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u2800\uFFF9-\uFFFB]/gu;

/** Deeper than payloads are, and far from where recursion ends the process. */
const MOST_DEPTH = 20;
/** Of one list or object; nobody reads further, and a model should not have to. */
const MOST_ITEMS = 200;
/** About 6,000 tokens, a tenth of what a task may use in all (settings.ts). */
const MOST_CHARACTERS = 24_000;

/** A value as a model may see it: readable characters only, bounded depth and lists. */
export function clean(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return cleanText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MOST_DEPTH) return "… (nested deeper)";
  if (Array.isArray(value)) {
    const items = value.slice(0, MOST_ITEMS).map((each) => clean(each, depth + 1));
    const more = value.length - MOST_ITEMS;
    return more > 0 ? [...items, `… (${more} more items)`] : items;
  }
  const entries = Object.entries(value);
  const fields = entries.slice(0, MOST_ITEMS)
    .map(([key, each]) => [cleanText(key), clean(each, depth + 1)]);
  const more = entries.length - MOST_ITEMS;
  if (more > 0) fields.push(["…", `${more} more fields`]);
  return Object.fromEntries(fields);
}

/**
 * More marks on one letter than any language writes (UAX #15, "Stream-Safe Text
 * Format", has 30): normalizing sorts them, in a time that grows with their square.
 */
const PILED_MARKS = /(\p{M}{8})\p{M}+/gu;

/** A text without what no reader sees. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(PILED_MARKS, "$1").normalize("NFC").replace(INVISIBLE, "");
}

/**
 * A text of the team's own, which needs no fence: but people paste, and nothing that they
 * paste may look like the end or the beginning of one.
 */
export function withoutFences(text: string): string {
  return cleanText(text).replace(/<(?=(?:\s*\/)?\s*untrusted-data)/gi, "‹");
}

/** A fence that nobody can know before: 64 random bits. */
export function newBoundary(): string {
  return randomBytes(8).toString("hex");
}

/**
 * Puts what others have written between two lines that cannot occur inside:
 * it becomes JSON without any "<", and the boundary is not known to a sender.
 */
export function fenced(
  value: unknown,
  { boundary, source, verified, what }: {
    boundary: string;
    source: string;
    verified: boolean;
    what: string;
  },
): string {
  const whole = JSON.stringify(clean(value)).replaceAll("<", "\\u003c");
  // Cut inside the fence: a fence that is cut itself would hold nothing.
  const json = whole.length <= MOST_CHARACTERS
    ? whole
    : JSON.stringify(`${whole.slice(0, MOST_CHARACTERS)}… (cut here)`);
  const signature = verified ? "verified" : "none";
  return `<untrusted-data id="${boundary}" what="${what}" source="${source}" ` +
    `signature="${signature}" chars="${json.length}">\n${json}\n</untrusted-data id="${boundary}">`;
}

/** A text without the lines of its fences, for people, who see where it came from. */
export function unfenced(text: string, boundary: string): string {
  return text.replaceAll(
    new RegExp(
      `<untrusted-data id="${boundary}"[^>]*>\\n|\\n</untrusted-data id="${boundary}">`,
      "g",
    ),
    "",
  );
}
