import { z } from "@hono/zod-openapi";
import { checkHealth } from "../../lib/monitor/health.ts";
import { listWorkers } from "../../lib/monitor/heartbeat.ts";
import type { Services } from "../../lib/services.ts";
import { readVersion } from "../../lib/process/version.ts";
import { cached } from "../../lib/async/cached.ts";
import type { Stats } from "../../lib/monitor/stats/stats.ts";
import { createApi, createRoute, json, refusals } from "../openapi.ts";
import type { Metrics } from "../metrics.ts";
import { alive, health, stats, status } from "../schemas/monitor.ts";

/** Anyone may ask for it, so it must not cost more when many do. */
const HEALTH_MS = 1_000;

/** What anyone may ask: whether Otto lives, and whether it takes messages. */
export function publicMonitor({ services }: { services: Services }) {
  const version = readVersion(services.config.commit);
  const readHealth = cached(() => checkHealth(services), { freshMs: HEALTH_MS, rest: 1 });
  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/health",
        operationId: "getHealth",
        summary: "Liveness: whether the process answers",
        security: [],
        responses: { 200: json("It does", alive), 400: refusals[400] },
      }),
      (c) => c.json({ status: "ok" as const, ...version }, 200),
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/webhook/health",
        operationId: "getWebhookHealth",
        summary: "Queue health: every store, whether it is reachable and durable, how much waits",
        security: [],
        responses: {
          200: json("`healthy`, or `degraded`: messages are taken", health),
          400: refusals[400],
          503: json("`unhealthy`: no store can take a message", health),
        },
      }),
      async (c) => {
        const found = await readHealth();
        return c.json(found, found.status === "unhealthy" ? 503 : 200);
      },
    );
}

/** What the admin may ask: how much, how fast, what failed, who works. */
export function monitor(
  { services, metrics, readStats }: {
    services: Services;
    metrics: Metrics;
    readStats: () => Promise<Stats>;
  },
) {
  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/webhook/stats",
        operationId: "getStats",
        summary: "Counts, latencies of every stage, recent failures",
        responses: { 200: json("Now", stats), ...refusals },
      }),
      async (c) => c.json(await readStats(), 200),
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/webhook/status",
        operationId: "getStatus",
        summary: "Whether a worker is running: every worker's last heartbeat",
        responses: { 200: json("Now", status), ...refusals },
      }),
      async (c) => {
        const workers = await listWorkers(services.database);
        return c.json({ running: workers.some((worker) => worker.alive), workers }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/metrics",
        operationId: "getMetrics",
        summary: "The same for Prometheus",
        responses: {
          200: {
            description: "Prometheus' text format",
            content: { "text/plain": { schema: z.string() } },
          },
          ...refusals,
        },
      }),
      async (c) => {
        // A scrape while the store is away still shows this process.
        const now = await readStats().catch(() => undefined);
        return c.text(await metrics.render(now), 200, { "content-type": metrics.contentType });
      },
    );
}
