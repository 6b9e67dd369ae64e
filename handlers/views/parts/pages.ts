import { html } from "hono/html";
import type { SearchStop } from "../../../lib/store/walk.ts";
import type { Html } from "../page.ts";
import { linkTo } from "./filters.ts";
import { age } from "./time.ts";

/** What the links between a list's pages say; a search that stopped goes `further`. */
interface PageWords {
  first: string;
  next: string;
  further?: string;
}

const BY_AGE: PageWords = { first: "Newest", next: "Older", further: "Look further back" };

/** Where the pages of a list begin and go on, and how far it was looked for what is on this one. */
export function listPages(
  { things, of = things, path, filters = {}, before, next, stopped, words = BY_AGE }: {
    /** What is listed: "messages". */
    things: string;
    /** What the whole list is called, where it has a name of its own. */
    of?: string;
    path: string;
    filters?: Record<string, string | undefined>;
    /** Where this page begins; without it, it is the first. */
    before?: string;
    /** Where the next one begins, if there is one. */
    next?: string;
    stopped?: SearchStop;
    words?: PageWords;
  },
): Html {
  return html`
    <nav class="pages" id="pages" aria-label="Pages of ${of}" data-part>
      ${before && html`<a href="${linkTo(path, filters)}">${words.first}</a>`}
      ${stopped && stoppedAt(stopped, things)}
      ${next &&
        html`<a rel="next" href="${linkTo(path, { ...filters, before: next })}">${
          stopped ? words.further : words.next
        }</a>`}
    </nav>
  `;
}

function stoppedAt({ looked, to }: SearchStop, things: string): Html {
  return html`<span>Looked through ${looked.toLocaleString("en")} ${things}, the oldest of ${
    age(to)
  }</span>`;
}
