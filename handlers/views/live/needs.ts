import { html } from "hono/html";
import {
  MOST_NAMED,
  type Needs,
  type OpenQuestion,
  type Trouble,
} from "../../../lib/monitor/needs.ts";
import { firstLine } from "../../../lib/markdown/plain.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import { icon } from "../parts/icon.ts";
import { markdown } from "../parts/markdown.ts";
import { linkTo } from "../parts/filters.ts";
import { phaseWord } from "../parts/phase.ts";
import { age } from "../parts/time.ts";

/** Of a question as much as fits beside others; the task's page has all of it. */
const MOST_QUESTION = 2_000;
/** Of a reason a line or two; the messages have all of it. */
const MOST_REASON = 300;

/** What waits for a person, each with what can be done about it; nothing when nobody is needed. */
export function needsPanel(
  { questions, troubles }: Needs,
  labelOf: (webhookType: string) => string,
) {
  if (questions.length + troubles.length === 0) return html`<div id="needs"></div>`;
  return html`
    <section id="needs" class="needs" aria-labelledby="needs-title">
      <h2 id="needs-title" tabindex="-1">Needs you</h2>
      <ul class="plain-list">
        ${questions.map(question)}
        ${troubles.map((each) => trouble(each, labelOf(each.webhook_type)))}
      </ul>
    </section>
  `;
}

function question({ task_id, title, question, question_id, needs_decision }: OpenQuestion) {
  return html`
    <li class="need asks" id="q-${task_id}">
      <p class="title">${icon("ask")}<a href="/tasks/${task_id}" dir="auto">${title}</a></p>
      ${needs_decision
        ? html`<p><a class="button" href="/tasks/${task_id}#asks">Approve or deny…</a></p>`
        : html`
          <div class="question">${markdown(question, MOST_QUESTION)}</div>
          <form method="post" action="/tasks/${task_id}/answer" class="answer">
            <input type="hidden" name="question_id" value="${question_id}">
            <label class="grow"><span class="words">Answer</span>
              <input name="text" required maxlength="10000" autocomplete="off"></label>
            <button>Answer</button>
          </form>
        `}
    </li>
  `;
}

function trouble(
  { kind, webhook_type, reason, count, since, message_ids }: Trouble,
  label: string,
) {
  const filter = { phase: kind, source: webhook_type };
  const act = count <= MOST_NAMED
    ? `/messages/many?${new URLSearchParams(message_ids.map((id) => ["id", id]))}`
    : linkTo("/messages/many", { ...filter, since: "24h" });
  return html`
    <li class="need failed">
      <p class="title">${icon("failed")}<a href="${linkTo("/messages", filter)}">${label}:
        ${count.toLocaleString("en")} ${phaseWord(kind)}</a> <span class="soft">since ${age(
          since,
        )}</span></p>
      ${reason &&
        html`<p class="why" dir="auto">${beginningOf(firstLine(reason), MOST_REASON)}</p>`}
      <p class="write"><a class="button quiet" href="${act}">${kind === "refused"
        ? "Verify again, or delete…"
        : "Retry, or delete…"}</a></p>
    </li>
  `;
}
