import { LINE_LENGTH } from "../description.ts";

/** A piece of a sentence, or a joining word with what it joins: `["by", sender]`. */
type Words =
  | string
  | undefined
  | readonly [joining: string, value: string | undefined];

/** How many times a line's length is cleaned: even a text of many spaces fills it, and a huge one costs no more. */
const CLEANED_LENGTHS = 10;

/** What no reader can see: bidirectional and zero-width controls, tags, fillers. `STRAY_JOINER` is for joiners. */
const INVISIBLE = /(?![\u200C\u200D\uFE0E\uFE0F])\p{Default_Ignorable_Code_Point}/gu;

/** A joiner belongs between letters of a script that needs it, or between two emoji; elsewhere it only hides. */
const STRAY_JOINER =
  /(?<![[\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}]--\p{Script=Latin}])[\u200C\u200D]|[\u200C\u200D](?![[\p{L}\p{Extended_Pictographic}]--\p{Script=Latin}])|(?<!\p{Emoji})[\uFE0E\uFE0F]/gv;

/** More marks on one letter than any language writes. */
const PILED_MARKS = /(\p{M}{8})\p{M}+/gu;

let segmenter: Intl.Segmenter | undefined;

/**
 * Text as one clean line of at most `max` characters: whitespace and control
 * characters become single spaces, invisible characters go, a cut is marked
 * with "…" and never goes through an emoji.
 */
export function oneLine(text: string, max: number = LINE_LENGTH): string {
  const start = text.trimStart();
  const head = start.slice(0, max * CLEANED_LENGTHS);
  const line = head
    .toWellFormed()
    .replace(INVISIBLE, "")
    .replace(STRAY_JOINER, "")
    .replace(PILED_MARKS, "$1")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  if (line.length <= max && head.length === start.length) return line;
  return `${cut(line, max - 1).trimEnd()}…`;
}

/** Text as a person wrote it, line breaks and all, without what no store can take: NUL and lone surrogates. */
export function wholeText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}

/** The pieces that are there, joined by spaces: a missing value takes its joining word along. */
export function words(...pieces: Words[]): string {
  return pieces
    .map((piece) => typeof piece === "object" ? piece[1] && `${piece[0]} ${piece[1]}` : piece)
    .filter((piece) => piece)
    .join(" ");
}

/** Text in quotation marks, or nothing. */
export function quoted(text: string | undefined): string | undefined {
  return text && `"${text}"`;
}

/** Text with a capital first letter, as a title begins. */
export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** An event's name as people say it: `payment_intent.created` is "payment intent created". */
export function spoken(event: string): string {
  return event.replaceAll(/[._:/-]+/g, " ").replaceAll(/([a-z])([A-Z])/g, "$1 $2").trim()
    .toLowerCase();
}

/** A number with its noun: `1 commit`, `3 commits`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The beginning of a text, at most `max` characters, never through an emoji. */
export function cut(line: string, max: number): string {
  if (line.length <= max) return line;
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  const end = segmenter.segment(line).containing(max)?.index ?? max;
  if (end > 0) return line.slice(0, end);
  // One grapheme alone is longer than the line: cut it, but between characters.
  return line.slice(0, max).toWellFormed().replace(/\uFFFD$/, "");
}

/** The longest value that is told of a change, in characters: of a longer one only its name is. */
const MAX_VALUE = 60;

/** `status To Do → Done`; a value that was not there before or is gone is `none`, one too long is left out. */
export function changed(
  name: string | undefined,
  was: string | undefined,
  now: string | undefined,
): string | undefined {
  const isLong = [was, now].some((value) => (value?.length ?? 0) > MAX_VALUE);
  const isKnown = was !== undefined || now !== undefined;
  const values = isKnown && !isLong ? `${was ?? "none"} → ${now ?? "none"}` : undefined;
  return words(name, values) || undefined;
}

/** The first few of several things, and how many more there are: `a, b, c and 2 more`. */
export function firstFew(things: readonly (string | undefined)[], most = 3): string | undefined {
  const known = things.filter((thing) => thing !== undefined && thing !== "");
  const more = known.length - most;
  return words(known.slice(0, most).join(", "), more > 0 ? `and ${more} more` : undefined) ||
    undefined;
}
