import { html } from "hono/html";
import {
  isUnseenSilence,
  type Needs,
  type Notice,
  type OpenApproval,
  type OpenQuestion,
  type SeenSilence,
  type Trouble,
} from "../../../lib/monitor/needs/needs.ts";
import { describeSilence, type SilenceWords } from "../../../lib/monitor/silence/words.ts";
import { firstLine } from "../../../lib/markdown/plain.ts";
import { layOutJson, showUnseen } from "../../../sources/kit/json_layout.ts";
import { countWords } from "../parts/count_words.ts";
import { icon } from "../parts/icon.ts";
import { markdown } from "../parts/markdown.ts";
import { linkTo } from "../parts/filters.ts";
import { phaseWord } from "../parts/phase.ts";
import { age } from "../parts/time.ts";

/** Of a question as much as fits beside others; the task's page has all of it. */
const MOST_QUESTION = 2_000;

/** What waits for a person, each with what can be done about it; nothing when nobody is needed. */
export function needsPanel(needs: Needs, words: SilenceWords) {
  const { questions, more_questions, silences, troubles, notices, more_notices, count } = needs;
  if (questions.length + silences.length + troubles.length + notices.length === 0) {
    return html`<div id="needs"></div>`;
  }
  const unseen = <T extends { seen: boolean }>(all: T[]) =>
    [...all].sort((one, other) => Number(one.seen) - Number(other.seen));
  return html`
    <section id="needs" class="needs" aria-labelledby="needs-title">
      <header><h2 id="needs-title" tabindex="-1">Needs you${count > 0 &&
        html`
          <span class="soft">${countWords(count)}</span>
        `}</h2>
        ${allSeenForm(needs)}
        <a class="soft" href="/routes">Who is told</a></header>
      <ul class="plain-list">
        ${questions.map(question)}
        ${more_questions > 0 &&
          html`<li class="need asks"><a href="${linkTo("/messages", { phase: "needs_you" })}">${
            more_questions.toLocaleString("en")
          } more to answer or to decide</a></li>`}
        ${unseen(silences).map((each) => silence(each, words))}
        ${unseen(troubles).map((each) => trouble(each, words.labelOf(each.source)))}
        ${notices.map(notice)}
      </ul>
      ${more_notices > 0 &&
        html`<p class="soft">And ${
          more_notices.toLocaleString("en")
        } more that Otto has to say, shown when these are seen.</p>`}
    </section>
  `;
}

function question(asks: OpenQuestion) {
  const { task_id, title, question, question_id, approvals } = asks;
  return html`
    <li class="need asks" id="q-${task_id}">
      <p class="title">${icon("ask")}<a href="/tasks/${task_id}" dir="auto">${title}</a>
        <span class="soft">${age(asks.since)}</span></p>
      ${approvals.length > 0 ? approvals.map((each) => approval(task_id, each)) : html`
        <div class="question">${markdown(question, MOST_QUESTION)}</div>
        <form method="post" action="/tasks/${task_id}/answer" class="answer">
          <input type="hidden" name="question_id" value="${question_id}">
          <input type="hidden" name="back" value="/#needs">
          <label class="grow"><span class="words">Answer</span>
            <input name="text" required maxlength="10000" autocomplete="off"></label>
          <button>Answer</button>
        </form>
      `}
    </li>
  `;
}

/** A call is approved as it is seen: one that is too long to be shown is not approved here. */
function approval(taskId: string, { id, tool, rule, ...call }: OpenApproval) {
  const isShown = "arguments" in call;
  return html`
    <div class="approval">
      <p>May the agent call <code>${tool}</code>? <span class="soft">The policy asks
        (<code>${rule}</code>).</span></p>
      ${isShown
        ? html`<pre tabindex="0" role="group" aria-label="Arguments of ${tool}">${
          showUnseen(layOutJson(call.arguments))
        }</pre>`
        : html`<p><a href="/tasks/${taskId}#asks">Its arguments are long: read them on the task's
            page, and decide there.</a></p>`}
      <form method="post" action="/tasks/${taskId}/decide" class="actions">
        <input type="hidden" name="approval_id" value="${id}">
        <input type="hidden" name="back" value="/#needs">
        ${isShown && html`<button name="decision" value="approve">Approve</button>`}
        <button name="decision" value="deny" class="quiet">Deny</button>
      </form>
    </div>
  `;
}

