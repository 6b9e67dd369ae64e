/** Somebody else has the task now, or it was cancelled: what this worker does counts no more. */
export class TaskLostError extends Error {
  override readonly name = "TaskLostError";
  constructor() {
    super("the task was cancelled or taken over");
  }
}

/** Which lease of which task: every write is refused once there is a newer one. */
export interface TaskLease {
  taskId: string;
  epoch: number;
}
