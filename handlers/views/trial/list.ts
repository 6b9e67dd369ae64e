import { html } from "hono/html";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { Trial } from "../../../lib/task/trial/trial.ts";
import type { WholeMessage } from "../../../lib/message/message.ts";
import type { Frame, Html } from "../page.ts";
import { page } from "../page.ts";
import { phaseStatus } from "../parts/phase.ts";
import { age } from "../parts/time.ts";
import { TRIAL_SAYS, type TrialChoices, trialForm } from "./form.ts";
import { trialPhase } from "./told.ts";

/** `/messages/{id}/trials`: a message to be tried, and what was tried with it. */
export function messageTrials(
  { frame, message, sourceName, choices, trials, problem }: {
    frame: Frame;
    message: WholeMessage;
    sourceName: string;
    /** Undefined where it cannot be tried. */
    choices?: TrialChoices;
    trials: readonly Trial[];
    /** Why it cannot be tried. */
    problem?: { message: string; hint: string };
  },
) {
  const { message_id: id, title } = message;
  return page({
    title: "Try with another instruction",
    frame,
    refreshSeconds: choices === undefined && trials.some(isOpen) ? 3 : undefined,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/messages/${id}">Message</a></nav>
      <div class="head">
        <div>
          <h1>Try with another instruction</h1>
          <p class="meta"><span dir="auto">${title ?? `${sourceName} webhook`}</span></p>
        </div>
      </div>
      ${problem &&
        html`<p class="note" role="status"><strong>${problem.message}.</strong> ${problem.hint}.</p>`}
      <div class="two">
        <div>
          ${choices && html`
            <p class="hint lead">${TRIAL_SAYS}</p>
            ${trialForm({ action: `/messages/${id}/trials`, choices })}
          `}
        </div>
        <div>
          <section class="card" aria-labelledby="tried">
            <h2 id="tried">Tried before</h2>
            ${trials.length === 0
              ? html`<p class="said">Nothing yet.</p>`
              : html`<ul class="plain-list">${trials.map(trialLine)}</ul>`}
          </section>
        </div>
      </div>
    `,
  });
}

export const isOpen = ({ finished_at }: Trial): boolean => finished_at === null;

function trialLine(trial: Trial): Html {
  return html`
    <li><a href="/trials/${trial.id}">${trialStatus(trial)}</a> ${trial.model} ${age(
      trial.created_at,
    )}
      ${cameTo(trial) && html`<p class="soft" dir="auto">${cameTo(trial)}</p>`}</li>
  `;
}

export const trialStatus = (trial: Trial): Html => phaseStatus(trialPhase(trial));

/** What a trial came to, in a line. */
export function cameTo({ result, error, waits_for }: Trial): string {
  return error?.message ?? (result ? firstLine(result.text) : waits_for ?? "");
}
