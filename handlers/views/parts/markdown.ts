import { html } from "hono/html";
import type { Inline, Link } from "../../../lib/markdown/inline.ts";
import { type Block, type Item, parseMarkdown } from "../../../lib/markdown/markdown.ts";
import type { Table } from "../../../lib/markdown/table.ts";
import { httpLink } from "../../../sources/kit/link.ts";
import type { Html } from "../page.ts";

/**
 * Text as Markdown. Whoever wrote it is not trusted: HTML is text, images are their words, and a
 * link says where it leads.
 *
 * @param most how many characters are shown.
 */
export function markdown(text: string, most?: number): Html {
  return html`<div class="markdown" dir="auto">${parseMarkdown(text, most).map(shown)}</div>`;
}

function shown(block: Block): Html {
  switch (block.kind) {
    case "heading":
      return titled(block.level, line(block.inside));
    case "paragraph":
      return html`<p>${between(block.lines.map(line))}</p>`;
    case "list":
      return list(block.start, block.items.map(item));
    case "quote":
      return html`<blockquote>${block.inside.map(shown)}</blockquote>`;
    case "code":
      return html`<pre tabindex="0" role="group" aria-label="Code"><code>${block.text}</code></pre>`;
    case "rule":
      return html`<hr>`;
    case "table":
      return table(block);
  }
}

function list(start: number | undefined, items: Html[]): Html {
  if (start === undefined) return html`<ul>${items}</ul>`;
  return start === 1 ? html`<ol>${items}</ol>` : html`<ol start="${start}">${items}</ol>`;
}

function item({ inside, rest }: Item): Html {
  return html`<li>${line(inside)}${rest.map(shown)}</li>`;
}

function table({ names, sides, rows }: Table): Html {
  const side = (column: number) => sides[column] ?? "";
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Table">
      <table>
        <thead>
          <tr>${names.map((name, at) =>
            html`<th scope="col" class="${side(at)}">${line(name)}</th>`
          )}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`<tr>${row.map((cell, at) => html`<td class="${side(at)}">${line(cell)}</td>`)}${
            row.length < names.length && html`<td colspan="${names.length - row.length}"></td>`
          }</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

function line(parts: readonly Inline[]): (Html | string)[] {
  return parts.map((part) => {
    if (typeof part === "string") return part;
    switch (part.kind) {
      case "code":
        return html`<code>${part.text}</code>`;
      case "strong":
        return html`<strong>${line(part.inside)}</strong>`;
      case "emphasis":
        return html`<em>${line(part.inside)}</em>`;
      case "deleted":
        return html`<del>${line(part.inside)}</del>`;
      case "link":
        return anchor(part);
    }
  });
}

/** Below the page's own headings. */
function titled(level: number, text: (Html | string)[]): Html {
  return level <= 2 ? html`<h3>${text}</h3>` : html`<h4>${text}</h4>`;
}

/** Lines with a break between them, as people wrote them. */
function between(lines: (Html | string)[][]): (Html | string)[] {
  return lines.flatMap((each, index) => index === 0 ? each : [html`<br>`, ...each]);
}

const NEW_TAB = html`<span class="words"> (opens in a new tab)</span>`;

/**
 * A link whose host is shown, whatever its words say, and whichever way text around it or in it is
 * turned; what is no web address stays text.
 */
function anchor({ label, target, source }: Link): Html | string {
  const url = httpLink(target);
  if (!url) return source;
  const { host } = new URL(url);
  const words = label && label !== url
    ? html`<bdi>${label}</bdi> <span class="host">(${host})</span>`
    : url;
  const shown = html`${words}${NEW_TAB}`;
  return html`<a href="${url}" dir="auto" rel="noreferrer noopener" target="_blank">${shown}</a>`;
}
