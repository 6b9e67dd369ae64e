import { html } from "hono/html";
import { timeOf } from "../../../lib/store/id.ts";
import type { HistoryEntry } from "../../../lib/message/history.ts";
import type { Message, Passage, WholeMessage } from "../../../lib/message/message.ts";
import type { MessageReading } from "../../../lib/message/subject/timeline.ts";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import type { TaskEvent } from "../../../lib/task/task.ts";
import type { Named } from "../../../sources/rules/registry.ts";
import type { AuditEntry } from "../../../lib/people/audit_search.ts";
import { actSection } from "../people/acts.ts";
import { copyButton } from "../parts/copy.ts";
import { curlOf } from "../parts/curl.ts";
import { linkTo } from "../parts/filters.ts";
import { markdown } from "../parts/markdown.ts";
import { icon } from "../parts/icon.ts";
import { bodySection } from "./body.ts";
import { type ExplainTab, explainTab } from "./explain.ts";
import { factSection, headerSection } from "./facts.ts";
import type { MessageQuery } from "./query.ts";
import { rowId, titleOf } from "./row.ts";
import { type Frame, page } from "../page.ts";
import { phaseStatus, phaseWord } from "../parts/phase.ts";
import type { StageRow } from "../parts/stages.ts";
import { signature } from "../parts/status.ts";
import { age } from "../parts/time.ts";
import { subjectLine } from "../subject/line.ts";
import { detachButton, readingOf } from "../subject/reading.ts";
import { timeline } from "../task/timeline.ts";

/** What is shown of one message. */
export interface MessageShown {
  row: StageRow;
  /** The source that its name in the URL leads to today. */
  from: Named;
  whole: WholeMessage;
  /** What it is about. */
  subject?: ToldSubject;
  /** How far the task has read it that it has come for. */
  reading?: MessageReading;
  passage?: Passage;
  history: readonly HistoryEntry[];
  /** What its sender was answered when it was taken. */
  answered: number;
  events: readonly TaskEvent[];
  /** What people did to it, newest first. */
  acts: readonly AuditEntry[];
  /** The newest ones. */
  replays: readonly Message[];
  hasMoreReplays: boolean;
  /** What today's settings make of it, when that is asked for. */
  explained?: ExplainTab;
}

/** `/messages/{id}`: all that is known of one message. `list` is the path of the list that it was in. */
export function messagePage({ frame, shown, query }: {
  frame: Frame;
  shown: MessageShown;
  /** Of the list that it was chosen in. */
  query: MessageQuery;
}) {
  const id = shown.row.message.message_id;
  return page({
    title: titleOf(shown.row),
    frame,
    watch: rowId(id),
    body: html`
      <nav class="crumbs"
        aria-label="Where this is"><a data-key="Escape" href="${linkTo("/messages", {
          ...query,
        })}">Messages</a></nav>
      ${messageShown(shown, (tab) => linkTo(`/messages/${id}`, { ...query, tab }))}
    `,
  });
}

/** A message, on a page of its own or beside a list. */
export function messageShown(
  shown: MessageShown,
  /** The same message with another tab. */
  link: (tab?: "explain") => string,
) {
  const { row, whole } = shown;
  return html`
    ${head(row, whole)}
    ${subjectLine(shown.subject)}
    ${editedNote(row.message)}
    ${trouble(row)}
    <nav class="tabs" aria-label="What is shown of it">
      <a href="${link()}" aria-current="${shown.explained ? "false" : "true"}">Message</a>
      <a href="${link("explain")}" data-key="x" aria-current="${shown.explained
        ? "true"
        : "false"}">Explain</a>
    </nav>
    ${shown.explained ? explainTab(shown.explained) : parts(shown)}
  `;
}

function parts(
  { row, from, whole, acts, reading, replays, hasMoreReplays, ...way }: MessageShown,
) {
  const { message } = row;
  return html`
    <div class="two">
      <div>
        <section class="card" aria-labelledby="way"><h2 id="way">History</h2>
          <div id="timeline" data-part>${timeline({ row, ...way })}</div>
        </section>
        ${whole.dropped ? droppedSection() : [bodySection(whole), curlSection(whole, from)]}
      </div>
      <div>
        ${taskSection(row, reading)}
        ${actSection(acts, whole.message_id)}
        ${factSection(message, from)}
        ${replays.length > 0 && replaySection(replays, hasMoreReplays && whole.message_id)}
        ${!whole.dropped && headerSection(whole, from)}
      </div>
    </div>
  `;
}

