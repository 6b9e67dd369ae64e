import { createLineReader, type LineReader } from "./line_reader.ts";

/** A part of a line: text, or what is more than that. */
export type Inline =
  | string
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "deleted"; inside: Inline[] }
  | Link;

/** Whoever shows it decides whether its target is one to go to. */
export interface Link {
  kind: "link";
  /** Its words; undefined where they are its target. */
  label?: string;
  target: string;
  /** As it is written. */
  source: string;
}

/** A longer line is nothing that somebody has written by hand: it stays as it is. */
const MOST_LINE = 4_000;
const MOST_DEPTH = 6;

/** The next character that may begin something. */
const START = /[\\`*_~<[!h]/g;
const ESCAPABLE = /^[!-/:-@[-`{-~]$/;

/** `<https://…>`, and a link as people write it. */
const MOST_URL = 2_020;
const BARE = /^<(https?:[^\s<>]{1,2000})>/;
const WRITTEN = /^https?:\/\/[^\s<>"'`*)\]\\]{1,2000}/;
const AFTER_LINK = ".,;:!?_";

/** What is emphasised is short, so that its end is never looked for far away. */
const MOST_EMPHASIS = 202;
const WORD = /[\p{L}\p{N}]/u;

/** Something in a line that is more than text, and where it ends. */
interface Piece {
  made: Inline;
  end: number;
}

/**
 * Reads one line of Markdown: code, bold, italic, struck through, links, escaped characters. In
 * time linear in its length, whatever is in it: what is not closed is looked for once.
 */
export function parseInline(text: string, depth = 0): Inline[] {
  if (text.length > MOST_LINE || depth >= MOST_DEPTH) return [text];
  const made: Inline[] = [];
  const reader = createLineReader(text);
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

/** The words alone, without what makes them more than text; `linkText` says how links are told. */
export function wordsOf(parts: readonly Inline[], linkText: (link: Link) => string): string {
  return parts.map((part) => {
    if (typeof part === "string") return part;
    if (part.kind === "code") return part.text;
    return part.kind === "link" ? linkText(part) : wordsOf(part.inside, linkText);
  }).join("");
}

function pieceAt(reader: LineReader, at: number, depth: number): Piece | undefined {
  const { text } = reader;
  switch (text[at]) {
    case "\\": {
      const next = text[at + 1] ?? "";
      return ESCAPABLE.test(next) ? { made: next, end: at + 2 } : undefined;
    }
    case "`": {
      const code = reader.codeAt(at);
      return code &&
        { made: { kind: "code", text: code.said.trim() }, end: code.end };
    }
    case "!":
    case "[": {
      const link = text[at] === "!" ? reader.linkAt(at + 1) : reader.linkAt(at);
      if (!link) return undefined;
      const label = wordsOf(parseInline(link.label, depth + 1), ({ source }) => source).trim();
      return linkPiece(reader, { at, end: link.end, label, target: link.target });
    }
    case "<": {
      const [whole, url] = BARE.exec(text.slice(at, at + MOST_URL)) ?? [];
      return whole === undefined
        ? undefined
        : linkPiece(reader, { at, end: at + whole.length, target: url });
    }
    case "h": {
      const url = writtenAt(text, at);
      return url === undefined
        ? undefined
        : linkPiece(reader, { at, end: at + url.length, target: url });
    }
    case "~":
      return pairAt(text, at, { mark: "~~", kind: "deleted", depth });
    default:
      return pairAt(text, at, { mark: text[at].repeat(2), kind: "strong", depth }) ??
        italicAt(text, at, depth);
  }
}

function linkPiece(
  { text }: LineReader,
  { at, end, label, target }: { at: number; end: number; label?: string; target: string },
): Piece {
  return { made: { kind: "link", label, target, source: text.slice(at, end) }, end };
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

/** Between two marks of two characters; of underscores, not inside of a word. */
function pairAt(
  text: string,
  at: number,
  { mark, kind, depth }: { mark: string; kind: "strong" | "deleted"; depth: number },
): Piece | undefined {
  if (!text.startsWith(mark, at)) return undefined;
  const begin = at + 2;
  const splitsWords = mark !== "__";
  if (isSpace(text[begin]) || !splitsWords && WORD.test(characterBefore(text, at))) {
    return undefined;
  }
  const most = Math.min(text.length, begin + MOST_EMPHASIS);
  for (let end = text.indexOf(mark, begin + 1); end >= 0 && end <= most;) {
    // Of three marks the inner one is emphasis.
    if (text[end + 2] === mark[0]) end++;
    if (!isSpace(text[end - 1]) && (splitsWords || !WORD.test(characterAt(text, end + 2)))) {
      const inside = parseInline(text.slice(begin, end), depth + 1);
      return { made: { kind, inside }, end: end + 2 };
    }
    end = text.indexOf(mark, end + 1);
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
  const after = characterAt(text, end + 1);
  if (after === mark || mark === "_" && WORD.test(after)) return undefined;
  const inside = parseInline(text.slice(at + 1, end), depth + 1);
  return { made: { kind: "emphasis", inside }, end: end + 1 };
}

function characterBefore(text: string, at: number): string {
  return Array.from(text.slice(Math.max(0, at - 2), at)).at(-1) ?? "";
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0x20);
}

function isSpace(character: string | undefined): boolean {
  return character === undefined || /\s/.test(character);
}
