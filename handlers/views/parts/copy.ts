import { html } from "hono/html";

/** Copies the text of the element with this id; without a script it is not there. */
export function copyButton(of: string) {
  return html`<button type="button" class="quiet copy" data-copy="${of}" hidden>Copy</button>`;
}

/** A text that is copied as a whole. */
export function copied(id: string, text: string) {
  return html`<code id="${id}" class="whole">${text}</code> ${copyButton(id)}`;
}
