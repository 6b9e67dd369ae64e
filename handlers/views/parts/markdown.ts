import { html } from "hono/html";
import { httpLink } from "../../../sources/kit/link.ts";
import type { Html } from "../page.ts";

/** A longer text is shown up to here. */
const MOST_TEXT = 60_000;
/** A row cuts it at its own width; this bounds what is sent. */
const MOST_FIRST = 240;

/**
 * Text as Markdown: headings, paragraphs, lists, quotes, code, bold, italic,
 * links. Whoever wrote it is not trusted: HTML is text, images are their words,
 * and a link says where it leads. What is not understood is shown as it stands.
 */
export function markdown(text: string): Html {
  const cut = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT).toWellFormed()}\n\n…` : text;
  return html`<div class="markdown" dir="auto">${blocks(cut.split(/\r\n|\r|\n/), 0)}</div>`;
}

/** The first line that says something, without its marks, for a place where one line fits. */
export function firstLine(text: string): string {
  const line = text.slice(0, MOST_LINE).split(/\r\n|\r|\n/).find((each) =>
    /[\p{L}\p{N}]/u.test(each)
  );
  const said = (line ?? "").replace(/^[\s#>*+-]+/, "")
    .replaceAll(/!?\[([^\]]{0,200})\]\([^)\s]{0,500}\)/g, "$1").replaceAll(/\*\*|`/g, "").trim();
  return said.length > MOST_FIRST ? `${said.slice(0, MOST_FIRST).toWellFormed()}…` : said;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const RULE = /^ {0,3}([-*_])( *\1){2,} *$/;
/** Lists in quotes in lists: a text that goes deeper is written to do harm. */
const MOST_DEPTH = 6;
/** A longer line is nothing that somebody has written by hand: it stays as it is. */
const MOST_LINE = 4_000;

function blocks(lines: readonly string[], depth: number): (Html | string)[] {
  const made: (Html | string)[] = [];
  let at = 0;
  /** Takes lines as long as they fit. */
  const take = (fits: (line: string, index: number) => boolean): string[] => {
    const from = at;
    while (at < lines.length && fits(lines[at], at - from)) at++;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const fence = FENCE.exec(line)?.[1];
    const heading = HEADING.exec(line);
    if (line.trim() === "") at++;
    else if (fence) {
      at++;
      const code = take((each) => !(each.trim().startsWith(fence) && /^[`~]+$/.test(each.trim())));
      at++;
      made.push(
        html`<pre tabindex="0" role="group" aria-label="Code"><code>${
          code.join("\n")
        }</code></pre>`,
      );
    } else if (heading) {
      at++;
      made.push(titled(heading[1].length, inline(heading[2])));
    } else if (RULE.test(line)) {
      at++;
      made.push(html`<hr>`);
    } else if (QUOTE.test(line) && depth < MOST_DEPTH) {
      const quoted = take((each) => QUOTE.test(each)).map((each) => QUOTE.exec(each)![1]);
      made.push(html`<blockquote>${blocks(quoted, depth + 1)}</blockquote>`);
    } else if (ITEM.test(line) && depth < MOST_DEPTH) {
      made.push(list(take((each, index) => index === 0 || isOfList(each)), depth));
    } else {
      const paragraph = take((each, index) => index === 0 || !startsBlock(each));
      made.push(html`<p>${between(paragraph.map((each) => inline(each.trim())))}</p>`);
    }
  }
  return made;
}

function startsBlock(line: string): boolean {
  return line.trim() === "" || [FENCE, HEADING, ITEM, QUOTE, RULE].some((each) => each.test(line));
}

function isOfList(line: string): boolean {
  return ITEM.test(line) || /^ {2,}\S/.test(line);
}

function list(lines: readonly string[], depth: number): Html {
  const items: string[][] = [];
  const indent = ITEM.exec(lines[0])![1].length;
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length < indent + 2) items.push([item[3]]);
    else items.at(-1)!.push(line.replace(/^ {2,4}/, ""));
  }
  const inside = items.map(([first, ...rest]) =>
    html`<li>${inline(first)}${rest.length > 0 && blocks(rest, depth + 1)}</li>`
  );
  return /^\s*\d/.test(lines[0]) ? html`<ol>${inside}</ol>` : html`<ul>${inside}</ul>`;
}

/** Below the page's own headings. */
function titled(level: number, text: (Html | string)[]): Html {
  return level <= 2 ? html`<h3>${text}</h3>` : html`<h4>${text}</h4>`;
}

const INLINE = new RegExp(
  [
    /\\([!-/:-@[-`{-~])/, // an escaped character
    /(`+)(.+?)\2(?!`)/, // code
    /!?\[([^\]]{0,500})\]\(<?([^\s()<>]{1,2000})>?(?: "[^"]{0,200}")?\)/, // a link, or an image
    /<(https?:[^\s<>]{1,2000})>/, // a bare link
    /(https?:\/\/[^\s<>"'`*_)\]]{1,2000}[^\s<>"'`*_)\].,;:!?])/, // a link as people write it
    /\*\*(\S(?:.{0,200}?\S)?)\*\*/, // bold
    /(?<![\p{L}\p{N}*])\*(\S(?:[^*]{0,200}?[^\s*])?)\*(?!\*)/u, // italic
    /(?<![\p{L}\p{N}_])_(\S(?:[^_]{0,200}?[^\s_])?)_(?![\p{L}\p{N}_])/u, // italic
  ].map((each) => each.source).join("|"),
  "u",
);

function inline(text: string, depth = 0): (Html | string)[] {
  const made: (Html | string)[] = [];
  if (text.length > MOST_LINE) return [text];
  let rest = text;
  while (rest !== "") {
    const match = depth < MOST_DEPTH ? INLINE.exec(rest) : null;
    if (!match) {
      made.push(rest);
      break;
    }
    const [whole, escaped, , code, label, target, bare, written, bold, star, underscore] = match;
    made.push(rest.slice(0, match.index));
    rest = rest.slice(match.index + whole.length);
    if (escaped) made.push(escaped);
    else if (code) made.push(html`<code>${code.trim()}</code>`);
    else if (target) made.push(link(label, target, whole));
    else if (bare ?? written) made.push(link(undefined, bare ?? written, whole));
    else if (bold) made.push(html`<strong>${inline(bold, depth + 1)}</strong>`);
    else made.push(html`<em>${inline(star ?? underscore, depth + 1)}</em>`);
  }
  return made;
}

const NEW_TAB = html`<span class="words"> (opens in a new tab)</span>`;

/** A link whose host is shown, whatever its words say; what is no web address stays text. */
function link(label: string | undefined, target: string, whole: string): Html | string {
  const url = httpLink(target);
  if (!url) return whole;
  const { host } = new URL(url);
  const words = label?.replace(/\\(.)/g, "$1").trim();
  const shown = words && words !== url ? html`${words} <span class="host">(${host})</span>` : url;
  return html`<a href="${url}" rel="noreferrer noopener" target="_blank">${shown}${NEW_TAB}</a>`;
}

/** Lines with a break between them, as people wrote them. */
function between(lines: (Html | string)[][]): (Html | string)[] {
  return lines.flatMap((line, index) => index === 0 ? line : [html`<br>`, ...line]);
}
