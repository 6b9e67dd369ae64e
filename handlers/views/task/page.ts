import { html } from "hono/html";
import type { TaskGroup } from "../../../lib/message/group/group.ts";
import type { Approval } from "../../../lib/task/approval.ts";
import type { Message } from "../../../lib/message/message.ts";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import type { Notification } from "../../../lib/notify/notification.ts";
import type { Task, TaskEvent } from "../../../lib/task/task.ts";
import type { User } from "../../../lib/people/user.ts";
import type { AuditEntry } from "../../../lib/people/audit_search.ts";
import { actSection } from "../people/acts.ts";
import { counted } from "../parts/count.ts";
import { linkTo } from "../parts/filters.ts";
import { jsonTree } from "../parts/json_tree.ts";
import { markdown } from "../parts/markdown.ts";
import { rowId } from "../message/row.ts";
import { type Frame, type Html, page } from "../page.ts";
import { phaseStatus } from "../parts/phase.ts";
import { signature } from "../parts/status.ts";
import { age } from "../parts/time.ts";
import { subjectLine } from "../subject/line.ts";
import { asksOf } from "./asks.ts";
import { told } from "./told.ts";
import { trace } from "./trace.ts";

/** What the page of a task is made of. */
export interface TaskPage {
  frame: Frame;
  task: Task;
  /** What people call the system it came from. */
  sourceName: string;
  message?: Message;
  /** What it is about. */
  subject?: ToldSubject;
  events: readonly TaskEvent[];
  approvals: readonly Approval[];
  notifications: readonly Notification[];
  people: readonly User[];
  /** What people did to it, newest first. */
  acts: readonly AuditEntry[];
}

