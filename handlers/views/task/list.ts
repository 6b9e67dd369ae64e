import { html } from "hono/html";
import { type Task, workMsOf } from "../../../lib/task/task.ts";
import type { ToldSubject } from "../../../lib/message/subject/subject.ts";
import { TASK_PHASES } from "../../../lib/message/search/phase.ts";
import type { FoundItems } from "../../../lib/store/walk.ts";
import { actOnChosen } from "../parts/chosen.ts";
import {
  batchSelect,
  type Choice,
  filterBar,
  givenSelect,
  groupSelect,
  linkTo,
  SINCE,
} from "../parts/filters.ts";
import { icon } from "../parts/icon.ts";
import { listPages } from "../parts/pages.ts";
import { sourceChoices } from "../message/list.ts";
import type { NameOf } from "../../../sources/rules/names.ts";
import { groupLine } from "../subject/line.ts";
import { type Frame, page } from "../page.ts";
import { phaseChoices, phaseStatus } from "../parts/phase.ts";
import { age, took } from "../parts/time.ts";

/** The query of the page, as it stands in its URL. */
export interface TaskQuery {
  q?: string;
  status?: string;
  phase?: string;
  source?: string;
  assigned_to?: string;
  since?: string;
  batch?: string;
  group?: "subject";
  before?: string;
}

/** `/tasks`: what there is to do and was done, filtered, a page at a time. */
export function taskList(
  { frame, found: { items: tasks, next, stopped }, people, query, subjects, sources, nameOf }: {
    frame: Frame;
    /** A page of tasks, where the next one begins, and whether the search stopped before the end. */
    found: FoundItems<Task>;
    people: readonly { id: string; name: string }[];
    query: TaskQuery;
    /** What its rows are about, by id, where it has one for each subject. */
    subjects?: ReadonlyMap<string, ToldSubject>;
    sources: readonly Choice[];
    nameOf: NameOf;
  },
) {
  const { before, ...filters } = query;
  const hasFilters = Object.values(filters).some((value) => value);
  return page({
    title: "Tasks",
    frame,
    watch: "any",
    body: html`
      <div class="head">
        <h1>Tasks</h1>
        <div class="actions">
        ${tasks.length > 0 && !subjects && actOnChosen("/tasks", filters)}
        <a class="button quiet" href="/users">${icon("person")}People</a>
        </div>
      </div>
      ${filterBar({
        action: "/tasks",
        search: query.q,
        placeholder: "Title, description or id",
        hasFilters,
        selects: [
          {
            name: "phase",
            label: "Any phase",
            value: query.phase,
            choices: phaseChoices(TASK_PHASES),
          },
          ...givenSelect("status", query.status, {
            label: "Ended or not",
            says: "not ended",
          }),
          {
            name: "source",
            label: "Any source",
            value: query.source,
            choices: sourceChoices(sources, query.source),
          },
          {
            name: "assigned_to",
            label: "Anybody",
            value: query.assigned_to,
            choices: people.map(({ id, name }) => ({ value: id, label: name })),
          },
          { name: "since", label: "Any time", value: query.since, choices: SINCE },
          groupSelect(query.group),
          ...batchSelect(query.batch),
        ],
      })}
      <div class="list">
        <button class="pill" data-pill="rows" hidden></button>
        <table>
          <thead>
            <tr>
              ${!subjects && html`
                <th scope="col" class="write"><span class="words">Chosen</span></th>
              `}
              <th scope="col">Phase</th>
              <th scope="col">Task</th>
              <th scope="col">Source</th>
              <th scope="col">Assigned to</th>
              <th scope="col" class="number">Took</th>
              <th scope="col">Created</th>
            </tr>
          </thead>
          <tbody id="rows" data-list data-part>${tasks.map((task) =>
            tableRow(task, nameOf, subjects)
          )}</tbody>
        </table>
        <div id="none" data-part>${tasks.length === 0 && none(hasFilters)}</div>
      </div>
      ${listPages({ things: "tasks", path: "/tasks", filters, before, next, stopped })}
    `,
  });
}

function tableRow(
  task: Task,
  nameOf: NameOf,
  subjects: ReadonlyMap<string, ToldSubject> | undefined,
) {
  const worked = workMsOf(task);
  const subject = subjects?.get(task.subject?.id ?? "");
  return html`
    <tr id="row-${task.id}" class="${task.status === "failed" && "failed"}">
      ${!subjects && html`
        <td class="write choose"><input type="checkbox" name="id" value="${task.id}"
          form="many" aria-label="Choose ${task.title}"></td>
      `}
      <td>${phaseStatus(subject?.phase ?? task.phase)}</td>
      <td
        class="main"><a class="open" href="/tasks/${task.id}" dir="auto" title="${task
          .title}">${task
          .title}</a>${groupLine(subject)}</td>
      <td class="clip"><a class="plain" href="${linkTo("/tasks", {
        source: task.source,
      })}">${nameOf(
        task,
      )}</a></td>
      <td class="clip"><a class="plain" href="${linkTo("/tasks", {
        assigned_to: task.assigned_to.id,
      })}">${task
        .assigned_to.name}</a></td>
      <td class="number">${worked !== undefined &&
        took(worked)}</td>
      <td>${age(task.created_at)}</td>
    </tr>
  `;
}

function none(hasFilters: boolean) {
  return hasFilters
    ? html`
      <div class="nothing">
        <h2>No task matches</h2>
        <p>Choose other filters, or <a href="/tasks">show all tasks</a>.</p>
      </div>
    `
    : html`
      <div class="nothing">
        <h2>No tasks yet</h2>
        <p>Each webhook becomes a task: one line that says what happened. An agent works on it, and
          you read here, step by step, what it did. <a href="/">Send a webhook</a> to see one.</p>
      </div>
    `;
}
