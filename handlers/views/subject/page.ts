import { html } from "hono/html";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import type { SubjectEntry } from "../../../lib/message/subject/timeline.ts";
import { type Frame, page } from "../page.ts";
import { listPages } from "../parts/pages.ts";
import { linkTo } from "../parts/filters.ts";
import { phaseStatus } from "../parts/phase.ts";
import { age, exact } from "../parts/time.ts";
import { ROLES, subjectCounts, subjectName } from "./line.ts";
import { detachButton, readingOf } from "./reading.ts";
import { subjectState } from "./list.ts";

/** What the page of a subject is made of. */
export interface SubjectPage {
  frame: Frame;
  subject: ToldSubject;
  sourceName: string;
  items: readonly SubjectEntry[];
  next?: string;
  before?: string;
}

/** `/subjects/{id}`: all that was told of one thing, and what was done about it, newest first. */
export function subjectPage(
  { frame, subject, sourceName, items, next, before }: SubjectPage,
) {
  const path = `/subjects/${subject.id}`;
  return page({
    title: subjectName(subject),
    frame,
    watch: "any",
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/subjects">Subjects</a></nav>
      ${head(subject, sourceName)}
      <section class="card" aria-labelledby="told-of">
        <h2 id="told-of">What happened</h2>
        <ol class="plain-list" id="entries" data-part>${items.map(entry)}</ol>
        ${items.length === 0 && html`<p class="said">Nothing of it is kept any more.</p>`}
      </section>
      ${listPages({ things: "what happened", path, before, next })}
    `,
  });
}

function head(subject: ToldSubject, sourceName: string) {
  const { source, link, key, first_at, closed_at, stopped_why } = subject;
  return html`
    <div class="head" id="head" data-part>
      <div>
        <h1 dir="auto">${subjectName(subject)}</h1>
        <p class="meta">${subjectState(subject)}
          <a class="plain" href="${linkTo("/subjects", { source })}">${sourceName}</a>
          <code dir="auto">${key}</code> <span>${subjectCounts(subject)}</span>
          <span>since ${exact(first_at)}</span>
          ${closed_at && html`<span>closed ${age(closed_at)}</span>`}</p>
        ${stopped_why && html`<p class="note failed" dir="auto"><strong>Stopped:</strong>
          ${stopped_why}.</p>`}
      </div>
      <div class="actions">
        ${button(subject)}
        ${link &&
          html`<a class="button quiet" href="${link}" rel="noreferrer noopener">Open it there</a>`}
      </div>
    </div>
  `;
}

/** Stops it, or lets it go on. */
function button({ id, state }: ToldSubject) {
  const [action, label] = state === "stopped" ? ["resume", "Resume"] : ["stop", "Stop"];
  return html`
    <form method="post" action="/subjects/${id}/${action}">
      <button class="quiet">${label}</button>
    </form>
  `;
}

function entry(each: SubjectEntry) {
  const { id, title, event, at, phase } = each;
  if (each.kind === "task") {
    return html`
      <li>${phaseStatus(phase)} <strong>Task</strong>
        <a href="/tasks/${id}" dir="auto">${title}</a> ${age(at)}</li>
    `;
  }
  return html`
    <li>${phaseStatus(phase)} <span class="soft">${each.role
      ? ROLES[each.role]
      : "a message"}</span>
      <a href="/messages/${id}" dir="auto">${title ?? `${each.webhook_type} webhook`}</a>
      ${event && html`<code dir="auto">${event}</code>`} ${age(at)}
      ${readingOf(each)} ${detachButton(each)}</li>
  `;
}
