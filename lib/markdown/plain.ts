import { type Inline, type Link, wordsOf } from "./inline.ts";
import { type Block, parseMarkdown } from "./markdown.ts";

/** Nobody has written a longer first line by hand. */
const MOST_LINE = 4_000;
/** A row cuts it at its own width; this bounds what is sent. */
const MOST_FIRST = 400;

/**
 * Markdown as text for a place that has no other: without its marks, lists with dots or numbers,
 * the cells of a table's row between dots, a link's words with its address behind them.
 */
export function plainMarkdown(text: string): string {
  return between(parseMarkdown(text)).join("\n");
}

/** The first line that says something, without its marks, for a place where one line fits. */
export function firstLine(text: string): string {
  for (const line of saying(parseMarkdown(text.slice(0, MOST_LINE)))) {
    const said = line.trim();
    if (!/[\p{L}\p{N}]/u.test(said)) continue;
    return said.length > MOST_FIRST ? `${said.slice(0, MOST_FIRST).toWellFormed()}…` : said;
  }
  return "";
}

/** What is said line by line, links by their words alone. */
function* saying(blocks: readonly Block[]): Generator<string> {
  const words = (parts: readonly Inline[]) =>
    wordsOf(parts, ({ label, target }) => label || target);
  for (const block of blocks) {
    switch (block.kind) {
      case "heading":
        yield words(block.inside);
        break;
      case "paragraph":
        yield* block.lines.map(words);
        break;
      case "list":
        for (const { inside, rest } of block.items) {
          yield words(inside);
          yield* saying(rest);
        }
        break;
      case "quote":
        yield* saying(block.inside);
        break;
      case "code":
        yield* block.text.split("\n");
        break;
      case "table":
        yield* [block.names, ...block.rows].map((row) => row.map(words).join(" · "));
    }
  }
}

/** Lines of blocks, with an empty one between two. */
function between(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block, index) => index === 0 ? linesOf(block) : ["", ...linesOf(block)]);
}

function linesOf(block: Block): string[] {
  switch (block.kind) {
    case "heading":
      return [said(block.inside)];
    case "paragraph":
      return block.lines.map(said);
    case "list":
      return block.items.flatMap(({ inside, rest }, index) => [
        `${block.start === undefined ? "•" : `${block.start + index}.`} ${said(inside)}`,
        ...rest.flatMap(linesOf).map((line) => `  ${line}`),
      ]);
    case "quote":
      return between(block.inside).map((line) => `│ ${line}`);
    case "code":
      return block.text.split("\n");
    case "rule":
      return ["———"];
    case "table":
      return [block.names, ...block.rows].map((row) =>
        row.map((cell) => said(cell) || "–").join(" · ")
      );
  }
}

const said = (parts: readonly Inline[]): string => wordsOf(parts, wordsAndTarget);

function wordsAndTarget({ label, target }: Link): string {
  return !label || label === target ? target : `${label} (${target})`;
}