function silence(each: SeenSilence, words: SilenceWords) {
  const { kind, sources, because, began_at, seen } = each;
  const [only] = sources;
  const link = sources.length === 1 && `/sources/${encodeURIComponent(only)}`;
  const said = describeSilence(each, words);
  return html`
    <li class="need ${kind === "holiday" ? "calm" : "failed"} ${seen && "seen"}">
      <p class="title">${icon("pause")}${link
        ? html`<a href="${link}">${said}</a>`
        : html`<span>${said}</span>`}</p>
      <p class="why">${because}</p>
      ${kind !== "holiday" && !seen && seenForm(each.key, began_at.toISOString(), said)}
    </li>
  `;
}

function trouble(each: Trouble, label: string) {
  const { kind, source, reason, count, is_more, since, message_ids, seen } = each;
  const filter = { phase: kind, source };
  // By their ids: a filter would also act on what failed for another reason.
  const act = `/messages/many?${new URLSearchParams(message_ids.map((id) => ["id", id]))}`;
  const part = count > message_ids.length && ` (the newest ${message_ids.length})`;
  const said = `${is_more ? "at least " : ""}${count.toLocaleString("en")} ${phaseWord(kind)}`;
  return html`
    <li class="need failed ${seen && "seen"}">
      <p class="title">${icon("failed")}<a href="${linkTo("/messages", filter)}">${label}:
        ${said}</a> <span class="soft">first ${age(since)}${seen && ", seen"}</span></p>
      ${reason && html`<p class="why" dir="auto">${firstLine(reason)}</p>`}
      <div class="actions"><a class="button quiet write" href="${act}">${kind === "refused"
        ? "Verify again, or delete…"
        : "Retry, or delete…"}${part}</a>
        ${kind === "refused" &&
          html`<a class="button quiet" href="/sources/${
            encodeURIComponent(source)
          }">Its secret and signature</a>`}
        ${!seen && seenForm(each.key, each.latest, `${label}: ${said}`)}</div>
    </li>
  `;
}

function notice({ id, task_id, message_id, text, created_at }: Notice) {
  const path = task_id ? `/tasks/${task_id}` : message_id ? `/messages/${message_id}` : undefined;
  return html`
    <li class="need" id="n-${id}">
      <p class="title">${icon("bell")}${path
        ? html`<a href="${path}" dir="auto">${text}</a>`
        : html`<span dir="auto">${text}</span>`} <span class="soft">${age(created_at)}</span></p>
      <form method="post" action="/notifications/${id}/read">
        <button class="quiet" aria-label="Mark as seen: ${text}">Mark as seen</button>
      </form>
    </li>
  `;
}

/** One press for all that can be marked, where a person would press several times. */
function allSeenForm({ silences, troubles, notices }: Needs) {
  const groups = [
    ...silences.filter(isUnseenSilence)
      .map(({ key, began_at }) => ({ key, latest: began_at.toISOString() })),
    ...troubles.filter(({ seen }) => !seen).map(({ key, latest }) => ({ key, latest })),
  ];
  if (groups.length + notices.length < 2) return "";
  return html`
    <form method="post" action="/needs/seen">
      ${groups.map(({ key, latest }) =>
        html`
          <input type="hidden" name="key" value="${key}"><input
            type="hidden" name="latest" value="${latest}">
        `
      )}
      ${notices.map(({ id }) => html`<input type="hidden" name="notice" value="${id}">`)}
      <button class="quiet">Mark all as seen</button>
    </form>
  `;
}

/** Not counted any more until something else comes. */
function seenForm(key: string, latest: string, said: string) {
  return html`
    <form method="post" action="/needs/seen">
      <input type="hidden" name="key" value="${key}">
      <input type="hidden" name="latest" value="${latest}">
      <button class="quiet" aria-label="Mark as seen: ${said}">Mark as seen</button>
    </form>
  `;
}
