import { html } from "hono/html";
import type { SourceSettings } from "../../../sources/rules/settings.ts";
import type { RejectedReason } from "../../../lib/message/quarantine.ts";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import type { SourceSeries } from "../../../lib/monitor/stats/source_series.ts";
import { refusedWords } from "../../../sources/diagnosis/refused_words.ts";
import { waiting } from "../live/notes.ts";
import { icon } from "../parts/icon.ts";
import { rowId, titleOf } from "../message/row.ts";
import { type Frame, page } from "../page.ts";
import type { Sampled } from "../../../sources/kit/sample.ts";
import { silenceCard } from "./silence.ts";
import type { HeardSource } from "../../../lib/monitor/silence/heard.ts";
import { sourceRules } from "./rules.ts";
import { type ChartSpan, rateCard } from "./chart.ts";
import { secretsCard } from "./secrets.ts";
import { type OfferedNote, offeredNotes, urlCard } from "./setup.ts";
import { stateOf } from "./state.ts";
import type { StageRow } from "../parts/stages.ts";
import { phaseStatus } from "../parts/phase.ts";
import { status } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** What the page of a source is made of. */
export interface SourcePage {
  frame: Frame;
  info: SourceInfo;
  /** Where its webhooks go. */
  url: string;
  settings: SourceSettings;
  /** Secrets that came with handshakes lately. */
  offered: readonly OfferedNote[];
  /** When it was heard lately, and when somebody is told that it is silent. */
  heard?: HeardSource;
  /** The newest of what was refused and is kept. */
  rejected: readonly RejectedReason[];
  series: SourceSeries;
  span: ChartSpan;
  sampled?: Sampled;
  rows: readonly StageRow[];
}

/** `/sources/{name}`: how it is, its URL, how to set it up, what came. */
export function sourcePage(all: SourcePage) {
  const { frame, info, url, settings, offered, series, span } = all;
  return page({
    title: info.label,
    frame,
    watch: "any",
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/sources">Sources</a></nav>
      ${head(all)}
      ${pausedNote(info)}
      ${offeredNotes(info, offered)}
      <div class="two">
        <div>
          ${rateCard({ name: info.name, series, span })}
          ${urlCard(info, url)}
          ${latestCard(all)}
        </div>
        <div>
          ${refusedCard(all)}
          ${secretsCard(info)}
          ${silenceCard({
            name: info.name,
            label: info.label,
            heard: all.heard,
            fileHours: settings.tell_after_hours,
          })}
          ${sourceRules(settings)}
        </div>
      </div>
    `,
  });
}

function head({ info, sampled }: SourcePage) {
  const { name, label, pausedSince, secrets, source } = info;
  // What is next to do comes first.
  const isConnected = secrets > 0 || !source.verify;
  return html`
    <div class="head">
      <div>
        <h1 dir="auto">${label}</h1>
        <p class="meta" id="trust" data-part>${stateOf(info)}</p>
      </div>
      <div class="actions"><a class="button ${isConnected &&
        "quiet"}" href="/sources/${name}/connect">Connect</a>
        <a class="button quiet write" href="/sources/${name}/try">Try a payload</a>
        <a class="button quiet" href="/sources/${name}/trials">Try an instruction</a>${sampled &&
          !sampled.missing && html`
          <form method="post" action="/samples">
            <input type="hidden" name="source" value="${name}">
            <input type="hidden" name="back" value="/sources/${name}">
            <button class="${isConnected ? "" : "quiet"}">Send a sample</button>
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

function pausedNote({ pausedSince, turnedAway }: SourceInfo) {
  return html`
    <div id="paused" data-part>${pausedSince &&
      html`<p class="note"><strong>Paused</strong> ${age(pausedSince)}. ${waiting(turnedAway)} Most
          senders do so for hours; some, such as GitHub, Discord's and Slack's commands, do not try
          again by themselves.</p>`}</div>
  `;
}

function latestCard({ info: { name }, sampled, rows }: SourcePage) {
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

function refusedCard({ info: { name, label, refusal, stats, refusing }, rejected }: SourcePage) {
  const [newest] = rejected;
  const kept = stats?.kept?.count ?? 0;
  const at = newest?.stored_at ?? refusal?.refused_at;
  const word = refusing?.why ?? (refusal ? refusedWords(refusal.code) : "refused");
  return html`
    <section class="card" aria-labelledby="refused" id="refused-card" data-part>
      <h2 id="refused">Last refused</h2>
      ${at
        ? html`
          <p class="said">${status(word, "failed")} ${age(at)}</p>
          ${newest ? html`<p class="error" dir="auto">${newest.reason}</p>` : refusal && html`
            <p class="error" dir="auto">${refusal.message}</p>
            <p class="hint" dir="auto">${refusal.hint}</p>
          `}
          <p class="hint">${refusal &&
            `${refusal.count.toLocaleString("en")} refused in all. `}${kept > 0 && html`
            <a
              href="/messages?source=${name}&amp;phase=refused">${kept.toLocaleString(
                "en",
              )} kept</a>, to be looked at and let in.
          `}</p>
        `
        : html`<p class="said">Nothing of ${label} was refused.</p>`}
    </section>
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
