import { html } from "hono/html";
import { type Frame, type Html, page } from "../page.ts";

/** What a person is asked, and what happens on "yes". */
export interface Question {
  title: string;
  text: Html | string;
  /** Where the form is sent. */
  action: string;
  /** The word on the button. */
  label: string;
  /** Where "Not now" leads. */
  back: string;
  danger?: boolean;
  fields?: Record<string, string | undefined>;
}

/** A question before something that cannot be undone, or is large. */
export function confirmPage(frame: Frame, question: Question) {
  const { title, text, action, label, back, danger = false, fields = {} } = question;
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
