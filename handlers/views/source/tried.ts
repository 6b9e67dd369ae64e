import { html } from "hono/html";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import { counted } from "../parts/count.ts";
import { type Frame, page } from "../page.ts";
import { status } from "../parts/status.ts";
import { tryForm } from "./secrets.ts";

/** What a value has opened of what was refused. */
export interface Tried {
  tried: number;
  opens: number;
  outside_window: number;
  untried: number;
  why: string | null;
}

/** What came of trying a value; the value is not on it. */
export function triedPage(
  { frame, info, tried }: { frame: Frame; info: SourceInfo; tried: Tried },
) {
  const { name, label } = info;
  return page({
    title: `A secret of ${label}`,
    frame,
    body: html`
      <nav class="crumbs"
        aria-label="Where this is"><a href="/sources/${name}" dir="auto">${label}</a></nav>
      <div class="head">
        <h1>Trying a secret of ${label}</h1>
      </div>
      <section class="card single" aria-labelledby="result">
        <h2 id="result">${verdict(tried)}</h2>
        ${tried.outside_window > 0 && html`
          <p
            class="said">The time of ${counted(
              tried.outside_window,
              "message",
            )} was outside the window when it came: look at the clocks, too.</p>
        `}
        ${tried.untried > 0 && html`
          <p
            class="said">${counted(
              tried.untried,
              "message",
            )} could not be tried: the body was too large to keep, or it took too long.</p>
        `}
        ${tried.why !== null && tried.tried > 0 &&
          html`<p class="error" dir="auto">${
            tried.opens > 0 ? "Of the others: " : ""
          }${tried.why}</p>`}
        ${tried.opens > 0 && next(info)}
        ${tryForm(info)}
      </section>
    `,
  });
}

function verdict({ tried, opens }: Tried) {
  if (tried === 0) return html`${status("nothing to try it on", "none")}`;
  return opens === 0
    ? html`${status("none", "failed")} It opens none of ${tried}`
    : html`${status("right", "done")} It opens ${opens} of ${tried}`;
}

function next({ name, variable }: SourceInfo) {
  return html`
    <ol class="setup">
      <li>Add it to <code>${variable}</code>, after a comma where one is set, and start Otto again;
        <code>SECRETS_FILE</code> is read again by itself.</li>
      <li><a href="/messages?source=${name}&amp;phase=refused">Verify again and release</a> what was
        refused.</li>
    </ol>
  `;
}
