import { html } from "hono/html";
import { type Frame, type Html, page } from "../page.ts";

/** A question before something that cannot be undone, or is large. */
export function confirmPage(
  { frame, title, text, action, label, back, danger = false, fields = {} }: {
    frame: Frame;
    title: string;
    text: Html | string;
    action: string;
    label: string;
    back: string;
    danger?: boolean;
    fields?: Record<string, string | undefined>;
  },
) {
  return page({
    title,
    frame,
    body: html`
      <div class="single card">
        <h1>${title}</h1>
        <p dir="auto">${text}</p>
        <form method="post" action="${action}" class="actions">
          ${Object.entries(fields).map(([name, value]) =>
            value && html`<input type="hidden" name="${name}" value="${value}">`
          )}
          <button class="${danger && "danger"}">${label}</button>
          <a class="button quiet" href="${back}">Not now</a>
        </form>
      </div>
    `,
  });
}
