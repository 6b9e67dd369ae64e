import { html } from "hono/html";

/** A line of our own with \`code\` marks. */
export function marked(text: string) {
  return text.split("`").map((part, index) => index % 2 === 1 ? html`<code>${part}</code>` : part);
}
