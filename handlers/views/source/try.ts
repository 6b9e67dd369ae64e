import { html } from "hono/html";
import { explainedSteps, type ExplainedWebhook } from "../message/explain.ts";
import { type Frame, page } from "../page.ts";

/** What somebody has typed, or begins with. */
export interface Typed {
  /** A line each, as in a request. */
  headers: string;
  body: string;
  /** It was taken from a message, whose secrets are not in it. */
  isMasked?: boolean;
}

/** `/sources/{type}/try`: a payload pasted in, and what Otto would make of it. */
export function tryPage({ frame, type, typed, fault, explanation }: {
  frame: Frame;
  type: string;
  typed: Typed;
  fault?: string;
  explanation?: ExplainedWebhook;
}) {
  return page({
    title: `Try a payload as ${type}`,
    frame,
    body: html`
            <nav class="crumbs" aria-label="Where this is"><a href="/sources">Sources</a></nav>
            <div class="head">
        <h1>Try a payload as <code>${type}</code></h1>
      </div>
            <p
        class="hint lead">Paste what a sender sends. Otto says what it would make of it by the secrets and
              rules of now, and keeps nothing.</p>
            ${fault && html`<p class="note failed" role="alert" dir="auto">${fault}</p>`}
            <div class="two even trying">
        <form class="card edit" method="post" action="/sources/${type}/try">
                <label>Headers, a line each
                  ${area("headers", 5, typed.headers)}</label>
                ${typed.isMasked && html`
                  <p class="hint">Those that hold secrets are left out: the signature is missing, unless you
                    paste it.</p>
                `}
                <label>Body
                  ${area("body", 16, typed.body)}</label>
                <button>Explain</button>
              </form>
        <div>${explanation
          ? explainedSteps(explanation)
          : html`<p class="card said">Source, event, title, the filter's verdict, the group and the
            verification stand here then.</p>`}</div>
      </div>
    `,
  });
}

/** The first line break in it is none to a browser. */
function area(name: string, rows: number, text: string) {
  return html`
    <textarea name="${name}" rows="${rows}" spellcheck="false"
      dir="auto">${"\n"}${text}</textarea>
  `;
}