function head(row: StageRow, whole: WholeMessage) {
  const { message } = row;
  const id = message.message_id;
  const title = titleOf(row);
  return html`
    <div class="head" id="head" data-part>
      <div>
        <h1 dir="auto">${title}</h1>
        <p class="meta">${phaseStatus(message.phase)}
          <a class="plain" href="${linkTo("/messages", {
            source: message.webhook_type,
          })}">${row.sourceName}</a>
          ${message.event && html`<code>${message.event}</code>`}
          ${message.state !== "rejected" && signature(message.verification)}
          ${age(message.received_at)}</p>
      </div>
      <div class="actions">
        ${!whole.dropped && html`
          ${again(message, whole.body)}
          <a class="button quiet" href="/api/messages/${id}/body" download>Download</a>
        `}
        <a class="button quiet write" href="/messages/${id}/delete">Delete…</a>
      </div>
    </div>
  `;
}

/** The buttons that work it once more. */
function again({ message_id: id, state, size }: Message, body: Uint8Array) {
  // Only its head was kept: there is nothing to let in.
  if (state === "rejected" && body.byteLength < size) return "";
  if (state === "rejected") {
    return html`
      <form method="post" action="/messages/${id}/release">
        <button>${icon("shield")}Verify again and release</button>
      </form>
    `;
  }
  return html`
    <a class="button write" data-key="r" href="/messages/${id}/replay">${icon("again")}Replay…</a>
    <a class="button quiet write" data-key="e" href="/messages/${id}/edit">Edit &amp; replay</a>
    <a class="button quiet" href="/messages/${id}/trials">Try with another instruction</a>
  `;
}

function editedNote({ edited, replay_of }: Message) {
  return edited && replay_of && html`
    <p class="note">${icon("pencil")}<strong>Edited by a person before it was replayed.</strong>
      These are not the bytes that a sender sent; those are in
      <a href="/messages/${replay_of}">the message it replays</a>.</p>
  `;
}

function droppedSection() {
  return html`
    <section class="card" aria-labelledby="body">
      <h2 id="body">Body</h2>
      <p class="hint">Its body and headers are gone: they are kept for
        <code>BODY_RETENTION_DAYS</code>. What became of it is still here, and a repeat of it is
        still known.</p>
    </section>
  `;
}

function curlSection(
  { message_id: id, url, headers, body, delivery_id }: WholeMessage,
  from: Named,
) {
  const command = curlOf({
    id,
    url,
    headers,
    body,
    deliveryId: delivery_id,
    isSigned: Boolean(from.source.sign ?? from.source.prove),
    secretNames: from.source.secretNames,
  });
  return html`
    <section class="card" aria-labelledby="as-curl">
      <header><h2 id="as-curl">Send it again</h2>${copyButton("curl")}</header>
      <pre id="curl" tabindex="0" role="group" aria-label="Command">${command}</pre>
      <p class="hint">Each time with a delivery id of its own. ${from.source.sign ||
          from.source.prove
        ? html`What signs it anew is <code>deno task send --like</code>, with the secret that is set
            where it runs; curl sends it unsigned.`
        : ""}</p>
    </section>
  `;
}

/** Its task, and how far that has read it where it came for it later. */
function taskSection({ message, task }: StageRow, reading: MessageReading | undefined) {
  if (!task && !reading?.is_task_forgotten) return "";
  return html`
    <section class="card" aria-labelledby="its-task" id="task" data-part>
      <h2 id="its-task">Task</h2>
      ${task && html`
        <p><a href="/tasks/${task.id}" dir="auto">${task.title}</a></p>
        <p class="meta">${phaseStatus(task.phase)}<span>assigned to ${task.assigned_to
          .name}</span></p>
      `}
      ${reading && html`
        <p class="meta">${readingOf(reading)}</p>
        ${detachButton({ ...reading, id: message.message_id, role: message.role })}
      `}
    </section>
  `;
}

function replaySection(replays: readonly Message[], allOf: string | false) {
  return html`
    <section class="card" aria-labelledby="again">
      <h2 id="again">Replays</h2>
      <ul class="plain-list">${replays.map((each) =>
        html`<li><a href="/messages/${each.message_id}">${phaseWord(each.phase)}</a> ${
          each.edited ? "edited" : ""
        } ${age(timeOf(each.message_id))}</li>`
      )}</ul>
      ${allOf &&
        html`<p><a href="${linkTo("/messages", { replay_of: allOf })}">All of them</a></p>`}
    </section>
  `;
}

const ID = /([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})/;

/** A reason that names another message, with the way there. */
function withLinks(reason: string) {
  return reason.split(ID).map((part, at) =>
    at % 2 === 1 ? html`<a href="/messages/${part}"><code>${part}</code></a>` : part
  );
}

function trouble({ message, task }: StageRow) {
  const said = message.error ?? task?.error?.message;
  return html`<div id="trouble" data-part>${
    said
      ? html`<div class="note failed"><strong>Failed.</strong> ${markdown(said)}</div>`
      : message.reason &&
        html`<p class="note ${message.state === "rejected" && "failed"}" dir="auto">${
          message.state === "rejected" && html`
            <strong>Refused.</strong>
          `
        }${withLinks(message.reason)}</p>`
  }</div>`;
}
