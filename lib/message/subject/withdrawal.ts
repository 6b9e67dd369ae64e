/** What stands where an answer would, when what a task asks about is closed: nobody has said it. */
export const WITHDRAWN = "withdrawn: what it is about was closed meanwhile";

/** The same, when the task has been open for too long. */
export const WITHDRAWN_BY_AGE = "withdrawn: the task has been open for too long";

/** Whether a task's answer is a person's. */
export function isByPerson(answer: string): boolean {
  return answer !== WITHDRAWN && answer !== WITHDRAWN_BY_AGE;
}
