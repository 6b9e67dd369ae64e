import { html } from "hono/html";
import { page } from "./page.ts";

/** A page that says no: what was wrong, and what would be right. */
export function problemPage(
  { status, message, hint }: { status: number; message: string; hint: string },
) {
  return page({
    title: "Otto: something is wrong",
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
