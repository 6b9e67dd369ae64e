import { html } from "hono/html";
import { timeOf } from "../../../lib/store/id.ts";
import { maskHeaders, maskUrl } from "../../../lib/redaction/mask.ts";
import type { Message, Passage, WholeMessage } from "../../../lib/message/message.ts";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import type { Task, TaskEvent } from "../../../lib/task/task.ts";
import { type Named, variableOf } from "../../../sources/rules/registry.ts";
import { curlOf } from "../parts/curl.ts";
import { linkTo } from "../parts/filters.ts";
import { icon } from "../parts/icon.ts";
import { bodySection } from "./body.ts";
import { rowId, titleOf } from "./row.ts";
import { type Frame, type Html, page } from "../page.ts";
import { phaseStatus, phaseWord } from "../parts/phase.ts";
import type { StageRow } from "../parts/stages.ts";
import { EDITED_SAYS, signature, SIGNATURE_SAYS } from "../parts/status.ts";
import { age, exact } from "../parts/time.ts";
import { subjectLine } from "../subject/line.ts";
import { timeline } from "../task/timeline.ts";

/** What the page of a message is made of. */
export interface MessagePage {
  frame: Frame;
  row: StageRow;
  /** The source that its name in the URL leads to today. */
  from: Named;
  whole: WholeMessage;
  /** What it is about. */
  subject?: ToldSubject;
  passage?: Passage;
  events: readonly TaskEvent[];
  /** The newest ones. */
  replays: readonly Message[];
  hasMoreReplays: boolean;
}

/** `/messages/{id}`: all that is known of one message. */
export function messagePage(
  { frame, row, from, whole, subject, replays, hasMoreReplays, ...way }: MessagePage,
) {
  const { message, task } = row;
  return page({
    title: titleOf(row),
    frame,
    watch: rowId(message.message_id),
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/messages">Messages</a></nav>
      ${head(row, whole)}
      ${subjectLine(subject)}
      ${editedNote(message)}
      ${trouble(row)}
      <div class="two">
        <div>
          <section class="card" aria-labelledby="way"><h2 id="way">Timeline</h2>
            <div id="timeline" data-part>${timeline({ row, ...way })}</div>
          </section>
          ${whole.dropped ? droppedSection() : [bodySection(whole), curlSection(whole, from)]}
        </div>
        <div>
          ${task && taskSection(task)}
          ${factSection(message, from)}
          ${replays.length > 0 && replaySection(replays, hasMoreReplays && whole.message_id)}
          ${!whole.dropped && headerSection(whole, from)}
        </div>
      </div>
    `,
  });
}

function head(row: StageRow, whole: WholeMessage) {
  const { message } = row;
  const id = message.message_id;
  return html`
    <div class="head" id="head" data-part>
      <div>
        <h1 dir="auto">${titleOf(row)}</h1>
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
    <form method="post" action="/messages/${id}/replay">
      <button data-key="r">${icon("again")}Replay</button>
    </form>
    <a class="button quiet write" data-key="e" href="/messages/${id}/edit">Edit &amp; replay</a>
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

function curlSection({ message_id: id, url, headers, body }: WholeMessage, from: Named) {
  const command = curlOf({ id, url, headers, body, secretNames: from.source.secretNames });
  return html`
    <section class="card" aria-labelledby="as-curl">
      <header><h2 id="as-curl">As a curl command</h2>
        <button class="quiet" data-copy="curl" hidden>Copy</button></header>
      <pre id="curl" tabindex="0" role="group" aria-label="Command">${command}</pre>
    </section>
  `;
}

function taskSection(task: Task) {
  return html`
    <section class="card" aria-labelledby="its-task" id="task" data-part>
      <h2 id="its-task">Task</h2>
      <p><a href="/tasks/${task.id}" dir="auto">${task.title}</a></p>
      <p class="meta">${phaseStatus(task.phase)}<span>assigned to ${task.assigned_to
        .name}</span></p>
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

function headerSection({ headers }: WholeMessage, { source }: Named) {
  const masked = Object.entries(maskHeaders(headers, source.secretNames));
  return html`
    <section class="card" aria-labelledby="headers">
      <h2 id="headers">Headers</h2>
      <dl class="headers">${masked.map(([name, value]) =>
        html`
          <dt>${name}</dt>
          <dd dir="auto">${value}</dd>
        `
      )}</dl>
    </section>
  `;
}

function trouble({ message, task }: StageRow) {
  const said = message.error ?? task?.error?.message;
  return html`<div id="trouble" data-part>${
    said
      ? html`<p class="note failed" dir="auto"><strong>Failed.</strong> ${said}</p>`
      : message.reason &&
        html`<p class="note ${message.state === "rejected" && "failed"}" dir="auto">${
          message.state === "rejected" && html`
            <strong>Refused.</strong>
          `
        }${message.reason}</p>`
  }</div>`;
}

function factSection(message: Message, from: Named) {
  return html`
    <section class="card" aria-labelledby="facts" id="fact-card" data-part>
      <h2 id="facts">Verification and facts</h2>
      <p class="said">${message.edited
        ? EDITED_SAYS
        : SIGNATURE_SAYS[message.verification]} ${!message.edited &&
        message.verification === "unverified" && from.source.verify &&
        html`Set <code>${variableOf(from)}</code> to have signatures checked.`}</p>
      <dl>
        ${fact("Message id", html`<code>${message.message_id}</code>`)}
        ${message.delivery_id && fact("Delivery id", html`<code>${message.delivery_id}</code>`)}
        ${fact("Received", exact(message.received_at))}
        ${fact("From", message.client_ip || "this process")}
        ${fact("URL", maskUrl(message.url, from.source.secretNames))}
        ${fact("Size", `${message.size.toLocaleString("en")} bytes`)}
        ${message.content_type && fact("Content type", message.content_type)}
        ${message.attempts > 0 && fact("Attempts", String(message.attempts))}
        ${message.repeats > 0 && fact("Repeats", `sent ${message.repeats + 1} times, kept once`)}
        ${message.replay_of && fact(
          "Replay of",
          html`<a href="/messages/${message.replay_of}"><code>${message.replay_of}</code></a>`,
        )}
      </dl>
    </section>
  `;
}

function fact(name: string, value: string | Html) {
  return html`
    <dt>${name}</dt>
    <dd dir="auto">${value}</dd>
  `;
}
