import { html } from "hono/html";
import { counted } from "./count.ts";
import type { Html } from "../page.ts";

/** No more than this is drawn: a body may have a million fields. */
const MOST_NODES = 600;
/** Characters of one text. */
const MOST_TEXT = 2_000;
/** Branches this close to the root are open. */
const OPEN_DEPTH = 2;
/** Each level is a call deeper, and indented further than a screen is wide. */
const MOST_DEPTH = 24;

/** A value as a tree that opens and closes without a script, cut where it gets too long. */
export function jsonTree(value: unknown) {
  const left = { nodes: MOST_NODES };
  const tree = node(undefined, value, 0, left);
  return html`
    <div class="tree">${tree}</div>
    ${left.nodes <= 0 && html`
      <p class="hint">Only the first ${MOST_NODES} values are drawn. All of it is in the download.</p>
    `}
  `;
}

function node(
  name: string | undefined,
  value: unknown,
  depth: number,
  left: { nodes: number },
): Html | string {
  if (left.nodes-- <= 0) return "";
  const isBranch = typeof value === "object" && value !== null;
  const entries = isBranch ? Object.entries(value) : [];
  if (!isBranch || entries.length === 0) {
    return html`<div class="leaf">${key(name)}${leaf(value)}</div>`;
  }
  const many = Array.isArray(value)
    ? counted(entries.length, "item")
    : counted(entries.length, "field");
  const children = depth >= MOST_DEPTH
    ? html`<div class="leaf">… deeper than is drawn</div>`
    : entries.map(([each, inner]) => node(each, inner, depth + 1, left));
  const open = depth < OPEN_DEPTH && entries.length <= 60;
  return html`<details${
    open
      ? html`
        open
      `
      : ""
  }><summary>${key(name)}<span class="many">${many}</span></summary>${children}</details>`;
}

function key(name: string | undefined) {
  return name === undefined ? "" : html`
    <span class="key" dir="auto" ${name.length > 200 && "data-cut"}>${cut(name, 200)}</span>
  `;
}

function leaf(value: unknown) {
  const kind = value === null ? "null" : typeof value === "object" ? "blank" : typeof value;
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return html`<span class="${kind}" dir="auto">${cut(text, MOST_TEXT)}</span>`;
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const rest = (text.length - most).toLocaleString("en");
  return `${text.slice(0, most).toWellFormed()} … (${rest} more characters)`;
}
