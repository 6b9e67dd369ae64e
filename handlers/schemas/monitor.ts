import { z } from "@hono/zod-openapi";
import { type Phase, PHASES } from "../../lib/message/search/phase.ts";
import { count, id, time, timeOrNull } from "./fields.ts";

const age = z.number().nullable();

const stage = z.object({ p50_ms: age, p99_ms: age }).openapi("Stage");

export const stats = z.object({
  queue: z.object({
    backend: z.enum(["local", "postgres", "redis"]),
    depth: count,
    oldest_age_seconds: age,
    in_progress: count,
    held: count,
    spilled: count,
  }),
  jobs: z.object({
    backend: z.string(),
    pending: count,
    running: count,
    waiting_input: count,
    waiting_event: count,
    put_off: count,
    completed: count,
    failed: count,
    cancelled: count,
    oldest_age_seconds: age,
    arq: z.object({
      queue: z.string(),
      depth: count,
      oldest_age_seconds: age,
      running: count,
      workers: z.array(
        z.object({
          key: z.string(),
          complete: count,
          failed: count,
          retried: count,
          ongoing: count,
        }),
      ),
    }).nullable().openapi({ description: "The ARQ queue, and workers by their health keys" }),
  }),
  messages: z.object({
    total: count,
    new: count,
    processed: count,
    filtered: count,
    failed: count,
    rejected: count,
    repeats: count,
  }),
  by_type: z.record(z.string(), count),
  phases: z.object(Object.fromEntries(PHASES.map((phase) => [phase, count])) as Record<
    Phase,
    typeof count
  >).openapi({ description: "How many messages are where: what a list with this filter has" }),
  last_hour: z.object({
    received: count,
    processed: count,
    failed: count,
    completed_tasks: count,
  }),
  stages: z.object({ receive: stage, queue: stage, task: stage, agent: stage, notify: stage }),
  refused: z.object({
    total: count,
    last_hour: count,
    by_reason: z.record(z.string(), count).openapi({ description: "By the code of the answer" }),
    by_type: z.record(z.string(), count).openapi({
      description: "By source; all unknown types are `generic`, `(none)` is a path without a type",
    }),
    recent: z.array(z.object({
      webhook_type: z.string(),
      status: count,
      reason: z.string(),
      message: z.string(),
      refused_at: time,
    })),
  }),
  recent_failed: z.array(z.object({
    message_id: id,
    webhook_type: z.string(),
    error: z.string().nullable(),
    attempts: count,
    failed_at: timeOrNull,
  })),
  notifications: z.object({ dead: count }),
  failed_tasks: z.array(z.object({
    id,
    title: z.string(),
    error: z.string().nullable(),
    finished_at: timeOrNull,
  })),
  dead_notifications: z.array(z.object({
    id,
    task_id: id.nullable(),
    channel: z.string(),
    destination: z.string(),
    error: z.string().nullable(),
    attempts: count,
  })),
}).openapi("Stats");

const check = z.object({
  name: z.string(),
  status: z.enum(["ok", "degraded", "failed"]),
  detail: z.string(),
  hint: z.string().optional(),
});

export const alive = z.object({
  status: z.literal("ok"),
  version: z.string().openapi({ example: "0.1.0" }),
  commit: z.string().optional().openapi({
    description: "What it was built from, where that is known",
    example: "0123456789abcdef0123456789abcdef01234567",
  }),
}).openapi("Alive");

export const health = z.object({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  queue: z.object({ depth: count, oldest_age_seconds: age }).nullable().openapi({
    description: "What waits, 10,000 at most; null while the database does not answer",
  }),
  last_hour: z.object({ accepted: count, refused: count }).nullable(),
  checks: z.array(check),
}).openapi("Health");

export const status = z.object({
  running: z.boolean(),
  workers: z.array(z.object({
    id: z.string(),
    host: z.string(),
    roles: z.array(z.string()),
    doing: z.string(),
    started_at: time,
    last_seen: time,
    processed: count,
    rules: z.string().nullable(),
    alive: z.boolean(),
  })),
}).openapi("Status");

export const drained = z.object({
  settled: count.openapi({
    description: "Tasks that ended or came to wait for somebody, and messages that make none",
  }),
  left: count.openapi({ description: "Messages and tasks that wait or are worked on" }),
  ms: count,
}).openapi("Drained");
