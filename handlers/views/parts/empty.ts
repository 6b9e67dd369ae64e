import { html } from "hono/html";
import type { Sampled } from "../../../sources/kit/sample.ts";
import { sendForms } from "../source/send.ts";

/** What stands where the first messages will be: how to send one. */
export function emptyState({ url, sampled }: { url: string; sampled: Sampled[] }) {
  return html`
    <div class="empty">
      <h3>Send your first webhook</h3>
      <p>Otto is listening. Send anything, from any system, and watch it go from Receive to
        Notified right here. This page updates by itself.</p>
      ${sendForms({ url, sampled, id: "first-curl" })}
    </div>
  `;
}
