import { html } from "hono/html";
import type { Phase } from "../../../lib/message/search/phase.ts";
import { BULK_THINGS, type BulkVerb } from "../../../lib/work/bulk/bulk_action.ts";
import { type Frame, page } from "../page.ts";
import { counted } from "../parts/count.ts";
import { icon } from "../parts/icon.ts";
import { phaseStatus, phaseWord } from "../parts/phase.ts";
import { DONE, ICONS, LABELS, SAYS } from "./words.ts";

/** What can be done to many things at once, as the buttons say it. */
export interface ManyChoice {
  action: BulkVerb;
  /** Of the messages, or of their tasks where these are what it is done to. */
  ids: readonly string[];
  /** What the button says, where not the usual words of the action. */
  label?: string;
}

/** What can be done to more than these, all that match. */
export interface AllChoice {
  filter: Record<string, string>;
  actions: readonly BulkVerb[];
}

const LISTS = { message: "Messages", task: "Tasks" };

/** What a person is asked before many are acted on: how many, whose, and what happens. */
export function manyPage(
  { frame, thing, rows, choices, all, back }: {
    frame: Frame;
    thing: "message" | "task";
    /** The name of each one's source, and where it stands. */
    rows: readonly { name: string; phase: Phase }[];
    choices: readonly ManyChoice[];
    /** Where not all are here that match. */
    all?: AllChoice;
    back: string;
  },
) {
  const count = counted(rows.length, thing);
  return page({
    title: count,
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="${back}">${LISTS[thing]}</a></nav>
      <div class="single card">
        <h1>${all ? `The newest ${count}` : count}</h1>
        <p>${told(rows)}.</p>
        <ul class="choices">${choices.map((each) => choice(each, thing))}</ul>
        ${all && allThatMatch(all, thing)}
        <p><a class="button quiet" href="${back}">Not now</a></p>
      </div>
    `,
  });
}

function choice(
  { action, ids, label = LABELS[action](ids.length.toLocaleString("en")) }: ManyChoice,
  thing: "message" | "task",
) {
  return html`
    <li>
      <form method="post" action="/${thing}s/many/${action}">
        <input type="hidden" name="ids" value="${ids.join(",")}">
        <button class="${action === "delete" && "danger"}">${icon(ICONS[action])}${label}</button>
      </form>
      <p class="hint">${SAYS[action]}</p>
    </li>
  `;
}

/** Otto counts them first, and asks again with their number. */
function allThatMatch({ filter, actions }: AllChoice, thing: "message" | "task") {
  return html`
    <h2>All that match</h2>
    <p>Older ones match too. Otto finds them all, says how many they are, and asks before it begins.</p>
    <form method="post" action="/bulk" class="actions">
      <input type="hidden" name="of" value="${thing}s">
      ${Object.entries(filter).map(([name, value]) =>
        html`<input type="hidden" name="${name}" value="${value}">`
      )}
      ${actions.map((action) =>
        html`<button class="quiet" name="action" value="${action}">${icon(ICONS[action])}${
          thing === "task" && action === "retry" ? "Retry all" : LABELS[action]("all")
        }…</button>`
      )}
    </form>
  `;
}

/** `14 of GitHub; 12 failed, 2 refused`. */
function told(rows: readonly { name: string; phase: Phase }[]): string {
  const count = (of: (row: { name: string; phase: Phase }) => string) =>
    [...Map.groupBy(rows, of)].toSorted((a, b) => b[1].length - a[1].length)
      .map(([name, all]) => `${all.length.toLocaleString("en")} ${name}`).join(", ");
  return `${count(({ name }) => `of ${name}`)}; ${count(({ phase }) => phaseWord(phase))}`;
}

/** What became of them, and of those that were left as they are, why. */
export function manyDonePage(
  { frame, action, acted: { done, refused }, rows = [], back }: {
    frame: Frame;
    action: BulkVerb;
    acted: { done: number; refused: readonly { id: string; message: string }[] };
    /** Some of those that it was done to, where they are still there to look at. */
    rows?: readonly { id: string; title: string; name: string; phase: Phase }[];
    back: "message" | "task";
  },
) {
  const reasons = [...Map.groupBy(refused, ({ message }) => message)];
  const link = html`<a href="/${back}s">${LISTS[back]}</a>`;
  return page({
    title: `${done} ${DONE[action]}`,
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is">${link}</nav>
      <div class="single card">
        <h1>${done.toLocaleString("en")} ${DONE[action]}${refused.length > 0 &&
          `, ${refused.length.toLocaleString("en")} left as they are`}</h1>
        ${rows.length > 0 &&
          html`<ul class="plain-list">${
            rows.map(({ id, title, name, phase }) =>
              html`
                <li>${phaseStatus(phase)} <a href="/messages/${id}" dir="auto">${title}</a>
                  <span class="hint">${name}</span></li>
              `
            )
          }</ul>`}
        ${rows.length > 0 && done > rows.length &&
          html`<p class="hint">and ${(done - rows.length).toLocaleString("en")} more</p>`}
        ${reasons.length > 0 && html`<ul class="plain-list">${
          reasons.map(([message, all]) =>
            html`
              <li>
                <p dir="auto">${all.length.toLocaleString("en")} ×
                  <a href="/${BULK_THINGS[action]}s/${all[0].id}">${message}</a></p>
              </li>
            `
          )
        }</ul>`}
        <p><a class="button" href="/${back}s">${LISTS[back]}</a></p>
      </div>
    `,
  });
}
