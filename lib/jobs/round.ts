/** One round of a task, which is one job: a task that is retried or goes on after a pause has another. */
export interface Round {
  id: string;
  round: number;
}

/** The id of a round's job: the task's for the first, so that people find it in Redis. */
export function jobIdOf({ id, round }: Round): string {
  return round === 1 ? id : `${id}:${round}`;
}

const JOB_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?::([1-9]\d{0,8}))?$/;

/** The round that a job's id names; undefined when it is none of ours. */
export function roundOf(jobId: string): Round | undefined {
  const [, id, round = "1"] = JOB_ID.exec(jobId) ?? [];
  return id === undefined || round === "1" && jobId !== id
    ? undefined
    : { id, round: Number(round) };
}
