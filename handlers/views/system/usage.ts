import { html } from "hono/html";
import type { SourceUsage, SubjectUsage } from "../../../lib/agent/run/usage.ts";
import { linkTo } from "../parts/filters.ts";
import { money } from "../parts/money.ts";

/** What models have used for each source, and what its budgets have left. */
export function usageTable(
  { usage, subjects = [], currency, names }: {
    usage?: readonly SourceUsage[];
    /** Those that have a budget of their own: its tokens. */
    subjects?: readonly SubjectUsage[];
    /** Of the model's price, where one is set. */
    currency?: string;
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
          ${currency && html`
            <th scope="col" class="number">Money</th>
            <th scope="col" class="number">Left</th>
          `}
          <th scope="col" class="number">Tasks this hour</th>
          <th scope="col" class="number">Left</th>
        </tr>
      </thead>
      <tbody>${usage.map((used) =>
        html`
          <tr>
            <th scope="row">${used.source === undefined
              ? "All sources"
              : html`<a class="plain" dir="auto" href="${
                linkTo("/tasks", { source: used.source })
              }">${names.get(used.source) ?? used.source}</a>`}</th>
            <td class="number">${count(used.tokens)}</td>
            <td class="number">${left(used.tokensLeft, count)}</td>
            ${currency && html`
              <td class="number">${money(used.money, currency)}</td>
              <td class="number">${left(used.moneyLeft, (amount) => money(amount, currency))}</td>
            `}
            <td class="number">${count(used.tasks)}</td>
            <td class="number">${left(used.tasksLeft, count)}</td>
          </tr>
        `
      )}${subjects.map(({ id, name, tokens, tokensLeft }) =>
        html`
          <tr>
            <th scope="row"><a class="plain" dir="auto" href="/subjects/${id}">${name}</a></th>
            <td class="number">${count(tokens)}</td>
            <td class="number">${left(tokensLeft, count)}</td>
            ${currency && html`
              <td></td>
              <td></td>
            `}
            <td></td>
            <td></td>
          </tr>
        `
      )}</tbody>
    </table>
  `;
}

const count = (number: number) => number.toLocaleString("en");

/** A source without any left waits. */
function left(amount: number | undefined, shown: (amount: number) => string) {
  if (amount === undefined) return "no limit";
  return amount > 0 ? shown(amount) : html`<span class="wrong">none: it waits</span>`;
}
