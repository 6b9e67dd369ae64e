import { html } from "hono/html";
import type { Notification } from "../../../lib/notify/notification.ts";
import { status } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** Who was told what of a task, and which reply went where, with what came of each. */
export function told(taskId: string, notifications: readonly Notification[]) {
  return html`
    <section class="card" aria-labelledby="told" id="told-card" data-part>
      <h2 id="told">Notifications</h2>
      ${notifications.length === 0
        ? html`<p class="said">Nobody has been told anything yet. When the task ends, they are.</p>`
        : html`<ul class="plain-list">${notifications.map((each) => telling(taskId, each))}</ul>`}
    </section>
  `;
}

const TELLING = {
  sent: ["told", "done"],
  pending: ["to be told", "active"],
  dead: ["not told", "failed"],
} as const;
/** A reply is no telling: it goes outside, to where the message came from. */
const REPLYING = {
  sent: ["replied to", "done"],
  pending: ["reply on its way to", "active"],
  dead: ["reply not sent to", "failed"],
} as const;

/** What a notification says of the task, where its kind is no such word. */
const KINDS: Record<string, string> = {
  completed: "that it is done",
  failed: "that it has failed",
  waiting_input: "that it needs you",
  note: "what the agent wrote",
  reply: "",
  reply_failed: "that a reply was not sent",
};

function telling(
  taskId: string,
  { id, channel, destination, state, error, created_at, sent_at, kind }: Notification,
) {
  const isReply = channel === "reply";
  const [word, tone] = (isReply ? REPLYING : TELLING)[state];
  const to = isReply ? destination : channel === "web" ? "Web UI" : `${channel}: ${destination}`;
  return html`
    <li>${status(word, tone)} <span dir="auto">${to}</span>
      <span class="soft">${KINDS[kind] ?? kind.replaceAll("_", " ")}</span> ${age(
        sent_at ?? created_at,
      )}
      ${error && html`<p class="error" dir="auto">${error}</p>`}
      ${state === "dead" && html`
        <form method="post" action="/notifications/${id}/retry">
          <input type="hidden" name="back" value="/tasks/${taskId}#told">
          <button class="quiet" aria-label="Try again: ${to}">Try again</button>
        </form>
      `}</li>
  `;
}
