import { type JobAnswer, workFailed } from "../arq/worker.ts";
import type { Finish } from "../task/finish.ts";

/** What a program in Python gets that waits for the job. */
export function answerFor(finish: Finish): JobAnswer {
  if (finish.status === "completed") {
    const { text, data } = finish.result;
    return { value: { text: text.toWellFormed(), data: data as null } };
  }
  if (finish.status === "failed") return workFailed(finish.error.message);
  // The job has ended, the task has not: it goes on in another round with a job of its own.
  return { value: { status: finish.status } };
}
