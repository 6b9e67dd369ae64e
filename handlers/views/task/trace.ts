import { html } from "hono/html";
import type { Task, TaskEvent } from "../../../lib/task/task.ts";
import { counted } from "../parts/count.ts";
import { markdown } from "../parts/markdown.ts";
import { money } from "../parts/money.ts";
import type { Html } from "../page.ts";
import { age, took } from "../parts/time.ts";
import { dataOf, said } from "./event_words.ts";
import { spansOf } from "./spans.ts";
import { waterfall } from "./waterfall.ts";

/** More earlier runs are not shown: who tries so often looks at the newest. */
const MOST_EARLIER = 20;

/** What an agent did on a task: the present run, and below it those before, newest first. */
export function trace(task: Task, events: readonly TaskEvent[], now: number): Html {
  const runs = runsOf(events);
  const newest = runs.at(-1) ?? [];
  const earlier = runs.slice(0, -1).reverse();
  return html`
    ${waterfall(spansOf(task, newest, now))}${totals(newest)}
    ${earlier.slice(0, MOST_EARLIER).map((run, index) =>
      earlierRun(task, run, earlier.length - index)
    )}
    ${earlier.length > MOST_EARLIER &&
      html`<p class="hint">There were ${
        counted(earlier.length - MOST_EARLIER, "more run")
      } before these.</p>`}
  `;
}

/** A timeline in runs: somebody who tries a task again begins another. */
function runsOf(events: readonly TaskEvent[]): TaskEvent[][] {
  const runs: TaskEvent[][] = [[]];
  for (const event of events) {
    if (event.kind === "retried") runs.push([]);
    runs.at(-1)!.push(event);
  }
  return runs;
}

function earlierRun(task: Task, events: readonly TaskEvent[], number: number): Html {
  const last = events.at(-1);
  if (!last) return html``;
  // It ended with its last entry, whatever the task does now.
  const ended = { ...task, status: "failed" as const, finished_at: last.at };
  const { what, detail } = said(last);
  return html`
    <details class="run">
      <summary>Run ${number}: ${what.toLowerCase()} ${age(last.at)}</summary>
      ${detail && html`<div class="error">${markdown(detail)}</div>`}
      ${waterfall(spansOf(ended, events, last.at.getTime()))}${totals(events)}
    </details>
  `;
}

function totals(events: readonly TaskEvent[]): Html | string {
  const of = (wanted: string) => events.filter(({ kind }) => kind === wanted).map(dataOf);
  const [steps, lost, knocks] = [of("step"), of("call_lost"), of("knocked")];
  const all = [...steps, ...lost, ...knocks];
  if (all.length === 0) return "";
  const sum = (name: string, of = all) =>
    of.reduce((sum, each) => sum + (Number(each[name]) || 0), 0);
  const [input, output] = [sum("input_tokens"), sum("output_tokens")];
  const [gone, knocked] = [sum("tokens", lost), sum("tokens", knocks)];
  const count = (number: number) => number.toLocaleString("en");
  const parts = [
    `${count(input)} in`,
    `${count(output)} out`,
    ...(gone > 0 ? [`${count(gone)} at most of ${counted(lost.length, "lost call")}`] : []),
    ...(knocked > 0 ? [`${count(knocked)} to see whether anybody is there`] : []),
  ];
  return html`
    <p
      class="hint">${counted(steps.length, "model step")}, ${counted(
        input + output + gone + knocked,
        "token",
      )} (${parts.join(", ")})${cost(all)}, ${took(
        sum("ms"),
      )} with the model</p>
  `;
}

/** What the steps cost, where a price was set; a price that changed its currency is not added up. */
function cost(steps: readonly Record<string, unknown>[]): string {
  const currencies = new Set(steps.flatMap(({ currency }) => currency ?? []));
  const [currency] = currencies;
  if (currencies.size !== 1 || typeof currency !== "string") return "";
  const micros = steps.reduce((all, step) => all + (Number(step.micros) || 0), 0);
  return `, ${money(micros / 1_000_000, currency)}`;
}
