import { html } from "hono/html";
import { PHASES } from "../../../lib/message/search/phase.ts";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import { firstLine } from "../../../lib/markdown/plain.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import type { SearchStop } from "../../../lib/store/walk.ts";
import type { CountedRows } from "../../../lib/store/walk_count.ts";
import { actOnChosen } from "../parts/chosen.ts";
import {
  batchSelect,
  type Choice,
  filterBar,
  givenSelect,
  groupSelect,
  linkTo,
  sayTime,
  type Select,
  sinceChoices,
} from "../parts/filters.ts";
import { listPages } from "../parts/pages.ts";
import { overview } from "./overview.ts";
import type { MessageQuery } from "./query.ts";
import { messagePane, type OpenedMessage } from "./pane.ts";
import { rowId, titleOf } from "./row.ts";
import { groupLine } from "../subject/line.ts";
import { type Frame, page } from "../page.ts";
import { PHASE_TONES, phaseChoices, phaseStatus } from "../parts/phase.ts";
import { stageDots, type StageRow, waitOf } from "../parts/stages.ts";
import { signature } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** Of a reason a row shows its beginning; the message's page has all of it. */
const MOST_REASON = 400;

/** What the list is made of. */
export interface MessageList {
  frame: Frame;
  rows: readonly StageRow[];
  query: MessageQuery;
  /** What its rows are about, by id, where it has one for each subject. */
  subjects?: ReadonlyMap<string, ToldSubject>;
  sources: readonly Choice[];
  /** How many there are and when they came; undefined where nobody counts. */
  counted?: CountedRows;
  next?: string;
  stopped?: SearchStop;
  /** Sources whose contents were not looked into, as they have values that nobody may see. */
  unread: readonly string[];
  /** The message that stands beside the list. */
  opened?: OpenedMessage;
}

/** `/messages`: what came in, filtered, a page at a time; on wide screens with one of them beside. */
export function messageList(list: MessageList) {
  const { frame, rows, query, opened } = list;
  const hasFilters = Object.keys(query).some((name) => name !== "before");
  return page({
    title: opened?.shown ? titleOf(opened.shown.row) : "Messages",
    frame,
    watch: "any",
    body: opened
      ? html`
        <div class="workplace">
          <div class="beside">${listHead(list, hasFilters)}${listTable(list, hasFilters)}</div>
          ${messagePane(opened, query)}
        </div>
      `
      : html`${listHead(list, hasFilters)}${(rows.length > 0 || hasFilters) && overview(list)}${
        listTable(list, hasFilters)
      }`,
  });
}

function listHead({ rows, query, subjects, sources, opened }: MessageList, hasFilters: boolean) {
  const { before: _, ...filters } = query;
  return html`
    <div class="head">
      ${opened ? html`<h2>Messages</h2>` : html`<h1>Messages</h1>`}
      ${rows.length > 0 && !subjects && actOnChosen("/messages", filters)}
    </div>
    ${filterBar({
      action: "/messages",
      search: query.q,
      placeholder: "Title, event, sender, address or id; body:… and header:… look inside",
      hasFilters,
      selects: selectsOf(query, sources),
    })}
  `;
}

function selectsOf(query: MessageQuery, sources: readonly Choice[]): Select[] {
  const { state, sig, since } = query;
  const given = (
    name: "webhook_type" | "task_id" | "replay_of" | "body" | "header",
    says: string,
  ) => givenSelect(name, query[name], { label: `Any ${says}`, says: `${says}: ${query[name]}` });
  return [
    {
      name: "source",
      label: "Any source",
      value: query.source,
      choices: sourceChoices(sources, query.source),
    },
    { name: "phase", label: "Any phase", value: query.phase, choices: phaseChoices(PHASES) },
    ...givenSelect("state", state, {
      label: "Any state",
      says: "not refused when it came",
    }),
    {
      name: "sig",
      label: "Any signature",
      value: sig,
      choices: ["verified", "unverified", "rejected"].map((value) => ({ value, label: value })),
    },
    { name: "since", label: "Any time", value: since, choices: sinceChoices(since) },
    groupSelect(query.group),
    ...givenSelect("until", query.until, {
      label: "Until now",
      says: `until ${sayTime(query.until)}`,
    }),
    ...given("webhook_type", "type"),
    ...given("task_id", "task"),
    ...given("replay_of", "original"),
    ...given("body", "body"),
    ...given("header", "header"),
    ...batchSelect(query.batch),
  ];
}

