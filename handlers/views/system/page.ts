import { html } from "hono/html";
import { firstLine } from "../../../lib/markdown/plain.ts";
import type { McpServerStatus } from "../../../lib/agent/mcp/server_status.ts";
import type { SourceUsage, SubjectUsage } from "../../../lib/agent/run/usage.ts";
import type { ChannelStats } from "../../../lib/monitor/stats/channel_stats.ts";
import type { Check } from "../../../lib/monitor/check.ts";
import type { WorkerStatus } from "../../../lib/monitor/heartbeat.ts";
import { type SpanName, SPANS, type TimeSeries } from "../../../lib/monitor/stats/timeseries.ts";
import type { Stats } from "../../../lib/monitor/stats/stats.ts";
import { barChart } from "../parts/chart.ts";
import { icon } from "../parts/icon.ts";
import { type Frame, page } from "../page.ts";
import { mcpServers } from "./mcp.ts";
import { usageTable } from "./usage.ts";
import { status } from "../parts/status.ts";
import { age, took } from "../parts/time.ts";

/** What the page is made of. */
export interface SystemPage {
  frame: Frame;
  checks: readonly Check[];
  workers: readonly WorkerStatus[];
  stats: Stats;
  channels: readonly ChannelStats[];
  span: SpanName;
  timeSeries: TimeSeries;
  /** What models have used for each source; undefined where none works here. */
  usage?: readonly SourceUsage[];
  subjects?: readonly SubjectUsage[];
  mcp: readonly McpServerStatus[];
  /** Of the model's price, where one is set. */
  currency?: string;
  /** What people call each source. */
  names: ReadonlyMap<string, string>;
  facts: readonly [name: string, value: string][];
}

