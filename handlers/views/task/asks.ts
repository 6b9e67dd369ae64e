import { html } from "hono/html";
import { layOutJson, showUnseen } from "../../../sources/kit/json_layout.ts";
import type { Approval } from "../../../lib/task/approval.ts";
import { newerSinceAsked } from "../../../lib/task/inbox.ts";
import type { Task } from "../../../lib/task/task.ts";
import { icon } from "../parts/icon.ts";
import { markdown } from "../parts/markdown.ts";
import { ahead, clock } from "../parts/time.ts";

/** What the agent waits for, and what went wrong. */
export function asksOf(
  { task, approvals }: { task: Task; approvals: readonly Approval[] },
) {
  const pending = approvals.filter(({ state }) => state === "pending");
  return html`
    <div id="asks" data-part>
      ${pending.map((approval) => approvalCard(task, approval))}
      ${task.status === "waiting_input" && pending.length === 0 && question(task)}
      ${task.waiting_for && waits(task.id, task.waiting_for)}
      ${task.put_off && putOff(task.id, task.put_off)}
      ${task.error &&
        html`<div class="note failed"><strong>Failed.</strong> ${
          markdown(task.error.message)
        }</div>`}
    </div>
  `;
}

/** One tool call that waits for a person, with exactly what it would be called with. */
function approvalCard(
  task: Task,
  { id, tool, arguments: given, rule, expires_at }: Approval,
) {
  return html`
    <section class="card asks" aria-labelledby="a-${id}">
      <h2 id="a-${id}">${icon("ask")}<span>May the agent call <code>${tool}</code>?</span></h2>
      <pre tabindex="0" role="group" aria-label="Arguments">${showUnseen(layOutJson(given))}</pre>
      <p class="said">The policy asks (<code>${rule}</code>). Your word is good for this call with
        these arguments, once. Without one it is refused ${ahead(expires_at)}.</p>
      ${newsOf(task)}
      <form method="post" action="/tasks/${task.id}/decide" class="actions">
        <input type="hidden" name="approval_id" value="${id}">
        <button name="decision" value="approve">Approve</button>
        <button name="decision" value="deny" class="quiet">Deny</button>
      </form>
    </section>
  `;
}

/** Who decides should know what the agent did not when it asked. */
function newsOf({ status, unread, subject }: Task) {
  return status === "waiting_input" && unread > 0 && html`
    <p class="note">${subject
      ? html`<a href="/subjects/${subject.id}">${newerSinceAsked(unread)}</a>`
      : newerSinceAsked(unread)}</p>
  `;
}

/** What it waits for, and a way not to. */
function waits(id: string, { events, until }: NonNullable<Task["waiting_for"]>) {
  return html`
    <section class="card asks" aria-labelledby="waits">
      <h2 id="waits"><span>Waits until ${clock(until)} for ${events.length > 0
        ? html`<code dir="auto">${events.join(", ")}</code>`
        : "the next message about it"}</span></h2>
      <p class="said">At the latest it goes on ${ahead(until)}.</p>
      <form method="post"
        action="/tasks/${id}/wake"><button class="quiet">Wake now</button></form>
    </section>
  `;
}

/** Why it does not go on, and a way to try at once what a person has mended meanwhile. */
function putOff(id: string, { until, reason }: NonNullable<Task["put_off"]>) {
  return html`
    <section class="card asks" aria-labelledby="put-off">
      <h2 id="put-off"><span>Put off until ${clock(until)}</span></h2>
      <p class="said ink" dir="auto">${reason}</p>
      <p class="said">It tries again ${ahead(until)}, by itself.</p>
      <form method="post"
        action="/tasks/${id}/wake"><button class="quiet">Try now</button></form>
    </section>
  `;
}

function question(task: Task) {
  const { id, question: asks, question_id } = task;
  return html`
    <section class="card asks" aria-labelledby="question">
      <h2 id="question">${icon("ask")}The agent asks</h2>
      <div class="said ink">${markdown(asks ?? "It waits for an answer.")}</div>
      ${newsOf(task)}
      <form method="post" action="/tasks/${id}/answer">
        <input type="hidden" name="question_id" value="${question_id}">
        <label for="answer" class="words">Your answer</label>
        <textarea id="answer" name="text" required maxlength="10000" rows="3"
          placeholder="Your answer"></textarea>
        <p class="actions"><button>Answer</button></p>
      </form>
    </section>
  `;
}
