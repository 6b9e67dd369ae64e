import type { Database } from "../store/database.ts";
import {
  claimTasks,
  cutOffTasks,
  findCrashedTasks,
  holdTasks,
  MOST_TASK_ATTEMPTS,
  releaseTasks,
} from "../task/claim.ts";
import { type Jobs, type LossLimit, WORKER_LOST } from "./jobs.ts";

/** Where workers live until somebody stops them. */
export const ON_WORKERS: LossLimit = { attempts: MOST_TASK_ATTEMPTS, error: WORKER_LOST };
/** Where the host ends them when it likes: each try may have been paid for. */
export const ON_SHORT_LIVED: LossLimit = {
  attempts: 3,
  error: {
    code: "host_stopped",
    message: "the host stopped three times in the middle of it: it does not live as long as a " +
      "step of the agent may take (step_seconds in AGENT_CONFIG). Lower step_seconds, take a " +
      "quicker model, or let worker.ts work on another host",
  },
};

/** The `tasks` table as the queue, with a lease in each row. */
export function openPostgresJobs(database: Database, limit: LossLimit = ON_WORKERS): Jobs {
  return {
    backend: "postgres",
    // Collecting only ends what has crashed its workers: soon enough for people, and cheap.
    collectEveryMs: 5_000,
    mostAttempts: limit.attempts,
    claim: (which) => claimTasks(database, { ...which, mostAttempts: limit.attempts }),
    hold: (worker, held) => holdTasks(database, worker, held),
    // The end of the task in the database was the end of its lease.
    finish: () => Promise.resolve(),
    release: (worker) => releaseTasks(database, worker),
    cutOff: (worker) => cutOffTasks(database, worker),
    async collect() {
      const crashed = await findCrashedTasks(database, limit.attempts);
      return {
        endings: crashed.map((task) => ({
          ...task,
          actor: "otto",
          end: { status: "failed", error: limit.error },
        })),
        unstarted: [],
      };
    },
    measure: () => Promise.resolve(undefined),
    // A job is a row, and whether rows are written is checked by itself.
    check: () => Promise.resolve(undefined),
  };
}
