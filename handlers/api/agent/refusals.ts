import { Problem } from "../../problem.ts";

/** The task is somebody else's by now. */
export function stale(): Problem {
  return new Problem(
    409,
    "task_stale",
    "The task is not this job's any more: it has ended, was cancelled, retried or taken over",
    "Stop working on it; what it needs now is in the queue",
  );
}

/** What only a worker may do that goes on with what comes later. */
export function notContinuing(): Problem {
  return new Problem(
    409,
    "task_not_continuing",
    "This worker has not said that it goes on with later messages",
    'Claim the task with "continues": true; else later messages become a new task after its end',
  );
}

/** The task does not end, or wait, before they are read. */
export function hasNews(
  count: number,
  { id, epoch, seen }: { id: string; epoch: number; seen?: string },
): Problem {
  const path = `/api/tasks/${id}/messages?epoch=${epoch}${seen ? `&after=${seen}` : ""}`;
  return new Problem(
    409,
    "task_has_news",
    count === 1
      ? "A newer message about the same has come in"
      : `${count} newer messages about the same have come in`,
    `Read them with GET ${path}, then send a result with the \`seen\` of that answer`,
  );
}

/** What it came to stands in the words. */
export function waitDenied(reason: string): Problem {
  return new Problem(
    409,
    "wait_denied",
    `The task may not wait: ${reason}`,
    'End it with "completed" or "failed"',
  );
}
