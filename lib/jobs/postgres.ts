import type { Database } from "../store/database.ts";
import { claimTasks, findCrashedTasks, holdTasks, releaseTasks } from "../task/claim.ts";
import { type Jobs, WORKER_LOST } from "./jobs.ts";

/** The `tasks` table as the queue, with a lease in each row. */
export function openPostgresJobs(database: Database): Jobs {
  return {
    backend: "postgres",
    // Collecting only ends what has crashed its workers: soon enough for people, and cheap.
    collectEveryMs: 5_000,
    claim: (which) => claimTasks(database, which),
    hold: (worker, held) => holdTasks(database, worker, held),
    // The end of the task in the database was the end of its lease.
    finish: () => Promise.resolve(),
    release: (worker) => releaseTasks(database, worker),
    async collect() {
      const crashed = await findCrashedTasks(database);
      return {
        endings: crashed.map((task) => ({
          ...task,
          actor: "otto",
          end: { status: "failed", error: WORKER_LOST },
        })),
        unstarted: [],
      };
    },
    measure: () => Promise.resolve(undefined),
    // A job is a row, and whether rows are written is checked by itself.
    check: () => Promise.resolve(undefined),
  };
}
