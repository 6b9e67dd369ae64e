import { html } from "hono/html";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { Task } from "../../../lib/task/task.ts";
import type { TrialBatch } from "../../../lib/task/trial/batch.ts";
import type { Trial } from "../../../lib/task/trial/trial.ts";
import { type Frame, type Html, page } from "../page.ts";
import { counted } from "../parts/count.ts";
import { phaseStatus } from "../parts/phase.ts";
import { age } from "../parts/time.ts";
import { TRIAL_SAYS, type TrialChoices, trialForm } from "./form.ts";
import { cameTo, isOpen, trialStatus } from "./list.ts";

/** As many as most people want to see, and few enough to be paid for. */
const USUAL_COUNT = 10;

/** A trial of a batch, beside what really came of its message. */
export interface BatchRow {
  trial: Trial;
  title: string;
  /** Undefined where there was none. */
  task?: Task;
}

/** `/sources/{name}/trials`: its newest messages tried together, and what came of each. */
export function sourceTrials({ frame, name, label, choices, batches, batch, rows, problem }: {
  frame: Frame;
  name: string;
  label: string;
  choices?: TrialChoices;
  /** The newest ones. */
  batches: readonly TrialBatch[];
  /** The one that is shown. */
  batch?: string;
  rows: readonly BatchRow[];
  problem?: { message: string; hint: string };
}) {
  return page({
    title: `Trials of ${label}`,
    frame,
    refreshSeconds: rows.some(({ trial }) => isOpen(trial)) ? 3 : undefined,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/sources/${name}">${label}</a></nav>
      <div class="head">
        <div>
          <h1>Try with another instruction</h1>
          <p class="meta">${batch
            ? counted(rows.length, "message")
            : "The newest messages, all with the same"}</p>
        </div>
        ${batch && html`
          <div class="actions">
            <a class="button quiet write" href="/sources/${name}/trials">Try again…</a>
          </div>
        `}
      </div>
      ${problem &&
        html`<p class="note" role="status"><strong>${problem.message}.</strong> ${problem.hint}.</p>`}
      ${batch ? batchTable(rows) : html`
        <div class="two">
          <div>${choices && html`
            <p class="hint lead">${TRIAL_SAYS}</p>
            ${trialForm({ action: `/sources/${name}/trials`, choices, count: USUAL_COUNT })}
          `}</div>
          <div>${batchCard(name, batches)}</div>
        </div>
      `}
    `,
  });
}

function batchTable(rows: readonly BatchRow[]): Html {
  const [first] = rows;
  return html`
    ${first && html`
      <section class="card" aria-labelledby="tried-with">
        <h2 id="tried-with">Tried with ${first.trial.model}</h2>
        ${!first.trial.instruction
          ? html`<p class="said">${
            first.trial.instruction === null ? "The source's own instruction" : "No instruction"
          }</p>`
          : html`<pre dir="auto" tabindex="0" role="group" aria-label="Instruction">${first.trial.instruction}</pre>`}
      </section>
    `}
    <div class="list">
      <table class="batch">
        <thead>
          <tr>
            <th scope="col">Message</th>
            <th scope="col">What really came of it</th>
            <th scope="col">The trial</th>
          </tr>
        </thead>
        <tbody>${rows.map(batchRow)}</tbody>
      </table>
      ${rows.length === 0 && html`
        <div class="nothing">
          <h2>Nothing is left of it</h2>
          <p>Trials go with their messages' bodies.</p>
        </div>
      `}
    </div>
  `;
}

function batchRow({ trial, title, task }: BatchRow): Html {
  const real = task?.error?.message ?? (task?.result ? firstLine(task.result.text) : "");
  return html`
    <tr>
      <td class="main"><a class="open" href="/trials/${trial.id}" dir="auto">${title}</a></td>
      <td class="came" data-say="Really:">${task
        ? html`${phaseStatus(task.phase)} <span dir="auto">${real}</span>`
        : html`<span class="soft">No task</span>`}</td>
      <td class="came" data-say="Trial:">${trialStatus(trial)} <span dir="auto">${cameTo(
        trial,
      )}</span></td>
    </tr>
  `;
}

function batchCard(name: string, batches: readonly TrialBatch[]): Html {
  return html`
    <section class="card" aria-labelledby="tried">
      <h2 id="tried">Tried before</h2>
      ${batches.length === 0
        ? html`<p class="said">Nothing yet.</p>`
        : html`<ul class="plain-list">${
          batches.map(({ id, model, count, at }) =>
            html`<li><a href="/sources/${name}/trials?batch=${id}">${
              counted(count, "message")
            }</a> ${model} ${age(at)}</li>`
          )
        }</ul>`}
    </section>
  `;
}
