import { html } from "hono/html";
import { layOutJson, showUnseen } from "../../../sources/kit/json_layout.ts";
import type { Trial, WholeTrial } from "../../../lib/task/trial/trial.ts";
import { copyButton } from "../parts/copy.ts";
import { counted } from "../parts/count.ts";
import { markdown } from "../parts/markdown.ts";
import { money } from "../parts/money.ts";
import { phaseStatus } from "../parts/phase.ts";
import { status } from "../parts/status.ts";
import { took } from "../parts/time.ts";
import { type Frame, type Html, page } from "../page.ts";
import { cameTo, isOpen, trialStatus } from "./list.ts";
import type { ToldCall, ToldRun } from "./told.ts";

/** What the page of a trial is made of. */
export interface TrialPage {
  frame: Frame;
  trial: WholeTrial;
  /** Under which its source has a page. */
  sourceName: string;
  /** Of the message. */
  title: string;
  /** What really came of it, or another trial; undefined where there was no task. */
  left?: ToldRun;
  right: ToldRun;
  /** Why there was no task. */
  noTask?: string | null;
  /** The other trials of the message. */
  others: readonly Trial[];
  /** The one it is compared with, where it is a trial. */
  against?: string;
  /** Whether there is a task to be compared with. */
  hasTask: boolean;
  /** What to write where, to keep what was tried. */
  keep: readonly KeptSetting[];
}

/** A setting, and what to write there. */
export interface KeptSetting {
  where: string;
  text: string;
}

