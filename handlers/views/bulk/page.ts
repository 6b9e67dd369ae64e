import { html } from "hono/html";
import { BULK_THINGS, type BulkAction } from "../../../lib/work/bulk/bulk_action.ts";
import type { NameOf } from "../../../sources/rules/names.ts";
import { type Frame, page } from "../page.ts";
import { age } from "../parts/time.ts";
import { DONE, ICONS, partsSaid, SAYS, titleOfBulk } from "./words.ts";
import { icon } from "../parts/icon.ts";

/** `/bulk/{id}`: the question before it starts, how far it is, and what came of it. */
export function bulkPage(
  { frame, bulk, nameOf }: { frame: Frame; bulk: BulkAction; nameOf: NameOf },
) {
  const title = titleOfBulk(bulk);
  return page({
    title: bulk.state === "ready" ? `${title}?` : title,
    frame,
    refreshSeconds: isOver(bulk) || bulk.state === "ready" ? undefined : 3,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/bulk">Bulk actions</a></nav>
      <div class="single card" id="progress">
        <h1>${title}${bulk.state === "ready" && "?"}</h1>
        <p dir="auto">${meant(bulk, nameOf)}</p>
        ${bulk.state === "ready" ? question(bulk) : progress(bulk)}
      </div>
    `,
  });
}

/** Whether nothing more comes of it. */
export function isOver({ finished_at }: BulkAction): boolean {
  return finished_at !== null;
}

function meant({ parts, filter, actor, created_at }: BulkAction, nameOf: NameOf) {
  const words = Object.entries(filter).map(([name, value]) => `${name}: ${value}`);
  return html`${partsSaid(parts, nameOf)}. ${
    words.length > 0 &&
    `Chosen by ${words.join(", ")}. `
  }Asked for by ${actor}, ${age(created_at)}.`;
}

function question(bulk: BulkAction) {
  const { id, action } = bulk;
  const count = bulk.total.toLocaleString("en");
  return html`
    <p>${SAYS[action]} Just these ${count} are meant, whatever comes in meanwhile. They are worked
      behind what is live, and you can cancel: what was done until then stays.</p>
    <div class="actions">
      <form method="post" action="/bulk/${id}/start">
        <button class="${action === "delete" && "danger"}">${icon(ICONS[action])}${titleOfBulk(
          bulk,
        )}</button>
      </form>
      <form method="post" action="/bulk/${id}/cancel">
        <button class="quiet">Not now</button>
      </form>
    </div>
  `;
}

function progress(bulk: BulkAction) {
  const { id, action, state, total, done, failed, left } = bulk;
  const things = `${BULK_THINGS[action]}s`;
  const settled = done + failed;
  return html`
    <p role="status">${SAYS_STATE[state]}${state === "cancelled" && settled > 0 &&
      ` What was ${DONE[action]} stays so.`}</p>
    <progress max="${Math.max(
      total,
      1,
    )}" value="${settled}" aria-label="Finished">${settled}</progress>
    <dl class="counts">
      <dt>Done</dt>
      <dd>${done.toLocaleString("en")}</dd>
      <dt>Failed</dt>
      <dd>${failed.toLocaleString("en")}</dd>
      <dt>Left</dt>
      <dd>${left.toLocaleString("en")}</dd>
    </dl>
    ${bulk.errors.length > 0 && html`
      <h2>Left as they are</h2>
      <ul class="plain-list">${bulk.errors.map(({ message, count, ids }) =>
        html`
          <li>
            <p dir="auto">${count.toLocaleString("en")} × ${things === "notifications"
              ? message
              : html`<a href="/${things}/${ids[0]}">${message}</a>`}</p>
          </li>
        `
      )}</ul>
    `}
    <div class="actions">
      ${!isOver(bulk) && state !== "cancelling" && html`
        <form method="post" action="/bulk/${id}/cancel">
          <button class="danger">Cancel the rest</button>
        </form>
      `}
      <a class="button quiet" href="/${things === "notifications"
        ? ""
        : things}">${things === "notifications"
        ? "Live"
        : things === "tasks"
        ? "Tasks"
        : "Messages"}</a>
    </div>
  `;
}

/** What a state means, in a sentence. */
const SAYS_STATE: Record<BulkAction["state"], string> = {
  preparing: "Otto looks for all that match.",
  ready: "Nobody has started it.",
  working: "It goes on by itself: you can leave this page.",
  cancelling: "It ends with the batch in hand.",
  cancelled: "Cancelled.",
  done: "Done.",
};
