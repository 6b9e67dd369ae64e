import { html } from "hono/html";
import { PHASES } from "../../../lib/message/search/phase.ts";
import { firstLine } from "../../../lib/markdown/plain.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import type { SearchStop } from "../../../lib/store/walk.ts";
import {
  batchSelect,
  type Choice,
  filterBar,
  givenSelect,
  linkTo,
  SINCE,
  stoppedAt,
} from "../parts/filters.ts";
import { icon } from "../parts/icon.ts";
import { rowId, titleOf } from "./row.ts";
import { type Frame, page } from "../page.ts";
import { PHASE_TONES, phaseChoices, phaseStatus } from "../parts/phase.ts";
import { stageDots, type StageRow } from "../parts/stages.ts";
import { signature } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** Of a reason a row shows its beginning; the message's page has all of it. */
const MOST_REASON = 240;

/** The query of the page, as it stands in its URL. */
export interface MessageQuery {
  q?: string;
  state?: string;
  body?: string;
  phase?: string;
  source?: string;
  webhook_type?: string;
  sig?: string;
  since?: string;
  batch?: string;
  task_id?: string;
  replay_of?: string;
  before?: string;
}

/** `/messages`: what came in, filtered, a page at a time. */
export function messageList(
  { frame, rows, query, sources, next, stopped }: {
    frame: Frame;
    rows: readonly StageRow[];
    query: MessageQuery;
    sources: readonly Choice[];
    next?: string;
    stopped?: SearchStop;
  },
) {
  const { before, ...filters } = query;
  const hasFilters = Object.values(filters).some((value) => value);
  return page({
    title: "Messages",
    frame,
    watch: "any",
    body: html`
      <div class="head">
        <h1>Messages</h1>
        ${rows.length > 0 && html`
          <form id="many" method="get" action="/messages/many" class="actions write">
            <button class="quiet">${icon("done")}Act on chosen…</button>
            ${hasFilters &&
              html`<a class="button quiet" href="${
                linkTo("/messages/many", filters)
              }">All that match…</a>`}
          </form>
        `}
      </div>
      ${filterBar({
        action: "/messages",
        search: query.q,
        placeholder: "Title, event, sender, address or id; body:… looks into bodies",
        hasFilters,
        selects: [
          {
            name: "source",
            label: "Any source",
            value: query.source,
            choices: sourceChoices(sources, query.source),
          },
          { name: "phase", label: "Any phase", value: query.phase, choices: phaseChoices(PHASES) },
          ...givenSelect("state", query.state, {
            label: "Any state",
            says: query.state === "taken" ? "not refused" : `state: ${query.state}`,
          }),
          {
            name: "sig",
            label: "Any signature",
            value: query.sig,
            choices: ["verified", "unverified", "rejected"].map((value) => ({
              value,
              label: value,
            })),
          },
          { name: "since", label: "Any time", value: query.since, choices: SINCE },
          ...batchSelect(query.batch),
        ],
      })}
      <div class="list">
        <button class="pill" data-pill="rows" hidden></button>
        <table>
          <thead>
            <tr>
              <th scope="col" class="write"><span class="words">Chosen</span></th>
              <th scope="col">Phase</th>
              <th scope="col">Message</th>
              <th scope="col">Source</th>
              <th scope="col">Stages</th>
              <th scope="col">Signature</th>
              <th scope="col">Received</th>
            </tr>
          </thead>
          <tbody id="rows" data-list data-part>${rows.map(tableRow)}</tbody>
        </table>
        <div id="none" data-part>${rows.length === 0 &&
          none({ hasFilters, stopped: !!stopped })}</div>
      </div>
      <nav class="pages" id="pages" aria-label="Pages of messages" data-part>
        ${before && html`<a href="${linkTo("/messages", filters)}">Newest</a>`}
        ${stopped && stoppedAt(stopped, "messages")}
        ${next &&
          html`<a rel="next" href="${linkTo("/messages", { ...filters, before: next })}">${
            stopped ? "Look further back" : "Older"
          }</a>`}
      </nav>
    `,
  });
}

function tableRow(row: StageRow) {
  const { message } = row;
  const title = titleOf(row);
  return html`
    <tr id="${rowId(message.message_id)}" class="${PHASE_TONES[message.phase]}">
      <td class="write choose"><input type="checkbox" name="id" value="${message.message_id}"
        form="many" aria-label="Choose ${title}"></td>
      <td data-label="Phase">${phaseStatus(message.phase)}</td>
      <td
        class="main"><a class="open" href="/messages/${message
          .message_id}" dir="auto" title="${title}">${title}</a>${message.event && html`
          <code>${message.event}</code>
        `}${message.replay_of && html`
          <span class="badge">${message.edited ? "edited replay" : "replay"}</span>
        `}${message.repeats > 0 && html`
          <span class="badge">sent ${message.repeats + 1} times</span>
        `}${reasonOf(row)}</td>
      <td data-label="Source" class="clip"><a class="plain" href="${linkTo("/messages", {
        source: message.webhook_type,
      })}">${row.sourceName}</a></td>
      <td data-label="Stages">${stageDots(row)}</td>
      <td data-label="Signature">${message.state === "rejected"
        ? html`<span class="soft">–</span>`
        : signature(message.verification)}</td>
      <td data-label="Received">${age(message.received_at)}</td>
    </tr>
  `;
}

function none({ hasFilters, stopped }: { hasFilters: boolean; stopped: boolean }) {
  if (hasFilters) {
    return html`
      <div class="nothing">
        <h2>No message matches</h2>
        <p>${stopped
          ? "Not among those looked through so far."
          : "Otto looked at every message there is."} The search finds words in titles, events and the sender's name, the beginning of a message's
          id, and the whole of a delivery's id. <code>body:</code> before a text looks for it in what
          was sent. <a href="/messages">Show all messages</a></p>
      </div>
    `;
  }
  return html`
    <div class="nothing">
      <h2>No messages yet</h2>
      <p>Every webhook that Otto takes is kept here, byte for byte, until it is as old as
        <code>RETENTION_DAYS</code> says. <a href="/">Send the first one</a>, or see at
        <a href="/sources">Sources</a> how to connect a system.</p>
    </div>
  `;
}

/** Why it is not done: of what a person may have to act on. */
function reasonOf({ message, task }: StageRow) {
  const { phase, error, reason } = message;
  const said = phase === "failed"
    ? error ?? (task?.error && firstLine(task.error.message))
    : phase === "refused" || phase === "filtered"
    ? reason
    : undefined;
  return said && html`<span class="why" dir="auto">${beginningOf(said, MOST_REASON)}</span>`;
}

/** Every system we know, and whatever name is in the URL. */
export function sourceChoices(choices: readonly Choice[], chosen: string | undefined) {
  const known = choices.some(({ value }) => value === chosen);
  return known || !chosen ? choices : [{ value: chosen, label: chosen }, ...choices];
}