/** `/tasks/{id}`: what was done, step by step, what came of it, and what can be done now. */
export function taskPage(all: TaskPage) {
  const { frame, task, events, approvals, notifications, people, acts } = all;
  return page({
    title: task.title,
    frame,
    watch: rowId(task.message_id),
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/tasks">Tasks</a></nav>
      ${head(all)}
      ${subjectLine(all.subject)}
      ${asksOf(all)}
      <div class="two">
        <div>
          <div id="result" data-part>${result(task)}</div>
          <section class="card" aria-labelledby="steps">
            <h2 id="steps">What the agent did</h2>
            <div id="waterfall" data-part>${trace(task, events, Date.now())}</div>
          </section>
          ${groupSection(events)}
        </div>
        <div>
          ${about(all)}
          ${reassign(task, people)}
          ${told(task.id, notifications)}
          ${decided(approvals)}
          ${actSection(acts, task.id)}
        </div>
      </div>
    `,
  });
}

function head({ task, sourceName }: TaskPage) {
  return html`
    <div class="head" id="head" data-part>
      <div>
        <h1 dir="auto">${task.title}</h1>
        <p class="meta">${phaseStatus(task.phase)}
          <a class="plain" href="${linkTo("/tasks", { source: task.source })}">${sourceName}</a>
          <span>assigned to <a href="${linkTo("/tasks", {
            assigned_to: task.assigned_to.id,
          })}">${task.assigned_to.name}</a></span> ${age(task.created_at)}</p>
      </div>
      <div class="actions">${actions(task)}</div>
    </div>
  `;
}

function about({ task, message }: TaskPage) {
  return html`
    <section class="card" aria-labelledby="about" id="about-card" data-part>
      <h2 id="about">About</h2>
      <dl>
        ${fact("Task", task.description)}
        ${message && fact("Signature", signature(message.verification))}
        ${fact(
          "From",
          html`
            <a href="/messages/${task.message_id}">the message</a>, which you can <a
              href="/messages/${task
                .message_id}/trials">try with another instruction</a> ${message?.event &&
                html`<code>${message.event}</code>`}
          `,
        )}
        ${task.messages > 1 && fact("Messages", messagesOf(task))}
        ${fact("Message id", html`<code>${task.message_id}</code>`)}
        ${fact("Task id", html`<code>${task.id}</code>`)}
      </dl>
    </section>
  `;
}

/** How many there are, and which of them its agent has not read. */
function messagesOf({ messages, unread, finished_at, subject }: Task) {
  const all = subject
    ? html`<a href="/subjects/${subject.id}">${counted(messages, "message")}</a>`
    : counted(messages, "message");
  return unread === 0
    ? html`${all}`
    : html`${all}, ${unread.toLocaleString("en")} of them not read${finished_at ? "" : " yet"}`;
}

/** The messages of its group, where it was made of several. */
function groupSection(events: readonly TaskEvent[]) {
  const made = events.find(({ kind }) => kind === "created")?.data as Partial<TaskGroup>;
  if (!made?.merged || !made.messages) return "";
  const more = made.messages - made.merged.length;
  return html`
    <section class="card" aria-labelledby="merged">
      <h2 id="merged">Made of ${counted(made.messages, "message")}</h2>
      <ol class="merged">${made.merged.map(({ message_id, title }) =>
        html`
          <li><a href="/messages/${message_id}" dir="auto">${title ?? message_id}</a></li>
        `
      )}</ol>
      ${more > 0 && html`<p class="hint">… and ${more.toLocaleString("en")} more</p>`}
    </section>
  `;
}

function actions({ id, status: at }: Task) {
  const form = (action: string, label: string, quiet = true) =>
    html`
      <form method="post" action="/tasks/${id}/${action}">
        <button class="${quiet && "quiet"}" data-key="${action === "retry" &&
          "r"}">${label}</button>
      </form>
    `;
  if (at === "failed" || at === "cancelled") return form("retry", "Retry", false);
  return at === "completed" ? "" : form("cancel", "Cancel");
}

function result({ result: made, status: at }: Task) {
  if (!made) {
    return at === "completed" || at === "failed" || at === "cancelled" ? "" : html`
      <section class="card" aria-labelledby="outcome">
        <h2 id="outcome">Result</h2>
        <p class="said">It stands here as soon as the agent has finished.</p>
      </section>
    `;
  }
  const { text, data } = made;
  return html`
    <section class="card" aria-labelledby="outcome"><h2 id="outcome">Result</h2>
      ${markdown(text)}
      ${data !== null && data !== undefined && html`
        <details class="raw"><summary>Data</summary>${jsonTree(data)}</details>
      `}
    </section>
  `;
}

function reassign({ id, assigned_to }: Task, people: readonly User[]) {
  if (!people.some(({ kind }) => kind === "person")) {
    return html`
      <section class="card write" aria-labelledby="whose">
        <h2 id="whose">Assigned to</h2>
        <p class="said">${assigned_to.name}, the system user. There is nobody yet to give the task
          to: <a href="/users#add">add a person</a>.</p>
      </section>
    `;
  }
  return html`
    <section class="card write" aria-labelledby="whose">
      <h2 id="whose">Assigned to</h2>
      <form method="post" action="/tasks/${id}/reassign" class="inline">
        <label class="words" for="assigned_to">Assigned to</label>
        <select id="assigned_to" name="assigned_to">${people.map((person) =>
          html`
            <option value="${person.id}" ${person.id === assigned_to.id
              ? html`
                selected
              `
              : ""}>${person.name} (${person.email})</option>
          `
        )}</select>
        <button class="quiet">Reassign</button>
      </form>
    </section>
  `;
}

/** What people have decided on before. */
function decided(approvals: readonly Approval[]) {
  const past = approvals.filter(({ state }) => state !== "pending");
  if (past.length === 0) return "";
  return html`
    <section class="card" aria-labelledby="decided">
      <h2 id="decided">Approvals</h2>
      <ul class="plain-list">${past.map(({ tool, state, decided_by, decided_at }) =>
        html`<li><code>${tool}</code> ${state === "used" ? "approved, and called" : state}${
          decided_by && html`
            by <span dir="auto">${decided_by}</span>
          `
        } ${decided_at && age(decided_at)}</li>`
      )}</ul>
    </section>
  `;
}

function fact(name: string, value: string | Html) {
  return html`
    <dt>${name}</dt>
    <dd dir="auto">${value}</dd>
  `;
}