/** `/system`: whether all is well, what to do where it is not, and how it went. */
export function systemPage(all: SystemPage) {
  const { frame, checks, workers, stats, channels, facts } = all;
  return page({
    title: "System",
    frame,
    watch: "any",
    body: html`
      <div class="head">
        <h1>System</h1>
        <div class="actions">
          <a class="button quiet" href="/routes">${icon("bell")}Who is told</a>
          <a class="button quiet" href="/users">${icon("person")}People</a>
        </div>
      </div>
      <ul class="checks" id="checks" data-part aria-label="Checks">${checks.map(check)}</ul>
      <div class="two even">
        <section class="card" aria-labelledby="stages">
          <h2 id="stages">Stages</h2>
          <div class="scroll" tabindex="0" role="group" aria-label="Stages" id="stage-table"
            data-part>${stageTable(stats, channels)}</div>
        </section>
        <section class="card" aria-labelledby="workers">
          <h2 id="workers">Workers</h2>
          <div class="scroll" tabindex="0" role="group" aria-label="Workers" id="worker-table"
            data-part>${workerTable(workers)}</div>
        </section>
      </div>
      <section aria-labelledby="charts">
        <header>
          <h2 id="charts">How it went</h2>
          <nav class="tabs" aria-label="How far back">${Object.keys(SPANS).map((name) =>
            html`<a href="/system?span=${name}#charts" aria-current="${
              name === all.span ? "true" : "false"
            }">${name}</a>`
          )}</nav>
        </header>
        <div class="three" id="chart-part" data-part>${charts(all)}</div>
      </section>
      <div class="two even">
        <div>
          <section class="card" aria-labelledby="failures">
            <h2 id="failures">Latest failures</h2>
            <div id="failure-list" data-part>${failures(stats)}</div>
          </section>
        </div>
        <div>
          <section class="card" aria-labelledby="usage">
            <h2 id="usage">Tokens in 24 hours</h2>
            <div class="scroll" tabindex="0" role="group" aria-label="Usage" id="usage-table" data-part>${usageTable(
              all,
            )}</div>
          </section>
          ${mcpServers(all)}
          <section class="card" aria-labelledby="version">
            <h2 id="version">Version</h2>
            <dl>${facts.map(([name, value]) =>
              html`
                <dt>${name}</dt>
                <dd>${value}</dd>
              `
            )}</dl>
          </section>
        </div>
      </div>
    `,
  });
}

const TONES = {
  ok: ["fine", "done"],
  degraded: ["degraded", "active"],
  failed: ["failed", "failed"],
} as const;

/** It works, and something could be better: that is said below it. */
const LIMITED = ["limited", "none"] as const;

function check({ name, status: found, detail, hint }: Check) {
  const [word, tone] = found === "ok" && hint ? LIMITED : TONES[found];
  return html`
    <li class="card ${tone}"><h2><span>${name}</span> ${status(
      word,
      tone,
      found === "degraded" ? "warn" : tone,
    )}</h2>
      <p>${detail}</p>${hint && html`<p class="hint">${hint}</p>`}</li>
  `;
}

function stageTable({ queue, jobs, stages }: Stats, channels: readonly ChannelStats[]) {
  const waiting = channels.reduce((all, each) => all + each.waiting, 0);
  const oldest = Math.min(...channels.map(({ oldest_waiting: at }) => at?.getTime() ?? Infinity));
  const told = Number.isFinite(oldest) ? (Date.now() - oldest) / 1_000 : null;
  const rows: [string, number | null, string, number | null, Stats["stages"]["queue"]][] = [
    ["Receive", null, "/messages?since=1h", null, stages.receive],
    ["Queue", queue.depth, "/messages?phase=queued", queue.oldest_age_seconds, stages.queue],
    [
      "Task",
      jobs.pending - jobs.put_off,
      "/tasks?phase=queued",
      jobs.oldest_age_seconds,
      stages.task,
    ],
    ["Agent", jobs.running, "/tasks?phase=working", null, stages.agent],
    ["Notified", waiting, "/api/notifications?state=pending", told, stages.notify],
  ];
  return html`
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col" class="number">Now</th>
          <th scope="col" class="number">Oldest</th>
          <th scope="col" class="number" title="The median, p50">Half within</th>
          <th scope="col" class="number" title="p99">99 % within</th>
        </tr>
      </thead>
      <tbody>${rows.map(([name, now, link, old, { p50_ms, p99_ms }]) =>
        html`
          <tr>
            <th scope="row">${name}</th>
            <td class="number">${now === null
              ? "–"
              : html`<a class="plain" href="${link}">${now.toLocaleString("en")}</a>`}</td>
            <td class="number">${old === null ? "–" : took(old * 1_000)}</td>
            <td class="number">${p50_ms === null ? "–" : took(p50_ms)}</td>
            <td class="number">${p99_ms === null ? "–" : took(p99_ms)}</td>
          </tr>
        `
      )}</tbody>
    </table>
  `;
}

function charts({ span, timeSeries }: SystemPage) {
  const { seconds, steps } = SPANS[span];
  const size = seconds * 1_000 / steps;
  const says = (index: number) =>
    `${
      new Date(timeSeries.from.getTime() + index * size).toISOString().slice(5, 16).replace(
        "T",
        " ",
      )
    } UTC`;
  const around = { ticks: [`${span.replace(/(\d+)/, "$1 ")} ago`, "now"], says };
  const count = (value: number) => value.toLocaleString("en");
  const { received, completed, failed, p50, p95 } = timeSeries;
  return html`
    <div class="card">${barChart({
      ...around,
      title: "Received",
      series: [{ name: "messages", tone: "main", values: received }],
      unit: count,
      empty: "Nothing came in.",
    })}</div>
    <div class="card">${barChart({
      ...around,
      title: "Ended",
      series: [
        { name: "done", tone: "main", values: completed },
        { name: "failed", tone: "bad", values: failed },
      ],
      unit: count,
      empty: "No task ended.",
    })}</div>
    <div class="card">${barChart({
      ...around,
      title: "Task to end",
      series: [
        { name: "half", tone: "main", values: p50 },
        { name: "95 %", tone: "soft", values: p95.map((value, index) => value - p50[index]) },
      ],
      unit: took,
      says: (index) =>
        `${says(index)}: half within ${took(p50[index])}, 95 % within ${took(p95[index])}`,
      ownTips: true,
      empty: "No task ended.",
    })}</div>
    ${timeSeries.isCut &&
      html`<p class="hint">There was more than is looked at: the oldest bars say too little.</p>`}
  `;
}

function failures({ recent_failed, failed_tasks, dead_notifications }: Stats) {
  const none = recent_failed.length + failed_tasks.length + dead_notifications.length === 0;
  if (none) {
    return html`<p class="said">Nothing has failed. What does is listed here, with the reason.</p>`;
  }
  return html`
    ${recent_failed.length > 0 && html`
      <h3>Messages</h3>
      <ul class="plain-list">${recent_failed.slice(0, 6).map((
        { message_id, webhook_type, error, failed_at },
      ) =>
        html`<li><a href="/messages/${message_id}">${webhook_type}</a> ${
          failed_at && age(failed_at)
        }
        <p class="error" dir="auto">${firstLine(error ?? "")}</p></li>`
      )}</ul>
      <p class="hint"><a href="/messages?phase=failed">All failed messages</a></p>
    `}
    ${failed_tasks.length > 0 && html`
      <h3>Tasks</h3>
      <ul class="plain-list">${failed_tasks.slice(0, 6).map(({ id, title, error, finished_at }) =>
        html`<li><a href="/tasks/${id}" dir="auto">${title}</a> ${finished_at && age(finished_at)}
        <p class="error" dir="auto">${firstLine(error ?? "")}</p></li>`
      )}</ul>
      <p class="hint"><a href="/tasks?phase=failed">All failed tasks</a></p>
    `}
    ${dead_notifications.length > 0 && html`
      <h3 id="not-told">Not told</h3>
      <ul class="plain-list">${dead_notifications.map((
        { id, task_id, channel, destination, error, attempts },
      ) =>
        html`<li>${
          task_id
            ? html`<a href="/tasks/${task_id}" dir="auto">${channel} ${destination}</a>`
            : html`<span dir="auto">${channel} ${destination}</span>`
        }, ${attempts === 1 ? "one try" : `${attempts.toLocaleString("en")} tries`}
        <p class="error" dir="auto">${error}</p>
        <form method="post" action="/notifications/${id}/retry"><button class="quiet">Try again</button></form></li>`
      )}</ul>
    `}
  `;
}

function workerTable(workers: readonly WorkerStatus[]) {
  if (workers.length === 0) {
    return html`<p class="said">No worker was seen within the last hour. Start <code>worker.ts</code>, or
      set <code>WORKER=inline</code>.</p>`;
  }
  return html`
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <th scope="col">Doing</th>
          <th scope="col" class="number">Processed</th>
          <th scope="col">Seen</th>
        </tr>
      </thead>
      <tbody>${workers.map(({ host, doing, processed, last_seen, alive }) =>
        html`
          <tr>
            <td>${status(host, alive ? "done" : "failed")}</td>
            <td>${doing}</td>
            <td class="number">${processed.toLocaleString("en")}</td>
            <td>${age(last_seen)}</td>
          </tr>
        `
      )}</tbody>
    </table>
  `;
}
