import { html } from "hono/html";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import { counted } from "../parts/count.ts";
import { marked } from "../parts/marked.ts";

/** What proves its messages, and which of its variables are set: never what to. */
export function secretsCard(info: SourceInfo) {
  return html`
    <section class="card" aria-labelledby="proof">
      <h2 id="proof">Signature and secrets</h2>
      ${info.source.verify ? verified(info) : unsigned(info)}
    </section>
  `;
}

function unsigned({ label, isKnown, requiresVerified }: SourceInfo) {
  return html`<p class="said">${
    isKnown
      ? `${label} signs nothing that Otto could check`
      : "Otto knows no signature of this sender"
  }: anyone who knows the URL can send. ${
    requiresVerified
      ? html`With <code>WEBHOOK_REQUIRE_VERIFIED</code> all of it is refused.`
      : "Its messages are marked unverified, and the agent trusts them less."
  }</p>${
    !isKnown && html`<p class="hint">To give it a secret, describe it in
    <code>SOURCES_FILE</code>.</p>`
  }`;
}

function verified(info: SourceInfo) {
  const { source, variable, set, requiresVerified } = info;
  return html`
    ${source.proof && html`<p class="said">${marked(source.proof)}</p>`}
    <dl>${set.length === 0
      ? html`
        <dt><code>${variable}</code></dt>
        <dd>not set</dd>
      `
      : set.map(({ variable, values, from }) =>
        html`
          <dt><code>${variable}</code></dt>
          <dd>${values === 1 ? "set" : counted(values, "value")}, ${from === "environment"
            ? "in the environment"
            : html`in <code>SECRETS_FILE</code>`}</dd>
        `
      )}
      <dt>Without it</dt>
      <dd>${source.secretRequired || requiresVerified
        ? "every message is refused"
        : "messages are taken, and marked unverified"}</dd>
    </dl>
    ${tryForm(info)}
  `;
}

/** A box for a value that may be the one the sender has. */
export function tryForm({ name, stats }: SourceInfo) {
  const kept = stats?.kept?.count ?? 0;
  if (kept === 0) return "";
  return html`
    <form class="try write" method="post" action="/sources/${name}/try-secret">
      <label>Try a value against the ${kept === 1
        ? "one that was refused"
        : `${kept.toLocaleString("en")} that were refused`}
        <input type="password" name="secret" required maxlength="8192" autocomplete="off"
          spellcheck="false" autocapitalize="off"></label>
      <button>Try it</button>
    </form>
    <p class="hint">It is checked and forgotten: not stored, not logged.</p>
  `;
}
