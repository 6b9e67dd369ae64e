import { html } from "hono/html";
import type { Notification } from "../../lib/notification.ts";
import { emptyState } from "./empty.ts";
import { messageRow } from "./message_row.ts";
import { unreadCount, unreadPanel } from "./notification.ts";
import { type Html, page } from "./page.ts";
import { type Sampled, sendForms } from "./send.ts";
import type { Row } from "./stages.ts";

/** How many messages the page shows. */
export const MOST_ROWS = 50;

export interface Home {
  rows: readonly Row[];
  unread: readonly Notification[];
  lanes: Html;
  notes: Html;
  sampled: Sampled[];
  /** Where a first webhook can be sent. */
  url: string;
  /** The stream goes on from here. */
  cursor: string;
}

/** The first page: everything on its way, as it is now. */
export function home({ rows, unread, lanes, notes, sampled, url, cursor }: Home) {
  return page({
    title: "Otto",
    live: `/live?after=${cursor}`,
    unread: unreadCount(unread),
    body: html`
      <h1 class="words">Live</h1>
      ${notes}
      ${lanes}
      <div class="columns">
        <section class="stream" aria-labelledby="stream">
          <header><h2 id="stream" tabindex="-1">Messages</h2></header>
          <details class="send">
            <summary>Send a webhook</summary>
            ${sendForms({ url, sampled, id: "curl" })}
          </details>
          <ol id="messages" class="rows" data-most="${MOST_ROWS}">${rows.map(messageRow)}</ol>
          ${emptyState({ url, sampled })}
          <p class="older">The latest ${MOST_ROWS} are here; all of them are at
            <a href="/api/messages">/api/messages</a>.</p>
        </section>
        ${unreadPanel(unread)}
      </div>
    `,
  });
}
