import type { Phase } from "../../message/search/phase.ts";
import type { RefusalStats } from "../../ingress/refusal_log.ts";
import type { JobQueue, Jobs } from "../../jobs/jobs.ts";
import type { Queue } from "../../queue/queue.ts";

/** Latencies of one stage over its latest thousand items. */
export interface StageLatency {
  p50_ms: number | null;
  p99_ms: number | null;
}

/** What `/webhook/stats` says. */
export interface Stats {
  queue: {
    backend: Queue["backend"];
    depth: number;
    oldest_age_seconds: number | null;
    in_progress: number;
    /** How many wait for more about the same, to become one task with them. */
    held: number;
    spilled: number;
  };
  jobs: {
    backend: Jobs["backend"];
    pending: number;
    /** How many of these were put off, and wait for their time. */
    put_off: number;
    running: number;
    waiting_input: number;
    waiting_event: number;
    completed: number;
    failed: number;
    cancelled: number;
    oldest_age_seconds: number | null;
    /** The queue in Redis; null when there is none, or it does not answer. */
    arq: JobQueue | null;
  };
  messages: {
    total: number;
    new: number;
    processed: number;
    filtered: number;
    failed: number;
    rejected: number;
    repeats: number;
  };
  by_type: Record<string, number>;
  /** How many messages are where: what a list filtered by a phase has. */
  phases: Record<Phase, number>;
  last_hour: { received: number; processed: number; failed: number; completed_tasks: number };
  stages: Record<"receive" | "queue" | "task" | "agent" | "notify", StageLatency>;
  /** Requests that the gate has turned away. */
  refused: RefusalStats;
  recent_failed: {
    message_id: string;
    webhook_type: string;
    error: string | null;
    attempts: number;
    failed_at: Date | null;
  }[];
  /** Those that could not be told, after all tries. */
  notifications: { dead: number };
  failed_tasks: {
    id: string;
    title: string;
    error: string | null;
    finished_at: Date | null;
  }[];
  dead_notifications: {
    id: string;
    task_id: string | null;
    channel: string;
    destination: string;
    error: string | null;
    attempts: number;
  }[];
}
