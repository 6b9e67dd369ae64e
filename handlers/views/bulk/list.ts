import { html } from "hono/html";
import type { BulkAction } from "../../../lib/work/bulk/bulk_action.ts";
import type { NameOf } from "../../../sources/rules/names.ts";
import { type Frame, page } from "../page.ts";
import { linkTo } from "../parts/filters.ts";
import { age } from "../parts/time.ts";
import { partsSaid, titleOfBulk } from "./words.ts";

/** `/bulk`: what was done to many things, newest first. */
export function bulkList(
  { frame, items, next, nameOf }: {
    frame: Frame;
    items: readonly BulkAction[];
    next?: string;
    nameOf: NameOf;
  },
) {
  return page({
    title: "Bulk actions",
    frame,
    body: html`
      <div class="head">
        <h1>Bulk actions</h1>
      </div>
      <div class="list">
        ${items.length === 0 ? none() : html`
          <table>
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">What</th>
                <th scope="col" class="number">Done</th>
                <th scope="col" class="number">Failed</th>
                <th scope="col" class="number">Left</th>
                <th scope="col">Asked</th>
              </tr>
            </thead>
            <tbody>${items.map((bulk) => row(bulk, nameOf))}</tbody>
          </table>
        `}
      </div>
      <nav class="pages" aria-label="Pages of bulk actions">${next &&
        html`<a rel="next" href="${linkTo("/bulk", { before: next })}">Older</a>`}</nav>
    `,
  });
}

function row(bulk: BulkAction, nameOf: NameOf) {
  return html`
    <tr>
      <td data-label="State">${bulk.state}</td>
      <td class="main"><a class="open" href="/bulk/${bulk.id}">${titleOfBulk(bulk)}</a><span
        class="why" dir="auto">${partsSaid(bulk.parts, nameOf)}</span></td>
      <td data-label="Done" class="number">${bulk.done.toLocaleString("en")}</td>
      <td data-label="Failed" class="number">${bulk.failed.toLocaleString("en")}</td>
      <td data-label="Left" class="number">${bulk.left.toLocaleString("en")}</td>
      <td data-label="Asked">${age(bulk.created_at)}</td>
    </tr>
  `;
}

function none() {
  return html`
    <div class="nothing">
      <h2>No bulk action yet</h2>
      <p>Filter <a href="/messages">messages</a> or <a href="/tasks">tasks</a> and choose “All that
        match…”: more than a thousand are worked in the background, and shown here. What was done to
        fewer stands in the <a href="/audit">audit log</a>.</p>
    </div>
  `;
}
