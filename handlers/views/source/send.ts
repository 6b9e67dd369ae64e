import { html } from "hono/html";
import type { Sampled } from "../../../sources/kit/sample.ts";

/** More buttons would be a crowd; the others are at `/sources`. */
const MOST_BUTTONS = 6;
/** Each is a line of text below the buttons. */
const MOST_HINTS = 2;

/** The ways to send a webhook from here: a command to copy, and buttons. */
export function sendForms({ url, sampled, id }: { url: string; sampled: Sampled[]; id: string }) {
  const ready = sampled.filter((each) => !each.missing);
  const missing = sampled.filter((each) => each.missing).slice(0, MOST_HINTS);
  // The last one is for all the systems that Otto does not know.
  const buttons = ready.length > MOST_BUTTONS
    ? [...ready.slice(0, MOST_BUTTONS - 1), ready.at(-1)!]
    : ready;
  return html`
    <div class="curl">
      <pre tabindex="0" aria-label="Command"><code id="${id}">${curl(url)}</code></pre>
      <button class="quiet" data-copy="${id}" hidden>Copy</button>
    </div>
    <div class="write">
    <p class="ask">Nothing at hand? Send a sample:</p>
    <div class="samples">
      ${buttons.map(({ name, label }) =>
        html`
          <form method="post" action="/samples" data-quiet>
            <input type="hidden" name="source" value="${name}">
            <button class="quiet"><span class="words">Send a sample: </span>${label}</button>
          </form>
        `
      )}
      ${ready.length > buttons.length &&
        html`<a class="more-samples" href="/sources">${ready.length - buttons.length} more</a>`}
    </div>
    ${missing.map(({ label, missing }) =>
      html`<p class="hint">${label} can be tried once <code>${missing}</code> is set.</p>`
    )}
    </div>
  `;
}

function curl(url: string): string {
  return `curl -X POST ${url} \\\n  -H 'content-type: application/json' \\\n  -d '{"title":"hello"}'`;
}
