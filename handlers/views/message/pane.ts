import { html } from "hono/html";
import { linkTo } from "../parts/filters.ts";
import { icon } from "../parts/icon.ts";
import type { MessageQuery } from "./query.ts";
import { type MessageShown, messageShown } from "./page.ts";

/** A message that stands beside the list that it was chosen in. */
export interface OpenedMessage {
  id: string;
  /** Undefined when it is gone. */
  shown?: MessageShown;
  /** Those before and after it in the list, with the page of the list that they are on. */
  newer?: Neighbour;
  older?: Neighbour;
}

/** A message beside another one in a list. */
export interface Neighbour {
  id: string;
  before?: string;
}

/** The right half of the workplace; on narrow screens it is all of it. */
export function messagePane({ id, shown, newer, older }: OpenedMessage, query: MessageQuery) {
  const next = (label: string, key: string, to: Neighbour | undefined) =>
    to
      ? html`
        <a class="button quiet" data-key="${key}" data-instead rel="${key === "j"
          ? "next"
          : "prev"}"
          href="${linkTo("/messages", { ...query, before: to.before, open: to.id })}">${label}</a>
      `
      : html`<span class="button quiet none" aria-hidden="true">${label}</span>`;
  return html`
    <section class="pane" id="pane" tabindex="0" aria-label="The message that is open">
      <nav class="pane-bar" aria-label="In this list">
        ${next("Newer", "k", newer)} ${next("Older", "j", older)}
        <a class="button quiet alone" data-key="Enter" href="${linkTo(`/messages/${id}`, {
          ...query,
          before: undefined,
        })}">Open alone</a>
        <a class="button quiet" data-key="Escape" href="${linkTo("/messages", {
          ...query,
        })}">${icon("failed")}Close</a>
      </nav>
      ${shown
        ? messageShown(shown, (tab) => linkTo("/messages", { ...query, open: id, tab }))
        : html`<p class="note" id="head" data-part><strong>This message is gone.</strong> Somebody
          has deleted it, or it was older than <code>RETENTION_DAYS</code>.</p>`}
    </section>
  `;
}
