import { html } from "hono/html";
import type { HeardSource } from "../../../lib/monitor/silence/heard.ts";
import { age } from "../parts/time.ts";

/** When people are told that a source sends nothing: by the weeks before, or as somebody says. */
export function silenceCard(
  { name, label, heard, fileHours }: {
    name: string;
    label: string;
    heard?: HeardSource;
    /** As `SOURCES_FILE` has it. */
    fileHours?: number;
  },
) {
  const hours = heard?.tell_after_hours ?? undefined;
  const given = hours ?? fileHours;
  return html`
    <section class="card" aria-labelledby="silence" id="silence-card" data-part>
      <h2 id="silence">When it falls silent</h2>
      ${!heard
        ? html`<p class="said">${label} has sent nothing within the last weeks: there is nothing to
            miss.</p>`
        : html`
          <p class="said">The last message came ${age(heard.last_at)}. ${given !== undefined
            ? html`Somebody is needed after ${given} ${given === 1 ? "hour" : "hours"} without one${
              hours === undefined ? html`, as <code>SOURCES_FILE</code> says` : ""
            }.`
            : "Somebody is needed when it sends nothing in hours in which it has sent in the weeks before; that takes three weeks to learn."}</p>
          <form method="post" action="/sources/${encodeURIComponent(name)}/silence" class="actions">
            <label>Tell after <input name="hours" type="number" min="0.5" max="1440" step="0.5"
              inputmode="decimal" value="${hours ?? ""}"> hours</label>
            <button class="quiet">Save</button>
          </form>
          <p class="hint">Empty: by the weeks before.</p>
        `}
    </section>
  `;
}
