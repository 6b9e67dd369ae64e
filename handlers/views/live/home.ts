import { html } from "hono/html";
import { emptyState } from "../parts/empty.ts";
import { messageRow } from "../message/row.ts";
import { type Frame, type Html, page } from "../page.ts";
import type { Sampled } from "../../../sources/kit/sample.ts";
import { sendForms } from "../source/send.ts";
import type { StageRow } from "../parts/stages.ts";

/** How many messages the page shows. */
export const MOST_ROWS = 50;

export interface Home {
  frame: Frame;
  rows: readonly StageRow[];
  lanes: Html;
  notes: Html;
  needs: Html;
  sampled: Sampled[];
  /** Where a first webhook can be sent. */
  url: string;
}

/** The first page: everything on its way, as it is now. */
export function home({ frame, rows, lanes, notes, needs, sampled, url }: Home) {
  return page({
    title: "Otto",
    frame,
    body: html`
      <h1 class="words">Live</h1>
      ${notes}
      ${needs}
      ${lanes}
      <section class="stream" aria-labelledby="stream">
          <header><h2 id="stream" tabindex="-1">Messages</h2></header>
          <details class="send">
            <summary>Send a webhook</summary>
            ${sendForms({ url, sampled, id: "curl" })}
          </details>
          <button class="pill" data-pill="messages" hidden></button>
          <ol id="messages" class="rows" data-most="${MOST_ROWS}" data-list>${rows.map(
            messageRow,
          )}</ol>
          ${emptyState({ url, sampled })}
          <p class="older"><span>The latest ${MOST_ROWS} are here. </span><a href="/messages">All messages</a></p>
      </section>
    `,
  });
}
