import { type Inline, parseInline } from "./inline.ts";
import { readHead, readRow, type Table } from "./table.ts";

/** A part of a text. */
export type Block =
  | { kind: "heading"; level: number; inside: Inline[] }
  | { kind: "paragraph"; lines: Inline[][] }
  | {
    kind: "list"; /** The first one's number, where they have any. */
    start?: number;
    items: Item[];
  }
  | { kind: "quote"; inside: Block[] }
  | { kind: "code"; text: string }
  | { kind: "rule" }
  | Table;

/** Its first line, and what stands below that. */
export interface Item {
  inside: Inline[];
  rest: Block[];
}

/** A longer text is read up to here, unless it is said otherwise. */
const MOST_TEXT = 60_000;

// What follows a mark is taken to the end of the line, whatever it is: nothing is tried twice.
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/s;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])\s+(.*)$/s;
const QUOTE = /^ {0,3}> ?(.*)$/s;
const RULE = /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/;
const INDENT = /^(?: {4}|\t)/;
/** Lists in quotes in lists: a text that goes deeper is written to do harm. */
const MOST_DEPTH = 6;

/**
 * Reads text as Markdown: headings, paragraphs, lists, quotes, code, tables, and what parseInline
 * reads in their lines. Whoever wrote it is not trusted: HTML is text, an image is a link, and
 * what is not understood stays as it stands. In time linear in its length, whatever is in it.
 *
 * @param most how many characters are read.
 */
export function parseMarkdown(text: string, most = MOST_TEXT): Block[] {
  const cut = text.length > most ? `${text.slice(0, most).toWellFormed()}\n\n…` : text;
  return blocks(cut.split(/\r\n|\r|\n/), 0);
}

function blocks(lines: readonly string[], depth: number): Block[] {
  const made: Block[] = [];
  let at = 0;
  /** Takes lines as long as they fit. */
  const take = (fits: (line: string, index: number) => boolean): string[] => {
    const from = at;
    while (at < lines.length && fits(lines[at], at - from)) at++;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const fence = fenceOf(line);
    const heading = HEADING.exec(line);
    const head = readHead(line, lines[at + 1]);
    if (line.trim() === "") at++;
    else if (fence) {
      at++;
      const code = take((each) => !(each.trim().startsWith(fence) && /^[`~]+$/.test(each.trim())));
      at++;
      made.push({ kind: "code", text: code.join("\n") });
    } else if (heading) {
      at++;
      const inside = parseInline(withoutMarks(heading[2]));
      made.push({ kind: "heading", level: heading[1].length, inside });
    } else if (RULE.test(line)) {
      at++;
      made.push({ kind: "rule" });
    } else if (QUOTE.test(line) && depth < MOST_DEPTH) {
      const quoted = take((each) => QUOTE.test(each)).map((each) => QUOTE.exec(each)![1]);
      made.push({ kind: "quote", inside: blocks(quoted, depth + 1) });
    } else if (ITEM.test(line) && depth < MOST_DEPTH) {
      made.push(list(take((each, index) => index === 0 || isOfList(each)), depth));
    } else if (head) {
      at += 2;
      const rows = take((each) => !startsBlock(each));
      made.push({
        kind: "table",
        ...head,
        rows: rows.map((row) => readRow(row, head.sides.length)),
      });
    } else if (INDENT.test(line) && made.at(-1)?.kind !== "list") {
      const code = take((each) => INDENT.test(each) || each.trim() === "");
      made.push({
        kind: "code",
        text: code.map((each) => each.replace(INDENT, "")).join("\n").trimEnd(),
      });
    } else {
      const from = at;
      const paragraph = take((each, index) =>
        index === 0 || !startsBlock(each) && !readHead(each, lines[from + index + 1])
      );
      made.push({ kind: "paragraph", lines: paragraph.map((each) => parseInline(each.trim())) });
    }
  }
  return made;
}

function startsBlock(line: string): boolean {
  return line.trim() === "" || fenceOf(line) !== undefined ||
    [HEADING, ITEM, QUOTE, RULE].some((each) => each.test(line));
}

/** The mark that begins a block of code; after one of backticks no other may stand in its line. */
function fenceOf(line: string): string | undefined {
  const [whole, fence] = FENCE.exec(line) ?? [];
  return whole !== undefined && line.indexOf("`", whole.length) < 0 ? fence : undefined;
}

/** A heading may be closed by the marks that have opened it. */
function withoutMarks(heading: string): string {
  const text = heading.trimEnd();
  let end = text.length;
  while (text[end - 1] === "#") end--;
  return text.slice(0, end).trimEnd();
}

function isOfList(line: string): boolean {
  return ITEM.test(line) || /^ {2,}\S/.test(line);
}

function list(lines: readonly string[], depth: number): Block {
  const items: string[][] = [];
  const [, indent, mark] = ITEM.exec(lines[0])!;
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length < indent.length + 2) items.push([item[3]]);
    else items.at(-1)!.push(line.replace(/^ {2,4}/, ""));
  }
  const number = parseInt(mark, 10);
  return {
    kind: "list",
    start: Number.isNaN(number) ? undefined : number,
    items: items.map(([first, ...rest]) => ({
      inside: parseInline(withBox(first)),
      rest: blocks(rest, depth + 1),
    })),
  };
}

/** A box to be ticked, as the sign that it is. */
function withBox(item: string): string {
  const [box, tick] = /^\[([ xX])\] /.exec(item) ?? [];
  return box === undefined ? item : `${tick === " " ? "☐" : "☑"}${item.slice(box.length - 1)}`;
}
