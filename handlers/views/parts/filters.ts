import { html } from "hono/html";
import type { Html } from "../page.ts";

/** A choice in a filter bar, with the value that its link or option stands for. */
export interface Choice {
  value: string;
  label: string;
}

/** One drop-down list of a filter bar. */
export interface Select {
  name: string;
  label: string;
  value: string | undefined;
  choices: readonly Choice[];
}

/** The bar above a list: its fields are the page's query, so that a search is a link. */
export function filterBar(
  { action, search, placeholder, selects, hasFilters, more }: {
    action: string;
    search: string | undefined;
    placeholder: string;
    selects: Select[];
    hasFilters: boolean;
    more?: Html;
  },
) {
  return html`
    <form class="filters always" method="get" action="${action}" role="search">
      <label class="grow"><span class="words">Search</span>
        <input type="search" name="q" value="${search ?? ""}" placeholder="${placeholder}"
          maxlength="200" data-key="/"></label>
      ${selects.map(select)}
      <button>Filter</button>
      ${hasFilters && html`<a class="button" href="${action}">Clear</a>`}
      ${more}
    </form>
  `;
}

function select({ name, label, value, choices }: Select) {
  return html`
    <label><span class="words">${label}</span>
      <select name="${name}" class="${value !== undefined && "chosen"}">
        <option value="">${label}</option>
        ${choices.map((choice) =>
          html`
            <option value="${choice.value}" ${choice.value === value
              ? html`
                selected
              `
              : ""}>${choice.label}</option>
          `
        )}
      </select></label>
  `;
}

/** The choice between one value and everything, for those who came by a link that has it. */
export function givenSelect(
  name: string,
  value: string | undefined,
  { label, says }: { label: string; says: string },
): Select[] {
  return value === undefined ? [] : [{ name, label, value, choices: [{ value, label: says }] }];
}

/** Whether a list has one row for each subject. */
export const groupSelect = (group: "subject" | undefined): Select => ({
  name: "group",
  label: "Each by itself",
  value: group,
  choices: [{ value: "subject", label: "By subject" }],
});

/** The same for the replays of one batch. */
export const batchSelect = (batch: string | undefined): Select[] =>
  givenSelect("batch", batch, { label: "Replays or not", says: "These replays" });

/** How far back to look. */
export const SINCE: readonly Choice[] = [
  { value: "1h", label: "Last hour" },
  { value: "24h", label: "Last 24 hours" },
  { value: "7d", label: "Last 7 days" },
  { value: "30d", label: "Last 30 days" },
];

/** The same, and whatever time is chosen now. */
export function sinceChoices(chosen: string | undefined): readonly Choice[] {
  return !chosen || SINCE.some(({ value }) => value === chosen)
    ? SINCE
    : [{ value: chosen, label: `since ${sayTime(chosen)}` }, ...SINCE];
}

/** An exact time in a URL, which is UTC where it names no zone; undefined for all others. */
export function timeIn(text: string | undefined): Date | undefined {
  if (text === undefined || !/^\d{4}-/.test(text)) return undefined;
  const isLocal = text.includes("T") && !/(?:Z|[+-]\d\d:\d\d)$/.test(text);
  const time = new Date(isLocal ? `${text}Z` : text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** A time in a URL, for people; what is none stays as it is. */
export function sayTime(text: string | undefined): string {
  const time = timeIn(text);
  return time ? `${time.toISOString().slice(0, 16).replace("T", " ")} UTC` : text ?? "";
}

/** A path with these parameters; those without a value are left out. */
export function linkTo(path: string, query: Record<string, string | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) parameters.set(name, value);
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}
