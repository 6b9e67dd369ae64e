import { html } from "hono/html";
import type { SourceSettings } from "../../../sources/rules/settings.ts";
import { barChart } from "../parts/chart.ts";
import { icon } from "../parts/icon.ts";
import { marked } from "../parts/marked.ts";
import { rowId, titleOf } from "../message/row.ts";
import { type Frame, page } from "../page.ts";
import type { Sampled } from "../../../sources/kit/sample.ts";
import { silenceCard } from "./silence.ts";
import type { HeardSource } from "../../../lib/monitor/silence/heard.ts";
import { sourceRules } from "./rules.ts";
import { type SourceView, trust } from "./list.ts";
import type { StageRow } from "../parts/stages.ts";
import { phaseStatus } from "../parts/phase.ts";
import { status } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** What the page of a source is made of. */
export interface SourcePage {
  frame: Frame;
  view: SourceView;
  settings: SourceSettings;
  /** Secrets that came with handshakes lately. */
  offered: readonly { secret: string; client_ip: string; at: Date }[];
  heard?: HeardSource;
  /** How many refused ones are kept for diagnosis. */
  kept: number;
  sampled?: Sampled;
  rows: readonly StageRow[];
}

/** `/sources/{name}`: its URL, how to set it up, what came. */
export function sourcePage(all: SourcePage) {
  const { frame, view, settings } = all;
  return page({
    title: view.label,
    frame,
    watch: "any",
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/sources">Sources</a></nav>
      ${head(all)}
      ${pausedNote(view)}
      ${offeredNotes(all)}
      <div class="two">
        <div>
          ${urlCard(view)}
          ${rateCard(view)}
          ${latestCard(all)}
        </div>
        <div>
          <section class="card" aria-labelledby="proof"><h2 id="proof">Signature</h2>${proof(
            view,
          )}</section>
          ${silenceCard({ ...view, heard: all.heard, fileHours: settings.tell_after_hours })}
          ${sourceRules(settings)}
          ${refusedCard(all)}
        </div>
      </div>
    `,
  });
}

function head({ view, sampled }: SourcePage) {
  const { name, label, pausedSince } = view;
  return html`
    <div class="head">
      <div>
        <h1>${label}</h1>
        <p class="meta" id="trust" data-part>${trust(view)} ${pausedSince &&
          status("paused", "active", "pause")}</p>
      </div>
      <div class="actions">${sampled && !sampled.missing && html`
        <form method="post" action="/samples">
          <input type="hidden" name="source" value="${name}">
          <input type="hidden" name="back" value="/sources/${name}">
          <button>Send a sample</button>
        </form>
      `}
        <form method="post" action="/sources/${name}/${pausedSince ? "resume" : "pause"}">
          <button class="${pausedSince ? "" : "quiet"}">${pausedSince
            ? "Resume"
            : html`${icon("pause")}Pause`}</button>
        </form></div>
    </div>
  `;
}

function pausedNote({ label, pausedSince }: SourceView) {
  return html`
    <div id="paused" data-part>${pausedSince &&
      html`<p class="note"><strong>Paused</strong> ${age(pausedSince)}. Webhooks of ${label} are
          answered with 503 and asked to come again in a minute. Most senders do so for hours; some,
          such as GitHub, Discord's and Slack's commands, do not try again by themselves.</p>`}</div>
  `;
}

function offeredNotes({ view, offered }: SourcePage) {
  return html`
    <div id="offered" data-part>${offered.map(({ secret, client_ip, at }) =>
      html`<p class="note"><strong>A secret came with a handshake</strong> ${age(at)} from
          ${client_ip}: <code>${secret}</code>. If you set this webhook up just now, set
          <code>${view.variable}</code> to it and start Otto again. If not, somebody else sent it:
          ignore it.</p>`
    )}</div>
  `;
}

function urlCard(view: SourceView) {
  const { url } = view;
  return html`
    <section class="card" aria-labelledby="url"><h2 id="url">Webhook URL</h2>
      <div class="curl"><pre tabindex="0" role="group" aria-label="URL"><code id="its-url">${url}</code></pre>
        <button class="quiet" data-copy="its-url" hidden>Copy</button></div>
      ${steps(view)}
    </section>
  `;
}

function rateCard({ stats }: SourceView) {
  return html`
    <section class="card" id="rate" data-part>
      ${barChart({
        title: "Messages by the hour",
        series: [{
          name: "messages",
          tone: "main",
          values: stats?.hours ?? Array(24).fill(0),
        }],
        unit: (value) => value.toLocaleString("en"),
        from: "24 h ago",
        to: "now",
        says: (index) => `${24 - index} h ago`,
        empty: "None came within the last 24 hours.",
      })}
    </section>
  `;
}

function latestCard({ view: { name }, sampled, rows }: SourcePage) {
  return html`
    <section class="card" aria-labelledby="latest" id="latest-card" data-part>
      <h2 id="latest">Latest messages</h2>
      ${rows.length === 0
        ? html`<p class="said">None yet. ${
          sampled && !sampled.missing
            ? "Send a sample to see what Otto makes of one."
            : "They stand here as soon as they come."
        }</p>`
        : html`
          <ul class="plain-list latest">${rows.map(latest)}</ul>
          <p class="hint"><a href="/messages?source=${name}">All of its messages</a></p>
        `}
    </section>
  `;
}

function refusedCard({ view: { name, refusal }, kept }: SourcePage) {
  return html`
    <section class="card" aria-labelledby="refused" id="refused-card" data-part>
      <h2 id="refused">Last refused</h2>
      ${refusal
        ? html`
          <p class="said">${status(refusal.code.replaceAll("_", " "), "failed")} ${age(
            refusal.refused_at,
          )}</p>
          <p class="error" dir="auto">${refusal.message}</p>
          <p class="hint" dir="auto">${refusal.hint}</p>
          <p class="hint">${refusal.count.toLocaleString("en")} refused in all. ${kept > 0 &&
            html`
              <a
                href="/messages?source=${name}&amp;phase=refused">${kept.toLocaleString(
                  "en",
                )} kept</a>, to be looked at and let in.
            `}</p>
        `
        : html`<p class="said">Nothing was ever refused.</p>`}
    </section>
  `;
}

function steps({ label, variable, source }: SourceView) {
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
        : html`In ${label}'s settings, add a webhook with the URL above, and choose JSON where it asks`}.</li>
      ${source.verifyTokenVariable &&
        html`<li>Set <code>${source.verifyTokenVariable}</code> to the verify
        token that you type in there.</li>`}
      <li>Let it send a test event: it appears on this page and at <a href="/">Live</a>.</li>
    </ol>
  `;
}

function proof({ source, secrets, variable, requiresVerified, label }: SourceView) {
  if (!source.verify) {
    return html`<p class="said">${label} signs nothing that Otto could check: anyone who knows the URL
      can send. ${
      requiresVerified
        ? html`With <code>WEBHOOK_REQUIRE_VERIFIED</code> all of it is refused.`
        : "Its messages are marked unverified, and the agent trusts them less."
    }</p>`;
  }
  return html`
    ${source.proof && html`<p class="said">${marked(source.proof)}</p>`}
    <dl>
      <dt>Variable</dt>
      <dd><code>${variable}</code></dd>
      <dt>Configured</dt>
      <dd>${secrets === 0 ? "no" : secrets === 1 ? "yes" : `yes, ${secrets} secrets`}</dd>
      <dt>Without it</dt>
      <dd>${source.secretRequired || requiresVerified
        ? "every message is refused"
        : "messages are taken, and marked unverified"}</dd>
    </dl>
  `;
}

function latest(row: StageRow) {
  return html`
    <li
      id="latest-${rowId(row.message.message_id)}">${phaseStatus(
        row.message.phase,
      )} <a class="open" href="/messages/${row.message.message_id}" dir="auto">${titleOf(
        row,
      )}</a> ${age(row.message.received_at)}</li>
  `;
}
