import { html } from "hono/html";
import { linkTo } from "./filters.ts";
import { icon } from "./icon.ts";

/** The buttons over a list at `path` whose rows have check boxes of the form `many`. */
export function actOnChosen(path: string, filters: Record<string, string | undefined>) {
  const hasFilters = Object.values(filters).some((value) => value);
  return html`
    <form id="many" method="get" action="${path}/many" class="actions write">
      <button class="quiet">${icon("done")}Act on chosen…</button>
      ${hasFilters &&
        html`<a class="button quiet" href="${linkTo(`${path}/many`, filters)}">All that match…</a>`}
    </form>
  `;
}
