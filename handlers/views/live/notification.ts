import { html } from "hono/html";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { Notification } from "../../../lib/notify/notification.ts";
import { MOST_UNREAD } from "../page.ts";
import { age } from "../parts/time.ts";

/** Whether this is for a person's eyes still: unread, and told here. */
export function isUnread({ channel, read_at }: Notification): boolean {
  return channel === "web" && read_at === null;
}

/** Whether it tells of something that did not go well. */
function isBad({ kind }: Notification): boolean {
  return kind.endsWith("failed");
}

/** One unread notification, with a button that marks it as read. */
export function notificationItem(notification: Notification) {
  const { id, created_at } = notification;
  // A model may have written more than a line; its task has all of it.
  const text = firstLine(notification.text);
  const bad = isBad(notification);
  return html`
    <li id="n-${id}" class="told ${bad ? "failed" : "done"}" data-unread
      data-into="${bad ? "bad-news" : "news"}">
      <p class="text" dir="auto">${linked(notification, text)}</p>
      <div class="when">
        ${age(created_at)}
        <form method="post" action="/notifications/${id}/read" data-quiet>
          <button class="quiet" aria-label="Mark read: ${text}">Mark read</button>
        </form>
      </div>
    </li>
  `;
}

/** A notification that was read, or is gone. */
export function goneNotification(id: string) {
  return html`<li id="n-${id}" data-gone></li>`;
}

/** To the task or the message that it tells of. */
function linked({ message_id, task_id }: Notification, text: string) {
  const path = task_id ? `/tasks/${task_id}` : message_id ? `/messages/${message_id}` : undefined;
  return path ? html`<a href="${path}">${text}</a>` : text;
}

/** Everything unread: what failed first, so that no crowd of good news hides it. */
export function unreadPanel(unread: readonly Notification[]) {
  const bad = unread.filter(isBad);
  const good = unread.filter((each) => !isBad(each));
  return html`
    <section class="unread" aria-labelledby="unread">
      <header>
        <h2 id="unread" tabindex="-1">Unread</h2>
        <form method="post" action="/notifications/read" data-quiet class="read-all">
          <input type="hidden" name="newest" value="${unread[0]?.id ?? ""}">
          <button class="quiet">Mark all read</button>
        </form>
      </header>
      <ol id="bad-news" class="notifications" data-most="${MOST_UNREAD}"
        aria-label="Failed">${bad.map(notificationItem)}</ol>
      <ol id="news" class="notifications" data-most="${MOST_UNREAD}" aria-label="Done">${good.map(
        notificationItem,
      )}</ol>
      <p class="caught-up">All caught up. When a task is done, or something fails, you read it here.</p>
    </section>
  `;
}
