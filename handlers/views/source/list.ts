import { html } from "hono/html";
import type { SourceRefusal } from "../../../lib/ingress/refusal_log.ts";
import type { SourceStats } from "../../../lib/ingress/stats.ts";
import { type Trust, trustOf } from "../../../sources/rules/registry.ts";
import type { Source } from "../../../sources/source.ts";
import { sparkBars } from "../parts/chart.ts";
import { type Frame, page } from "../page.ts";
import { status } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** A source, how it is set up, and what has come from it. */
export interface SourceView {
  name: string;
  source: Source;
  label: string;
  /** Where its webhooks go. */
  url: string;
  /** How many secrets are configured. */
  secrets: number;
  /** The variable that a secret belongs in; undefined where nothing can be verified. */
  variable: string | undefined;
  requiresVerified: boolean;
  pausedSince?: Date;
  /** One of the operator's own. */
  isOwn: boolean;
  stats?: SourceStats;
  refusal?: SourceRefusal;
}

/** How far one may trust what comes from a source; while it is refused, nothing is verified. */
export function trust({ source, secrets, requiresVerified, stats, refusal }: SourceView) {
  if (refusal && !(stats && stats.last.at > refusal.refused_at)) {
    return status("last one refused", "failed", "shield");
  }
  return status(...TRUST[trustOf(source, { secrets, requireVerified: requiresVerified })]);
}

const TRUST: Record<Trust, Parameters<typeof status>> = {
  verified: ["verified", "done", "shield"],
  refused: ["refused", "failed", "shield"],
  unverified: ["unverified", "none", "open"],
};

/** `/sources`: every system that Otto knows, those in use first. */
export function sourceList({ frame, views }: { frame: Frame; views: readonly SourceView[] }) {
  const isUsed = ({ stats, refusal, secrets, pausedSince, isOwn }: SourceView) =>
    stats || refusal || secrets > 0 || pausedSince || isOwn;
  const used = views.filter(isUsed);
  const others = views.filter((view) => !isUsed(view));
  return page({
    title: "Sources",
    frame,
    watch: "any",
    body: html`
      <div class="head">
        <h1>Sources</h1>
      </div>
      ${used.length === 0 && html`
        <div class="list nothing">
          <h2>Nothing is connected yet</h2>
          <p>A source is a system that sends webhooks. Choose one below for its URL and its setup, or
            send anything to <code>/webhook/any-name</code>: Otto takes it.</p>
        </div>
      `}
      <div class="list" id="used" data-part>
        <table>
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Signatures</th>
              <th scope="col">Last message</th>
              <th scope="col">Last refused</th>
              <th scope="col" colspan="2">Messages in 24 hours</th>
            </tr>
          </thead>
          <tbody>${used.map(usedRow)}</tbody>
        </table>
      </div>
      ${others.length > 0 && html`
        <section class="others" aria-labelledby="others">
          <header>
            <h2 id="others">Ready to connect</h2>
          </header>
          <ul class="tiles">${others.map((view) =>
            html`
              <li><a href="/sources/${view.name}"><strong>${view
                .label}</strong><span>${needs(view)}</span></a></li>
            `
          )}</ul>
        </section>
      `}
    `,
  });
}

/** What is out of the ordinary about connecting it. */
function needs({ source }: SourceView): string {
  if (!source.verify) return "not signed";
  return source.secretRequired ? "needs a secret" : "";
}

function usedRow(view: SourceView) {
  const { name, label, stats, refusal } = view;
  const many = stats?.received ?? 0;
  return html`
    <tr id="source-${name}">
      <td class="main"><a class="open" href="/sources/${name}" dir="auto">${label}</a></td>
      <td>${trust(view)} ${view.pausedSince && status("paused", "active", "pause")}</td>
      <td data-say="last">${stats
        ? html`<a class="plain" href="/messages/${stats.last.message_id}">${age(stats.last.at)}</a>`
        : html`<span class="soft">none yet</span>`}</td>
      <td data-say="refused">${refusal
        ? html`<a class="plain bad" href="/sources/${name}#refused">${age(refusal.refused_at)}</a>`
        : html`<span class="soft">never</span>`}</td>
      <td>${sparkBars(
        stats?.hours ?? Array(24).fill(0),
        `${many} messages in 24 hours, by the hour`,
      )}</td>
      <td class="number"
        data-say="in 24 h"><a class="plain" href="/messages?source=${name}&amp;since=24h">${many
          .toLocaleString("en")}</a></td>
    </tr>
  `;
}
