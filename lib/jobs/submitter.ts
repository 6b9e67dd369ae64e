import { removeJob } from "../arq/inspect_job.ts";
import { enqueueJob } from "../arq/producer.ts";
import { errorText } from "../process/log.ts";
import {
  countSubmitted,
  findOver,
  listUnsubmitted,
  markSubmitted,
  type Unsubmitted,
} from "./job_rows.ts";
import { type JobStores, levelOf, unlessRedisAway } from "./job_stores.ts";
import { jobIdOf } from "./round.ts";
import { openTaskTokens } from "./task_token.ts";

/**
 * A job that waited longer has expired, in milliseconds: a month outlives any
 * outage of an agent, and an abandoned queue still empties itself.
 */
export const EXPIRES_MS = 30 * 24 * 60 * 60 * 1_000;
/** Tasks in one statement and as many commands in flight to Redis. */
const AT_ONCE = 200;

/**
 * About so many jobs are in Redis at most: hours of work for agents, and little enough to be inspected
 * every few seconds. The rest of a backlog waits in the database, where waiting costs nothing.
 */
const MOST_SUBMITTED = 5_000;

/** Before it is looked again whether there is room: 5,000 rows are counted for it. */
const FULL_MS = 500;

/** What a job says: the function that a worker runs, and where it finds Otto's API. */
export interface JobContent {
  function: string;
  /** Without a slash at the end. */
  apiUrl: string;
}

export interface Submitter {
  /** Puts the oldest tasks that wait into the queue, as long as it is not long enough. */
  submit(): Promise<void>;
  /** Puts a task whose job was lost into the queue again, with the same id. */
  submitAgain(task: Unsubmitted): Promise<void>;
}

/**
 * The outbox: a task without a job is put into the queue, then the database notes
 * it. When the process dies in between both happen again, which changes nothing.
 */
export function createSubmitter(
  { redis, database, log, queue }: JobStores,
  { function: name, apiUrl }: JobContent,
): Submitter {
  const tokens = openTaskTokens(database);
  /** Whether there may be enough: a submission took as many as it can. */
  let mayBeFull = false;
  /** Until when nothing is submitted, since enough is. */
  let fullUntil = -Infinity;

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
        // Only for who has said that it knows of them: others may take no further arguments.
        ...(task.continues && { round: task.round, messages: task.unread }),
      },
      expiresMs: EXPIRES_MS,
    });
  }

  /** @returns how many were put into the queue. */
  async function submitSome(): Promise<number> {
    const tasks = await listUnsubmitted(database, AT_ONCE);
    if (tasks.length === 0) return 0;
    const done = await Promise.all(tasks.map(async (task) => {
      try {
        await enqueue(task);
        return [task];
      } catch (error) {
        log[levelOf(error)]("jobs.submit_failed", { task_id: task.id, error: errorText(error) });
        return [];
      }
    }));
    await markSubmitted(database, done.flat());
    // Cancelled or deleted in between: nothing but this remembers the job.
    for (const over of await findOver(database, done.flat())) {
      await unlessRedisAway(log, removeJob(redis, queue, jobIdOf(over)));
    }
    return done.flat().length;
  }

  return {
    async submit() {
      if (performance.now() < fullUntil) return;
      do {
        if (mayBeFull && await countSubmitted(database, MOST_SUBMITTED) >= MOST_SUBMITTED) {
          fullUntil = performance.now() + FULL_MS;
          return;
        }
        mayBeFull = await submitSome() === AT_ONCE;
      } while (mayBeFull);
    },
    submitAgain: enqueue,
  };
}
