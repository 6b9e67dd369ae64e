import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Stats } from "../lib/monitor/stats/stats.ts";
import type { Services } from "../lib/services.ts";

/** What Prometheus reads: this process' own counts, and what the store says of all. */
export interface Metrics {
  /** Counts one webhook request by its source, how it ended and after how many seconds. */
  received(source: string, outcome: string, seconds: number): void;
  /** Everything, in Prometheus' text format. */
  render(stats: Stats | undefined): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(
  { runtime, config }: Pick<Services, "runtime" | "config">,
): Metrics {
  // Which of several isolates is asked is the platform's choice: its counters begin anew with each.
  const here = config.denoDeploy
    ? "this one isolate, of which there may be several"
    : "this process";
  const registry = new Registry();
  const registers = [registry];
  const received = new Counter({
    name: "otto_webhooks_total",
    help: `Webhook requests by source and outcome, answered by ${here}`,
    labelNames: ["source", "outcome"],
    registers,
  });
  const answered = new Histogram({
    name: "otto_webhook_seconds",
    help: `Time to the answer of a webhook request, in ${here}`,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const gauge = <T extends string>(name: string, help: string, labelNames: T[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const messages = gauge("otto_messages", "Messages kept, by state", ["state"]);
  const repeats = gauge("otto_repeats", "Repeated deliveries of the messages kept");
  const depth = gauge("otto_queue_depth", "Messages that wait or are being worked");
  const oldest = gauge("otto_queue_oldest_seconds", "Age of the oldest message that waits");
  const oldestTask = gauge("otto_tasks_oldest_seconds", "Age of the oldest task that waits");
  const spilled = gauge("otto_spilled", "Messages in the spill");
  const tasks = gauge("otto_tasks", "Tasks that have not ended, by status", ["status"]);
  const failed = gauge("otto_failures", "What has failed and is kept", ["thing"]);
  const stages = gauge("otto_stage_milliseconds", "Latency of a stage over its latest 1,000", [
    "stage",
    "quantile",
  ]);
  const memory = gauge("otto_resident_memory_bytes", `Memory of ${here}`);
  const up = gauge("otto_store_up", "1 when the database answered this scrape");

  function fill(stats: Stats): void {
    const { total: _total, repeats: again, ...states } = stats.messages;
    for (const [state, count] of Object.entries(states)) messages.set({ state }, count);
    repeats.set(again);
    depth.set(stats.queue.depth);
    oldest.set(stats.queue.oldest_age_seconds ?? 0);
    oldestTask.set(stats.jobs.oldest_age_seconds ?? 0);
    spilled.set(stats.queue.spilled);
    for (const status of ["pending", "running", "waiting_input", "waiting_event"] as const) {
      tasks.set({ status }, stats.jobs[status]);
    }
    failed.set({ thing: "message" }, stats.messages.failed);
    failed.set({ thing: "task" }, stats.jobs.failed);
    failed.set({ thing: "notification" }, stats.notifications.dead);
    for (const [stage, { p50_ms, p99_ms }] of Object.entries(stats.stages)) {
      if (p50_ms !== null) stages.set({ stage, quantile: "0.5" }, p50_ms);
      if (p99_ms !== null) stages.set({ stage, quantile: "0.99" }, p99_ms);
    }
  }

  return {
    received(source, outcome, seconds) {
      received.inc({ source, outcome });
      answered.observe(seconds);
    },
    async render(stats) {
      memory.set(runtime.residentBytes());
      up.set(stats ? 1 : 0);
      if (stats) fill(stats);
      return await registry.metrics();
    },
    contentType: registry.contentType,
  };
}
