import { html } from "hono/html";
import type { SourceUsage } from "../../../lib/agent/run/usage.ts";
import { linkTo } from "../parts/filters.ts";

/** What models have used for each source, and what its budgets have left. */
export function usageTable(
  { usage, names }: {
    usage?: readonly SourceUsage[];
    names: ReadonlyMap<string, string>;
  },
) {
  if (usage === undefined) {
    return html`<p class="said">No model works here: nothing uses tokens.</p>`;
  }
  if (usage.length === 0) {
    return html`<p class="said">No task has used any. Each source has budgets: tokens in 24 hours, and
      tasks in an hour.</p>`;
  }
  return html`
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col" class="number">Tokens</th>
          <th scope="col" class="number">Left</th>
          <th scope="col" class="number">Tasks this hour</th>
          <th scope="col" class="number">Left</th>
        </tr>
      </thead>
      <tbody>${usage.map(({ source, tokens, tokensLeft, tasks, tasksLeft }) =>
        html`
          <tr>
            <th scope="row"><a class="plain" dir="auto" href="${linkTo("/tasks", {
              source,
            })}">${names.get(source) ?? source}</a></th>
            <td class="number">${count(tokens)}</td>
            <td class="number">${left(tokensLeft)}</td>
            <td class="number">${count(tasks)}</td>
            <td class="number">${left(tasksLeft)}</td>
          </tr>
        `
      )}</tbody>
    </table>
  `;
}

const count = (number: number) => number.toLocaleString("en");

/** A source without any left waits. */
function left(number: number) {
  return number > 0 ? count(number) : html`<span class="wrong">none: it waits</span>`;
}