function listTable(
  { rows, query, subjects, next, stopped, unread, opened }: MessageList,
  hasFilters: boolean,
) {
  const { before, ...filters } = query;
  const link = (id: string) => linkTo("/messages", { ...query, open: id });
  return html`
    <div class="list">
      <button class="pill" data-pill="rows" hidden></button>
      <table>
        <thead class="${opened && "words"}">
          <tr>
            ${!subjects && html`
              <th scope="col" class="write"><span class="words">Chosen</span></th>
            `}
            ${!opened && html`
              <th scope="col">Phase</th>
            `}
            <th scope="col">Message</th>
            ${!opened && html`
              <th scope="col">Source</th>
              <th scope="col">Stages</th>
              <th scope="col">Signature</th>
              <th scope="col">Received</th>
            `}
          </tr>
        </thead>
        <tbody id="rows" data-list data-part>${rows.map((row) =>
          opened ? shortRow(row, link, opened.id, subjects) : tableRow(row, link, subjects)
        )}</tbody>
      </table>
      <div id="none" data-part>${rows.length === 0 &&
        none({ hasFilters, stopped: !!stopped, unread })}</div>
    </div>
    ${listPages({ things: "messages", path: "/messages", filters, before, next, stopped })}
  `;
}

/** A row beside an opened message: as much as says which one it is. */
function shortRow(
  row: StageRow,
  link: (id: string) => string,
  openId: string,
  subjects: MessageList["subjects"],
) {
  const { message } = row;
  const { phase, subject } = groupOf(row, subjects);
  const isOpen = message.message_id === openId;
  const title = titleOf(row);
  return html`
    <tr id="${rowId(message.message_id)}" class="${PHASE_TONES[phase]} ${isOpen &&
      "opened"}">
      ${!subjects && choose(message.message_id, title)}
      <td class="main"><a class="open" href="${link(
        message.message_id,
      )}" dir="auto" title="${title}" aria-current="${isOpen
        ? "true"
        : "false"}">${title}</a>${reasonOf(row)}${groupLine(
          subject,
        )}<span class="meta">${phaseStatus(
          phase,
        )}<span class="from">${row.sourceName}</span>${age(message.received_at)}</span></td>
    </tr>
  `;
}

function choose(id: string, title: string) {
  return html`<td class="write choose"><input type="checkbox" name="id" value="${id}" form="many"
    aria-label="Choose ${title}"></td>`;
}

/** Of a subject's row: what it is about, and the phase of the task that is open about it. */
function groupOf(
  { message: { subject: its, phase } }: StageRow,
  subjects: MessageList["subjects"],
) {
  const subject = subjects?.get(its?.id ?? "");
  return { subject, phase: subject?.phase ?? phase };
}

function tableRow(
  row: StageRow,
  link: (id: string) => string,
  subjects: MessageList["subjects"],
) {
  const { message } = row;
  const { phase, subject } = groupOf(row, subjects);
  const title = titleOf(row);
  return html`
    <tr id="${rowId(message.message_id)}" class="${PHASE_TONES[phase]}">
      ${!subjects && choose(message.message_id, title)}
      <td data-label="Phase">${phaseStatus(phase)}</td>
      <td
        class="main"><a class="open" href="${link(
          message.message_id,
        )}" dir="auto" title="${title}">${title}</a>${message.event && html`
          <code>${message.event}</code>
        `}${message.replay_of && html`
          <span class="badge">${message.edited ? "edited replay" : "replay"}</span>
        `}${message.repeats > 0 && html`
          <span class="badge">sent ${message.repeats + 1} times</span>
        `}${reasonOf(row)}${groupLine(subject)}</td>
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

function none(
  { hasFilters, stopped, unread }: {
    hasFilters: boolean;
    stopped: boolean;
    unread: readonly string[];
  },
) {
  if (hasFilters) {
    return html`
      <div class="nothing">
        <h2>No message matches</h2>
        <p>${stopped
          ? "Not among those looked through so far."
          : "Otto looked at every message there is."}${unread.length > 0 &&
          html`
            Nothing was looked for in what came from ${unread.join(", ")}:
                      <code>redact</code> in <code>SOURCES_FILE</code> hides parts of it.
          `} The search finds words in titles, events and the sender's name, the beginning of a message's
          id, and the whole of a delivery's id. <code>body:</code> or
          <code>header:</code> before a text looks for it in what was sent. <a href="/messages">Show all messages</a></p>
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
    : phase === "waiting"
    ? waitOf(task)
    : undefined;
  return said && html`<span class="why" dir="auto">${beginningOf(said, MOST_REASON)}</span>`;
}

/** Every system we know, and whatever name is in the URL. */
export function sourceChoices(choices: readonly Choice[], chosen: string | undefined) {
  const known = choices.some(({ value }) => value === chosen);
  return known || !chosen ? choices : [{ value: chosen, label: chosen }, ...choices];
}
