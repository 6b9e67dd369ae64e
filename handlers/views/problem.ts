import { html } from "hono/html";
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
      <div class="problem">
        <h1>${message}</h1>
        <p>${hint}</p>
        <p><a href="/">Back to the messages</a></p>
      </div>
    `,
  });
}
