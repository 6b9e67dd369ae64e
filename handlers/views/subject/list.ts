import { html } from "hono/html";
import { SUBJECT_STATES } from "../../../lib/message/subject/search.ts";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import type { FoundItems } from "../../../lib/store/walk.ts";
import { sourceChoices } from "../message/list.ts";
import { type Frame, page } from "../page.ts";
import { type Choice, filterBar, linkTo } from "../parts/filters.ts";
import { status } from "../parts/status.ts";
import { listPages } from "../parts/pages.ts";
import { age } from "../parts/time.ts";
import { subjectName } from "./line.ts";

/** The query of the page, as it stands in its URL. */
export interface SubjectQuery {
  q?: string;
  state?: string;
  source?: string;
  before?: string;
}

const TONES = { open: "active", closed: "done", stopped: "failed" } as const;

/** Whether it is open, as a word with its colour. */
export const subjectState = ({ state }: ToldSubject) => status(state, TONES[state]);

/** `/subjects`: what messages are about, the open ones first. */
export function subjectList(
  { frame, found: { items, next, stopped }, query, sources, nameOf }: {
    frame: Frame;
    found: FoundItems<ToldSubject>;
    query: SubjectQuery;
    sources: readonly Choice[];
    nameOf(subject: ToldSubject): string;
  },
) {
  const { before, ...filters } = query;
  const hasFilters = Object.values(filters).some((value) => value);
  return page({
    title: "Subjects",
    frame,
    watch: "any",
    body: html`
      <div class="head">
        <h1>Subjects</h1>
      </div>
      ${filterBar({
        action: "/subjects",
        search: query.q,
        placeholder: "Name or key",
        hasFilters,
        selects: [
          {
            name: "state",
            label: "Open or not",
            value: query.state,
            choices: SUBJECT_STATES.map((value) => ({ value, label: value })),
          },
          {
            name: "source",
            label: "Any source",
            value: query.source,
            choices: sourceChoices(sources, query.source),
          },
        ],
      })}
      <div class="list">
        <button class="pill" data-pill="rows" hidden></button>
        <table>
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">About</th>
              <th scope="col">Source</th>
              <th scope="col" class="number">Messages</th>
              <th scope="col" class="number">Tasks</th>
              <th scope="col">Newest</th>
            </tr>
          </thead>
          <tbody id="rows" data-list data-part>${items.map((each) =>
            tableRow(each, nameOf)
          )}</tbody>
        </table>
        <div id="none" data-part>${items.length === 0 && none(hasFilters)}</div>
      </div>
      ${listPages({
        things: "subjects",
        path: "/subjects",
        filters: { ...filters },
        before,
        next,
        stopped,
        words: { first: "First", next: "More", further: "Look further" },
      })}
    `,
  });
}

function tableRow(subject: ToldSubject, nameOf: (subject: ToldSubject) => string) {
  const { id, source, messages, tasks, last_at } = subject;
  const name = subjectName(subject);
  return html`
    <tr id="row-${id}">
      <td>${subjectState(subject)}</td>
      <td
        class="main"><a class="open" href="/subjects/${id}" dir="auto" title="${name}">${name}</a></td>
      <td class="clip"><a class="plain" href="${linkTo("/subjects", { source })}">${nameOf(
        subject,
      )}</a></td>
      <td class="number">${messages.toLocaleString("en")}</td>
      <td class="number">${tasks.toLocaleString("en")}</td>
      <td>${age(last_at)}</td>
    </tr>
  `;
}

function none(hasFilters: boolean) {
  return hasFilters
    ? html`
      <div class="nothing">
        <h2>Nothing matches</h2>
        <p>Choose other filters, or <a href="/subjects">show all subjects</a>.</p>
      </div>
    `
    : html`
      <div class="nothing">
        <h2>No subjects yet</h2>
        <p>Messages about one thing, such as a pull request with its reviews and checks, stand
          together here, with the tasks that were made of them.</p>
      </div>
    `;
}
