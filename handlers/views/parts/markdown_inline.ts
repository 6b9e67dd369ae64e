import { html } from "hono/html";
import { httpLink } from "../../../sources/kit/link.ts";
import type { Html } from "../page.ts";

/** A longer line is nothing that somebody has written by hand: it stays as it is. */
export const MOST_LINE = 4_000;
const MOST_DEPTH = 6;

/** The next character that may begin something. */
const START = /[\\`*_<[!h]/g;
const ESCAPABLE = /^[!-/:-@[-`{-~]$/;

/** What stands between brackets, and what may stand in the parentheses after it. */
const MOST_LABEL = 500;
const MOST_TARGET = 2_300;
const TARGET = /^\(<?([^\s()<>]{1,2000})>?(?: "[^"]{0,200}")?\)/;
/** `<https://…>`, and a link as people write it. */
const MOST_URL = 2_020;
const BARE = /^<(https?:[^\s<>]{1,2000})>/;
const WRITTEN = /^https?:\/\/[^\s<>"'`*_)\]]{1,2000}/;
const AFTER_LINK = ".,;:!?";

/** What is emphasised is short, so that its end is never looked for far away. */
const MOST_EMPHASIS = 202;
const WORD = /[\p{L}\p{N}]/u;

/** Something in a line that is more than text, and where it ends. */
interface Piece {
  made: Html | string;
  end: number;
}

/**
 * One line of Markdown: code, bold, italic, links, escaped characters. In time linear in its
 * length, whatever is in it: what is not closed is looked for once.
 */
export function inline(text: string, depth = 0): (Html | string)[] {
  if (text.length > MOST_LINE || depth >= MOST_DEPTH) return [text];
  const made: (Html | string)[] = [];
  const reader = createReader(text);
  let from = 0;
  let at = 0;
  while (true) {
    START.lastIndex = at;
    const found = START.exec(text);
    if (!found) break;
    at = found.index;
    const piece = pieceAt(reader, at, depth);
    if (piece) {
      made.push(text.slice(from, at), piece.made);
      from = at = piece.end;
    } else at += text[at] === "`" ? reader.runAt(at) : 1;
  }
  made.push(text.slice(from));
  return made;
}

/** The words of all links in a text of one line, instead of the links. */
export function withoutLinks(text: string): string {
  const { linkAt } = createReader(text);
  let said = "";
  let from = 0;
  for (
    let at = text.indexOf("[");
    at >= 0;
    at = text.indexOf("[", Math.max(at + 1, from))
  ) {
    const link = linkAt(at);
    if (!link) continue;
    said += text.slice(from, at > from && text[at - 1] === "!" ? at - 1 : at) +
      link.label;
    from = link.end;
  }
  return said + text.slice(from);
}

type Reader = ReturnType<typeof createReader>;

function pieceAt(reader: Reader, at: number, depth: number): Piece | undefined {
  const { text } = reader;
  switch (text[at]) {
    case "\\": {
      const next = text[at + 1] ?? "";
      return ESCAPABLE.test(next) ? { made: next, end: at + 2 } : undefined;
    }
    case "`": {
      const code = reader.codeAt(at);
      return code &&
        { made: html`<code>${code.said.trim()}</code>`, end: code.end };
    }
    case "!":
    case "[": {
      const link = text[at] === "!" ? reader.linkAt(at + 1) : reader.linkAt(at);
      if (!link) return undefined;
      const whole = text.slice(at, link.end);
      return { made: anchor(link.label, link.target, whole), end: link.end };
    }
    case "<": {
      const [whole, url] = BARE.exec(text.slice(at, at + MOST_URL)) ?? [];
      return whole === undefined
        ? undefined
        : { made: anchor(undefined, url, whole), end: at + whole.length };
    }
    case "h": {
      const url = writtenAt(text, at);
      return url === undefined
        ? undefined
        : { made: anchor(undefined, url, url), end: at + url.length };
    }
    case "*":
      return boldAt(text, at, depth) ?? italicAt(text, at, depth);
    default:
      return italicAt(text, at, depth);
  }
}

/** Looks at a text, and remembers what it has looked for. */
function createReader(text: string) {
  /** Where the next "]" stands that was looked for, and what stands in the parentheses after it. */
  let close = -1;
  let target: { url: string; end: number } | undefined;
  /** Runs of backticks by their length, in order: only one of the same length closes another. */
  let runs: Map<number, number[]> | undefined;

  function lookForClose(from: number): void {
    if (close >= from) return;
    close = text.indexOf("]", from);
    if (close < 0) close = Infinity;
    const [whole, url] = TARGET.exec(text.slice(close + 1, close + 1 + MOST_TARGET)) ?? [];
    target = whole === undefined ? undefined : { url, end: close + 1 + whole.length };
  }

  /** How many backticks stand in a row. */
  function runAt(at: number): number {
    let end = at;
    while (text[end] === "`") end++;
    return end - at;
  }

  function findRuns(): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (let at = text.indexOf("`"); at >= 0;) {
      const length = runAt(at);
      const places = found.get(length);
      if (places) places.push(at);
      else found.set(length, [at]);
      at = text.indexOf("`", at + length);
    }
    for (const places of found.values()) places.reverse();
    return found;
  }

  return {
    text,
    runAt,
    /** Code that begins with the run of backticks at a place; places are asked for in order. */
    codeAt(at: number): { said: string; end: number } | undefined {
      const length = runAt(at);
      const places = (runs ??= findRuns()).get(length) ?? [];
      // The last is the next one: those that were passed are of no use any more.
      while (places.length > 0 && places.at(-1)! < at + length) places.pop();
      const end = places.at(-1);
      return end === undefined
        ? undefined
        : { said: text.slice(at + length, end), end: end + length };
    },
    /** The link whose words begin with the bracket at a place; places are asked for in order. */
    linkAt(
      at: number,
    ): { label: string; target: string; end: number } | undefined {
      if (text[at] !== "[") return undefined;
      lookForClose(at + 1);
      if (!target || close - at - 1 > MOST_LABEL) return undefined;
      return {
        label: text.slice(at + 1, close),
        target: target.url,
        end: target.end,
      };
    },
  };
}

/** Without what ends the sentence around it. */
function writtenAt(text: string, at: number): string | undefined {
  const [found] = WRITTEN.exec(text.slice(at, at + MOST_URL)) ?? [];
  if (found === undefined) return undefined;
  let end = found.length;
  while (AFTER_LINK.includes(found[end - 1])) end--;
  const url = found.slice(0, end);
  // Something must be left of the host.
  return /^https?:\/\/../s.test(url) ? url : undefined;
}

function boldAt(text: string, at: number, depth: number): Piece | undefined {
  if (!text.startsWith("**", at)) return undefined;
  const begin = at + 2;
  if (isSpace(text[begin])) return undefined;
  const most = Math.min(text.length, begin + MOST_EMPHASIS);
  for (let end = text.indexOf("**", begin + 1); end >= 0 && end <= most;) {
    if (!isSpace(text[end - 1])) {
      const said = inline(text.slice(begin, end), depth + 1);
      return { made: html`<strong>${said}</strong>`, end: end + 2 };
    }
    end = text.indexOf("**", end + 1);
  }
  return undefined;
}

/** Between two stars, or two underscores which are not inside of a word. */
function italicAt(text: string, at: number, depth: number): Piece | undefined {
  const mark = text[at];
  const before = characterBefore(text, at);
  if (before === mark || WORD.test(before) || isSpace(text[at + 1])) {
    return undefined;
  }
  const end = text.indexOf(mark, at + 2);
  if (end < 0 || end > at + 1 + MOST_EMPHASIS || isSpace(text[end - 1])) {
    return undefined;
  }
  const after = String.fromCodePoint(text.codePointAt(end + 1) ?? 0x20);
  if (after === mark || mark === "_" && WORD.test(after)) return undefined;
  const said = inline(text.slice(at + 1, end), depth + 1);
  return { made: html`<em>${said}</em>`, end: end + 1 };
}

function characterBefore(text: string, at: number): string {
  return Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? "";
}

function isSpace(character: string | undefined): boolean {
  return character === undefined || /\s/.test(character);
}

const NEW_TAB = html`<span class="words"> (opens in a new tab)</span>`;

/** A link whose host is shown, whatever its words say; what is no web address stays text. */
function anchor(
  label: string | undefined,
  target: string,
  whole: string,
): Html | string {
  const url = httpLink(target);
  if (!url) return whole;
  const { host } = new URL(url);
  const words = label?.replace(/\\(.)/g, "$1").trim();
  const shown = words && words !== url ? html`${words} <span class="host">(${host})</span>` : url;
  return html`
    <a href="${url}" rel="noreferrer noopener"
      target="_blank">${shown}${NEW_TAB}</a>
  `;
}