/** `/trials/{id}`: side by side with what really came of it, or with another trial. */
export function trialPage(all: TrialPage) {
  const { frame, trial, sourceName, title, left, right, noTask } = all;
  const { id, message_id } = trial;
  return page({
    title: "Trial",
    frame,
    refreshSeconds: isOpen(trial) ? 3 : undefined,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a
        href="/messages/${message_id}">Message</a> <a
        href="/messages/${message_id}/trials">Trials</a>${trial.batch_id && html`
          <a href="/sources/${sourceName}/trials?batch=${trial.batch_id}">Those begun with it</a>
        `}</nav>
      <div class="head">
        <div>
          <h1 dir="auto">${title}</h1>
          <p class="meta">${trialStatus(trial)}<span>Asked for by ${trial.requested_by}</span></p>
        </div>
        <div class="actions">
          ${isOpen(trial) && html`
            <form method="post" action="/trials/${id}/cancel">
              <button class="quiet">Cancel</button>
            </form>
          `}
          <a class="button quiet write" href="/messages/${message_id}/trials">Try again…</a>
        </div>
      </div>
      ${isOpen(trial) && html`
        <p class="note" role="status">${trial.status === "running"
          ? "A worker has it in hand."
          : trial.waits_for
          ? html`It waits: <span dir="auto">${trial.waits_for}</span>.`
          : "It waits for a worker."} This page reads itself anew.</p>
      `}
      ${left
        ? comparison(left, right)
        : html`<p class="note">No task was made of the message${
          noTask &&
          html`: <span dir="auto">${noTask}</span>`
        }. So there is nothing to compare with.</p>
          ${comparison(undefined, right)}`}
      <div class="two">
        <div>${keepCard(all)}</div>
        <div>${othersCard(all)}</div>
      </div>
    `,
  });
}

/** The rows of the comparison; those that differ say so. */
function comparison(left: ToldRun | undefined, right: ToldRun): Html {
  const isSame = (pick: (run: ToldRun) => unknown) =>
    left?.isOver && right.isOver
      ? JSON.stringify(pick(left)) === JSON.stringify(pick(right))
      : undefined;
  const row = (
    label: string,
    shown: (run: ToldRun, other?: ToldRun) => Html | string,
    same?: boolean,
  ) =>
    html`
      <tr class="${same === false && "differs"}">
        <th scope="row">${label}${same !== undefined &&
          html`
            <span class="badge">${same ? "same" : "differs"}</span>
          `}</th>
        ${left && html`<td data-say="${left.title}">${shown(left, right)}</td>`}
        <td data-say="${right.title}">${shown(right, left)}</td>
      </tr>
    `;
  return html`
    <div class="card scroll" tabindex="0" role="group" aria-label="Side by side">
      <h2 class="words">Compared</h2>
      <table class="compare">
        <thead>
          <tr>
            <th scope="col"><span class="words">What</span></th>
            ${left && html`<th scope="col"><a href="${left.path}">${left.title}</a></th>`}
            <th scope="col">${right.title}</th>
          </tr>
        </thead>
        <tbody>
          ${row("Phase", (run) => phaseStatus(run.phase), isSame((run) => run.phase))}
          ${row("Result", resultOf, isSame((run) => run.result ?? run.error))}
          ${row("Tools", callsOf, isSame((run) => run.calls.map(({ key }) => key)))}
          ${row("Model", (run) => run.model ?? "not known", isSame((run) => run.model))}
          ${row("Instruction", instructionOf, isSameInstruction(left, right))}
          ${row("Steps", (run) => run.steps.toLocaleString("en"), isSame((run) => run.steps))}
          ${row("Tokens", (run) => run.tokens.toLocaleString("en"))}
          ${row("Money", (run) => run.money ? money(run.money.amount, run.money.currency) : "–")}
          ${row("Time with the model", (run) => run.steps > 0 ? took(run.ms) : "–")}
        </tbody>
      </table>
    </div>
  `;
}

/** Undefined where one is not known. */
function isSameInstruction(left: ToldRun | undefined, right: ToldRun): boolean | undefined {
  if (typeof left?.instruction !== "string" || right.instruction === null) return undefined;
  return left.instruction.trim() === right.instruction.trim();
}

function resultOf({ result, error }: ToldRun): Html | string {
  if (error !== null) return html`<div class="error">${markdown(error)}</div>`;
  return result === null ? html`<span class="soft">None yet</span>` : markdown(result);
}

function instructionOf({ instruction, isOwn, isOver }: ToldRun): Html {
  if (instruction === null) {
    return html`<span class="soft">${isOver ? "not known" : "The source's own"}</span>`;
  }
  return html`
    ${isOwn && html`<p class="soft">The source's own${instruction === "" && ": none"}</p>`}
    ${instruction === "" && !isOwn && html`<span class="soft">None</span>`}
    ${instruction !== "" &&
      html`<pre dir="auto" tabindex="0" role="group" aria-label="Instruction">${instruction}</pre>`}
  `;
}

/** The calls of one side; what the other has not done, or would not have, is marked. */
function callsOf({ calls, isOver }: ToldRun, other?: ToldRun): Html {
  if (calls.length === 0) return html`<span class="soft">${isOver ? "None" : "None yet"}</span>`;
  const left = isOver && other?.isOver ? countKeys(other.calls) : undefined;
  return html`
    <ol class="calls">${calls.map((call) => {
      const isOnly = left !== undefined && !take(left, call.key);
      return html`<li class="${isOnly && "only"}">${callLine(call, isOnly)}</li>`;
    })}</ol>
  `;
}

const VERDICTS: Record<ToldCall["verdict"], [word: string, tone: "done" | "failed" | "active"]> = {
  called: ["called", "done"],
  would: ["would have", "active"],
  refused: ["refused", "failed"],
  asked: ["asked a person", "active"],
};

function callLine({ tool, arguments: args, verdict, reason, error }: ToldCall, isOnly: boolean) {
  const [word, tone] = error ? ["failed", "failed"] as const : VERDICTS[verdict];
  return html`
    <p>${status(word, tone)} <code>${tool}</code>${isOnly &&
      html`
        <span class="badge">only here</span>
      `}</p>
    ${args !== null && html`
      <pre dir="auto" tabindex="0" role="group"
        aria-label="Arguments of ${tool}">${showUnseen(layOutJson(args, 1))}</pre>
    `}
    ${(error ?? (verdict === "refused" ? reason : undefined)) &&
      html`<p class="soft" dir="auto">${error ?? reason}</p>`}
  `;
}

function countKeys(calls: readonly ToldCall[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of calls) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Whether the other side has one more of it. */
function take(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0;
  if (count > 0) counts.set(key, count - 1);
  return count > 0;
}

function keepCard({ keep }: TrialPage): Html {
  return html`
    <section class="card" aria-labelledby="keep">
      <h2 id="keep">To keep this</h2>
      ${keep.length === 0
        ? html`<p class="said">Nothing is to be written: it was tried as the source is set.</p>`
        : keep.map(({ where, text }, at) =>
          html`
            <p class="said">Write this into <code>${where}</code>, with what stands there already,
              and start Otto anew: ${copyButton(`keep-${at}`)}</p>
            <pre id="keep-${at}" dir="auto" tabindex="0" role="group"
              aria-label="${where}">${text}</pre>
          `
        )}
    </section>
  `;
}

function othersCard({ trial, others, against, hasTask }: TrialPage): Html {
  return html`
    <section class="card" aria-labelledby="others">
      <h2 id="others">Compare with</h2>
      <ul class="plain-list compare-with">
        ${hasTask && html`
          <li><a href="/trials/${trial.id}"
            aria-current="${against ? "false" : "true"}">What really came of it</a></li>
        `}
        ${others.map((other) =>
          html`
            <li><a href="/trials/${trial.id}?with=${other.id}" aria-current="${other.id === against
              ? "true"
              : "false"}">${trialStatus(other)} ${other.model}</a>
              <p class="soft" dir="auto">${cameTo(other)}</p></li>
          `
        )}
      </ul>
      ${!hasTask && others.length === 0 &&
        html`<p class="said">There is no other trial of this message yet.</p>`}
      ${others.length > 0 && html`<p class="hint">${counted(others.length, "other trial")}</p>`}
    </section>
  `;
}
