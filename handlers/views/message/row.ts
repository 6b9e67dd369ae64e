import { html } from "hono/html";
import { httpLink } from "../../../sources/kit/link.ts";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { Task } from "../../../lib/task/task.ts";
import { icon } from "../parts/icon.ts";
import { markdown } from "../parts/markdown.ts";
import type { Html } from "../page.ts";
import { PHASE_TONES, phaseWord } from "../parts/phase.ts";
import { isJoined, stageDots, type StageRow, waitOf } from "../parts/stages.ts";
import { age, since, took } from "../parts/time.ts";

/** A list has many rows; the task's page shows all of its result. */
const MOST_RESULT = 8_000;

/** The element id of a message's row: rows are replaced by it, and sorted by it. */
export function rowId(messageId: string): string {
  return `m-${messageId}`;
}

/** One message on its way. All that a sender wrote is text here, whatever it looks like. */
export function messageRow(row: StageRow) {
  const { message, task } = row;
  const { phase } = message;
  const tone = PHASE_TONES[phase];
  return html`
    <li id="${rowId(message.message_id)}" class="row ${tone}" data-into="messages">
      <h3 class="title" dir="auto"><a class="open" href="/messages/${message.message_id}">${titleOf(
        row,
      )}</a></h3>
      <p class="state ${tone} ${phase === "needs_you" && "asks"}">${phaseWord(
        phase,
      )}<span class="took">${totalOf(
        row,
      )}</span></p>
      <p class="meta">
        <span class="source">${row.sourceName}</span>
        ${message.event && html`<code class="event">${message.event}</code>`}
        ${linkOf(task)}
        ${age(message.received_at)}
        ${message.replay_of && html`<span>${message.edited ? "edited replay" : "replay"}</span>`}
        ${message.repeats > 0 && html`<span>sent ${message.repeats + 1} times</span>`}
      </p>
      ${stageDots(row)}
      ${trouble(row)}
      ${outcome(task)}
      ${details(row)}
    </li>
  `;
}

/** A row that a page has no room for, to be counted. */
export function rowBeyond(messageId: string) {
  return html`<li id="${rowId(messageId)}" data-into="messages" data-beyond></li>`;
}

/** A row that is to be taken off the page. */
export function goneRow(messageId: string) {
  return html`<li id="${rowId(messageId)}" data-gone></li>`;
}

/** A line that says what a message is about. */
export function titleOf({ message, task, sourceName, claim }: StageRow): string {
  if (claim !== undefined) return `${claim} (unverified claim)`;
  return message.title ?? task?.title ?? `${sourceName} webhook`;
}

/** From the first byte to the task's end without the waits for people, or how long the agent has it already. */
function totalOf({ message, task }: StageRow) {
  if (task?.started_at && !task.finished_at) {
    return html`
      for ${since(task.started_at)}
    `;
  }
  const isLater = message.replay_of !== null || message.released_at !== null;
  if (!task?.finished_at || isLater || isJoined(message, task)) return "";
  const ms = task.finished_at.getTime() - message.received_at.getTime() - task.waited_ms;
  return ` in ${took(Math.max(0, ms))}`;
}

/** The event's own page. The host is shown, because a sender may lead anywhere. */
function linkOf(task: Task | undefined) {
  const link = httpLink((task?.result?.data as { link?: unknown } | null | undefined)?.link);
  if (!link?.startsWith("https:")) return "";
  const host = new URL(link).hostname;
  return html`
    <a href="${link}" rel="noreferrer noopener" target="_blank"
      class="away">${host}${inNewTab}</a>
  `;
}

const inNewTab = html`<span class="words"> (opens the event in a new tab)</span>`;

function trouble({ message, task, tellings }: StageRow) {
  const dead = tellings.find((each) => each.state === "dead");
  const said = message.error ?? (task?.error && firstLine(task.error.message)) ??
    (dead &&
      `Could not tell ${dead.channel} ${dead.destination}: ${dead.error ?? "no reason given"}`);
  if (said) return html`<p class="error" dir="auto">${said}</p>`;
  const note = message.reason ?? message.hint ?? waitOf(task);
  if (!note) return "";
  // A message that has a task and a reason has joined a group, or waits: the task says more.
  const told = task ? html`<a class="plain" href="/tasks/${task.id}">${note}</a>` : note;
  return html`<p class="reason" dir="auto">${told}</p>`;
}

/** The first line of what a model has to say; a digest would only say the title again. */
function outcome(task: Task | undefined) {
  const { text, data } = task?.result ?? {};
  if (!text || (data as { agent?: unknown } | null | undefined)?.agent === "digest") return "";
  const line = firstLine(text);
  return line && html`<p class="outcome" dir="auto">${line}</p>`;
}

function details({ message, task }: StageRow) {
  const { message_id: id, title, verification, received_at, size, attempts } = message;
  const summary = task?.result ? "What came of it" : "Details";
  return html`
    <details id="${task ? `t-${task.id}` : `d-${id}`}">
      <summary title="${summary}">${icon(
        "more",
      )}<span class="words">${summary}: ${title ?? id}</span></summary>
      ${task?.question && html`<div class="question">${markdown(task.question, MOST_RESULT)}</div>`}
      ${task?.result && result(task.result.text)}
      <dl>
        ${task && fact("Task", task.description)}
        ${fact("Signature", SIGNATURES[verification])}
        ${fact("Received", `${received_at.toISOString()}, ${size.toLocaleString("en")} bytes`)}
        ${attempts > 1 && fact("Attempts", String(attempts))}
        ${fact("Message", idLink("messages", id))}
        ${task && fact("Task id", idLink("tasks", task.id))}
      </dl>
    </details>
  `;
}

function result(text: string) {
  return html`<div class="digest" tabindex="0" role="group" aria-label="Result">${
    markdown(text, MOST_RESULT)
  }</div>`;
}

function fact(name: string, value: string | Html) {
  return html`
    <dt>${name}</dt>
    <dd dir="auto">${value}</dd>
  `;
}

function idLink(things: string, id: string) {
  return html`<a href="/${things}/${id}"><code>${id}</code></a>`;
}

const SIGNATURES = {
  verified: "verified",
  unverified: "not verified: anyone could have sent this",
  rejected: "refused",
};
