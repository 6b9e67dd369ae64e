import { readRefusals } from "../../ingress/refusal_log.ts";
import type { Jobs } from "../../jobs/jobs.ts";
import type { Spill } from "../../message/spill/spill.ts";
import type { Queue } from "../../queue/queue.ts";
import type { Database } from "../../store/database.ts";
import { selectStats } from "./select_stats.ts";
import type { Stats } from "./stats.ts";

/** Longer than other queries may take: what came in an hour may be much. As long as the server gives any statement. */
const STATS_MS = 15_000;

/** Reads the numbers of every stage: from the counts that triggers keep, and the newest rows. */
export async function readStats(
  { database, queue, spill, jobs }: {
    database: Database;
    queue: Queue;
    spill?: Spill;
    jobs: Jobs;
  },
): Promise<Stats> {
  const [row] = await database.query("read the statistics", selectStats, STATS_MS);
  const { waiting, tasks, recent_failed, failed_tasks, ...rest } = row;
  const [spilled, arq, refused] = await Promise.all([
    spill?.depth(),
    jobs.measure(),
    readRefusals(database),
  ]);
  return {
    queue: { backend: queue.backend, ...waiting, spilled: spilled?.messages ?? 0 },
    jobs: { backend: jobs.backend, ...tasks, arq: arq ?? null },
    ...rest,
    refused,
    recent_failed: recent_failed.map((each) => ({ ...each, failed_at: toDate(each.failed_at) })),
    failed_tasks: failed_tasks.map((each) => ({ ...each, finished_at: toDate(each.finished_at) })),
  };
}

/** Times inside the server's JSON are texts. */
function toDate(text: Date | null): Date | null {
  return text === null ? null : new Date(text);
}
