import { isId } from "../store/id.ts";

/** One round of a task, which is one job: a task that is retried or goes on after a pause has another. */
export interface Round {
  id: string;
  round: number;
}

/** The id of a round's job: the task's for the first, so that people find it in Redis. */
export function jobIdOf({ id, round }: Round): string {
  return round === 1 ? id : `${id}:${round}`;
}

/** The id of the task that a job may be for; undefined for one that is never Otto's. */
export function taskIdOf(jobId: string): string | undefined {
  const [id] = jobId.split(":", 1);
  return isId(id) ? id : undefined;
}
