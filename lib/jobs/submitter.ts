import { enqueueJob } from "../arq/producer.ts";
import type { Database } from "../store/database.ts";
import { errorText, type Log } from "../process/log.ts";
import { isReplyError, type Redis } from "../store/redis.ts";
import { jobIdOf, listUnsubmitted, markSubmitted, type Unsubmitted } from "./job_rows.ts";
import { openTaskTokens } from "./task_token.ts";

/** Arguments are kept for so long: a job that waited longer has expired. */
export const EXPIRES_MS = 30 * 24 * 60 * 60 * 1_000;
const AT_ONCE = 200;

export interface Submitter {
  /** Puts every task that waits into the queue. @returns how many; less when Redis is away. */
  submit(): Promise<number>;
  /** Puts one there again, with the same id. */
  submitAgain(task: Unsubmitted): Promise<void>;
}

/**
 * The outbox: a task without a job is put into the queue and then noted. Both
 * may happen twice, and the second time nothing changes.
 */
export function createSubmitter(
  { redis, database, log, queue, function: name, apiUrl }: {
    redis: Redis;
    database: Database;
    log: Log;
    queue: string;
    function: string;
    apiUrl: string;
  },
): Submitter {
  const tokens = openTaskTokens(database);

  async function enqueue(task: Unsubmitted): Promise<void> {
    await enqueueJob(redis, {
      queue,
      id: jobIdOf(task),
      function: name,
      args: [task.id],
      kwargs: {
        title: task.title.toWellFormed(),
        description: task.description.toWellFormed(),
        source: task.source,
        message_id: task.message_id,
        url: `${apiUrl}/api/tasks/${task.id}`,
        token: await tokens.make(task),
      },
      expiresMs: EXPIRES_MS,
    });
  }

  async function submitSome(): Promise<number> {
    const tasks = await listUnsubmitted(database, AT_ONCE);
    if (tasks.length === 0) return 0;
    const done = await Promise.all(tasks.map(async (task) => {
      try {
        await enqueue(task);
        return [task];
      } catch (error) {
        const level = isReplyError(error) ? "warn" : "debug";
        log[level]("jobs.submit_failed", {
          task_id: task.id,
          error: errorText(error),
        });
        return [];
      }
    }));
    await markSubmitted(database, done.flat());
    return done.flat().length;
  }

  return {
    async submit() {
      let total = 0;
      for (;;) {
        const some = await submitSome();
        total += some;
        if (some < AT_ONCE) return total;
      }
    },
    submitAgain: enqueue,
  };
}
