import type { Database } from "../store/database.ts";
import { claimTasks, findCrashedTasks, holdTasks, releaseTasks } from "../task/claim.ts";
import { type Jobs, WORKER_LOST } from "./jobs.ts";

/** The `tasks` table as the queue, with a lease in each row. */
export function openPostgresJobs(database: Database): Jobs {
  return {
    backend: "postgres",
    collectEveryMs: 5_000,
    claim: (which) => claimTasks(database, which),
    hold: (worker, held) => holdTasks(database, worker, held),
    // Ending the task has ended its lease.
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
        late: [],
      };
    },
    measure: () => Promise.resolve(undefined),
  };
}
