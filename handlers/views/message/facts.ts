import { html } from "hono/html";
import type { Message, WholeMessage } from "../../../lib/message/message.ts";
import { maskHeaders, maskUrl } from "../../../lib/redaction/mask.ts";
import { type Named, variableOf } from "../../../sources/rules/registry.ts";
import type { Html } from "../page.ts";
import { copied, copyButton } from "../parts/copy.ts";
import { EDITED_SAYS, SIGNATURE_SAYS } from "../parts/status.ts";
import { moment } from "../parts/time.ts";

/** What is known of a message, and how far one may trust it. */
export function factSection(message: Message, from: Named) {
  return html`
    <section class="card" aria-labelledby="facts" id="fact-card" data-part>
      <h2 id="facts">Verification and facts</h2>
      <p class="said">${message.edited
        ? EDITED_SAYS
        : SIGNATURE_SAYS[message.verification]} ${!message.edited &&
        message.verification === "unverified" && from.source.verify &&
        html`Set <code>${variableOf(from)}</code> to have signatures checked.`}</p>
      <dl>
        ${fact("Message id", copied("message-id", message.message_id))}
        ${message.delivery_id && fact("Delivery id", copied("delivery-id", message.delivery_id))}
        ${fact("Received", moment(message.received_at))}
        ${fact("From", message.client_ip || "this process")}
        ${fact("URL", copied("its-url", maskUrl(message.url, from.source.secretNames)))}
        ${fact("Size", `${message.size.toLocaleString("en")} bytes`)}
        ${message.content_type && fact("Content type", message.content_type)}
        ${message.task_id && fact("Task id", copied("task-id", message.task_id))}
        ${message.attempts > 0 && fact("Attempts", String(message.attempts))}
        ${message.repeats > 0 && fact("Repeats", `sent ${message.repeats + 1} times, kept once`)}
        ${message.replay_of && fact(
          "Replay of",
          html`<a href="/messages/${message.replay_of}"><code>${message.replay_of}</code></a>`,
        )}
      </dl>
    </section>
  `;
}

function fact(name: string, value: string | Html) {
  return html`
    <dt>${name}</dt>
    <dd dir="auto">${value}</dd>
  `;
}

/** Its headers, with secrets masked. */
export function headerSection({ headers }: WholeMessage, { source }: Named) {
  const masked = Object.entries(maskHeaders(headers, source.secretNames));
  return html`
    <section class="card" aria-labelledby="headers">
      <header><h2 id="headers">Headers</h2>${copyButton("headers-text")}</header>
      <pre id="headers-text" hidden>${masked.map(([name, value]) => `${name}: ${value}`).join(
        "\n",
      )}</pre>
      <dl class="headers">${masked.map(([name, value]) =>
        html`
          <dt>${name}</dt>
          <dd dir="auto">${value}</dd>
        `
      )}</dl>
    </section>
  `;
}
