import { html } from "hono/html";
import type { MessageReading } from "../../../lib/message/subject/timeline.ts";
import type { Html } from "../page.ts";

/** How far a message was read by the task that it came for, in words; nothing where it has its own. */
export function readingOf(
  { task_id, reading, read_in_step, is_task_forgotten }: MessageReading,
): Html | string {
  if (is_task_forgotten) return html`<span class="soft">its task is forgotten</span>`;
  if (reading === null) return "";
  const task = (words: string) => html`<a href="/tasks/${task_id}">${words}</a>`;
  if (reading === "unread") {
    return html`<span class="soft">not read yet by ${task("its task")}</span>`;
  }
  if (reading === "not_read") {
    return html`<span class="soft">not read by ${task("its task")}, which has ended</span>`;
  }
  // A worker elsewhere has no steps.
  const step = read_in_step === null ? "" : ` in step ${read_in_step}`;
  return html`<span class="soft">read by ${task("the agent")}${step}</span>`;
}

/** A button that makes a task of its own of a message that nobody has read. */
export function detachButton(
  { id, reading, role }: Pick<MessageReading, "reading"> & { id: string; role: string | null },
): Html | string {
  if (role === "closes" || reading === null || reading === "read") return "";
  return html`
    <form method="post" action="/messages/${id}/detach" class="inline">
      <button class="quiet" title="Make it a task of its own">Detach</button>
    </form>
  `;
}
