import { Hono } from "hono";
import { type ChannelStats, readChannelStats } from "../../lib/monitor/stats/channel_stats.ts";
import type { Check } from "../../lib/monitor/check.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { countOf, PUT_OFF, type PutOff, readPutOff } from "../../lib/monitor/put_off.ts";
import { listWorkers, type WorkerStatus } from "../../lib/monitor/heartbeat.ts";
import { readTimeSeries, type SpanName, SPANS } from "../../lib/monitor/stats/timeseries.ts";
import { firstLine } from "../../lib/markdown/plain.ts";
import { readSubjectUsage, readUsage } from "../../lib/agent/run/usage.ts";
import { listChoices } from "../../sources/rules/names.ts";
import { schemaVersion } from "../../lib/store/schema/schema_version.ts";
import type { Services } from "../../lib/services.ts";
import { readVersion } from "../../lib/process/version.ts";
import { cached } from "../../lib/async/cached.ts";
import type { Stats } from "../../lib/monitor/stats/stats.ts";
import type { Env } from "../caller.ts";
import { asked, oneOf } from "./form.ts";
import { readFrame } from "./frame.ts";
import { systemPage } from "../views/system/page.ts";
import { ago } from "../views/parts/time.ts";

/** However many look, the store is asked at most this often. */
const FRESH_MS = 2_000;
/** The charts read more, and change less. */
const CHART_MS = 10_000;
/** It changes when a new version starts. */
const SCHEMA_MS = 60_000;
/** A failed task shows on its agent for an hour: long enough to be seen, and then it is over. */
const LATELY_MS = 3_600_000;
/** The check that whoever may look at this page reads with its reason. */
const MODEL = "model";
const NAMES = Object.keys(SPANS) as SpanName[];

/** `/system`: the stores, the workers, the agent, the channels, and how it went. */
export function systemPages(
  { services, readStats }: { services: Services; readStats: () => Promise<Stats> },
): Hono<Env> {
  const { config, database, queue } = services;
  const readHealth = cached(() => checkHealth(services), { freshMs: FRESH_MS, rest: 1 });
  const readWorkers = cached(() => listWorkers(database), { freshMs: FRESH_MS });
  const readChannels = cached(() => readChannelStats(database), { freshMs: FRESH_MS });
  const readSeries = Object.fromEntries(NAMES.map((name) => [
    name,
    cached(() => readTimeSeries(database, name), { freshMs: CHART_MS }),
  ])) as Record<SpanName, () => ReturnType<typeof readTimeSeries>>;
  const { version, commit } = readVersion(config.commit);
  const usesTokens = config.model !== undefined && config.agent.mode !== "off" &&
    !config.agentIsExternal;
  const readTokens = cached(
    async () => usesTokens ? await readUsage(database, services) : undefined,
    { freshMs: FRESH_MS },
  );
  const readSubjects = cached(
    async () => usesTokens ? await readSubjectUsage(database, services) : [],
    { freshMs: FRESH_MS },
  );
  const readDelayed = cached(() => readPutOff(database), { freshMs: FRESH_MS });
  const readMcp = cached(() => services.readMcpServers(), { freshMs: FRESH_MS });
  const readSchema = cached(() => schemaVersion(database), { freshMs: SCHEMA_MS });

  const app = new Hono<Env>();
  app.get("/system", async (c) => {
    const span = oneOf(asked(c, "span"), NAMES) ?? "1h";
    const frame = await readFrame(c, database, "system");
    const [
      health,
      workers,
      stats,
      channels,
      timeSeries,
      schema,
      usage,
      subjects,
      mcp,
      putOff,
    ] = await Promise.all([
      readHealth(),
      readWorkers(),
      readStats(),
      readChannels(),
      readSeries[span](),
      readSchema(),
      readTokens(),
      readSubjects(),
      readMcp(),
      readDelayed(),
    ]);
    return c.html(systemPage({
      frame,
      checks: [
        // Of the model more is said here than anyone may know.
        ...health.checks.filter(({ name }) => name !== MODEL && name !== PUT_OFF),
        checkWorkers(workers),
        checkModel(services, stats, {
          putOff,
          away: health.checks.find(({ name }) => name === MODEL),
        }),
        // What the health says of a channel is the more important.
        ...services.channels.filter(({ name }) => !health.checks.some((each) => each.name === name))
          .map(({ name }) => checkChannel(name, channels)),
      ],
      workers,
      stats,
      channels,
      span,
      timeSeries,
      usage,
      subjects,
      mcp,
      currency: config.agent.price?.currency,
      names: new Map(listChoices(services.sources).map(({ value, label }) => [value, label])),
      facts: [
        ["Otto", version],
        ...commit === undefined ? [] : [["Commit", commit.slice(0, 12)] as [string, string]],
        ["API", "1"],
        ["Schema", schema],
        ["Runtime", services.runtime.name],
        ["Store", database.kind === "embedded" ? "PGlite, in this process" : "PostgreSQL"],
        ["Queue", queue.backend],
        ["Host", services.host],
      ],
    }));
  });
  return app;
}

