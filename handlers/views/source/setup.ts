import { html } from "hono/html";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import { marked } from "../parts/marked.ts";
import { age } from "../parts/time.ts";

/** A secret that came with a handshake, and from where. */
export interface OfferedNote {
  secret: string;
  client_ip: string;
  at: Date;
}

/** The secrets that senders brought along. */
export function offeredNotes({ variable }: SourceInfo, offered: readonly OfferedNote[]) {
  return html`
    <div id="offered" data-part>${offered.map(({ secret, client_ip, at }) =>
      html`<p class="note"><strong>A secret came with a handshake</strong> ${age(at)} from
          ${client_ip}: <code>${secret}</code>. If you set this webhook up just now, set
          <code>${variable}</code> to it and start Otto again. If not, somebody else sent it:
          ignore it.</p>`
    )}</div>
  `;
}

/** Where its webhooks go, and what to do there. */
export function urlCard(info: SourceInfo, url: string) {
  return html`
    <section class="card" aria-labelledby="url"><h2 id="url">Webhook URL</h2>
      ${copied("its-url", url, "URL")}
      ${steps(info)}
    </section>
  `;
}

/** A text to copy. */
export function copied(id: string, text: string, label: string) {
  return html`<div class="curl"><pre tabindex="0" role="group" aria-label="${label}"><code
    id="${id}">${text}</code></pre><button class="quiet" data-copy="${id}"
    hidden>Copy</button></div>`;
}

/** The vendor's own steps, in order. */
export function steps({ label, variable, source, isKnown }: SourceInfo) {
  return html`
    <ol class="setup">
      ${variable && source.verify &&
        html`<li>Set <code>${variable}</code> where Otto runs to the signing
        secret${
          source.secretRequired ? "" : ", so that nobody else can send in its name"
        }, and start
        Otto again. Several secrets, separated by commas, while you change one for another.</li>`}
      <li>${source.setup
        ? html`At ${label}: ${marked(source.setup)}`
        : html`In ${isKnown ? `${label}'s` : "its"} settings, add a webhook with the URL above, and
          choose JSON where it asks`}.</li>
      ${source.verifyTokenVariable &&
        html`<li>Set <code>${source.verifyTokenVariable}</code> to the verify
        token that you type in there.</li>`}
      <li>Let it send a test event: it appears on this page and at <a href="/">Live</a>.</li>
    </ol>
  `;
}
