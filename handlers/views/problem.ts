import { html } from "hono/html";
import { marked } from "./parts/marked.ts";
import { type Frame, page } from "./page.ts";

/** A page that says no: what was wrong, and what would be right. */
export function problemPage(
  { frame, status, message, hint }: {
    frame: Frame;
    status: number;
    message: string;
    hint: string;
  },
) {
  return page({
    title: "Something is wrong",
    frame,
    // What is away may be back soon; what was refused will be refused again.
    refreshSeconds: status === 503 ? 5 : undefined,
    body: html`
      <div class="single card">
        <p class="code">${status}</p>
        <h1 dir="auto">${message}</h1>
        <p dir="auto">${marked(hint)}</p>
        <p class="actions"><a class="button quiet" href="/">Back to Live</a></p>
      </div>
    `,
  });
}