function checkWorkers(workers: readonly WorkerStatus[]): Check {
  const alive = workers.filter((worker) => worker.alive).length;
  const silent = workers.length - alive;
  if (alive === 0) {
    return {
      name: "workers",
      status: "failed",
      detail: "none is running: webhooks are kept safely, and wait",
      hint: "Start worker.ts, or set WORKER=inline and start Otto again",
    };
  }
  return {
    name: "workers",
    status: silent > 0 ? "degraded" : "ok",
    detail: `${alive} at work${silent > 0 ? `, ${silent} silent` : ""}`,
    hint: silent > 0
      ? "A silent worker's work was taken over; its log says why it stopped"
      : undefined,
  };
}

function checkModel(
  { config }: Services,
  { failed_tasks: [latest] }: Stats,
  { putOff: { count, reason }, away }: { putOff: PutOff; away?: Check },
): Check {
  const name = MODEL;
  if (count > 0 || away) {
    const waits = `${countOf(count)} put off: ${firstLine(reason ?? "no reason")}`;
    return {
      name,
      status: "degraded",
      detail: [away?.detail, count > 0 && waits].filter((each) => each).join("; "),
      hint: "A task's page says until when, and lets it try at once",
    };
  }
  if (config.agentIsExternal) {
    return { name, status: "ok", detail: `chosen by the workers of ${config.arqQueue}` };
  }
  const { model, agent: { mode } } = config;
  const agent = `${model?.model} (${model?.label})${
    mode === "observe" ? ", which only observes" : ""
  }`;
  if (model !== undefined && mode === "off") {
    return {
      name,
      status: "ok",
      detail: "switched off: each task ends with a digest made without AI",
      hint: "Set AGENT_MODE=observe or on",
    };
  }
  if (model === undefined) {
    return {
      name,
      status: "ok",
      detail: "no model is configured: each task ends with a digest made without AI",
      hint: "Set OPENAI_API_KEY, or another model's variable of .env.example",
    };
  }
  const lately = latest?.finished_at && Date.now() - latest.finished_at.getTime() < LATELY_MS;
  return lately
    ? {
      name,
      status: "degraded",
      detail: `${agent}; a task failed ${ago(latest.finished_at!)}: ${
        firstLine(latest.error ?? "no reason")
      }`,
      hint: "The failed tasks are listed below; each says at which step",
    }
    : { name, status: "ok", detail: agent };
}

function checkChannel(channel: string, all: readonly ChannelStats[]): Check {
  const name = channel === "web" ? "web UI" : channel;
  const stats = all.find((each) => each.channel === channel);
  if (!stats) return { name, status: "ok", detail: "nothing was told yet" };
  const { last_sent, last_error, last_error_at, waiting } = stats;
  const sent = last_sent ? `last told ${ago(last_sent)}` : "nothing was told yet";
  const isFailing = last_error !== null && last_error_at !== null &&
    (last_sent === null || last_error_at > last_sent);
  return isFailing
    ? {
      name,
      status: "degraded",
      detail: `${last_error} (${ago(last_error_at)}); ${sent}`,
      hint: "It is tried again for a while; what was given up stands below, under Not told",
    }
    : { name, status: "ok", detail: waiting > 0 ? `${sent}, ${waiting} to be told` : sent };
}
