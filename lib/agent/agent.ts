import type { Description } from "../description.ts";

/** One task, with all that an agent may know about it. */
export interface Assignment {
  taskId: string;
  title: string;
  description: string;
  source: string;
  /** What the source makes of the payload: nothing in it is to be trusted. */
  told: Description;
  payload: unknown;
  verified: boolean;
  receivedAt: Date;
}

/** What an agent says came of a task. */
export interface Outcome {
  /** Markdown, for people. */
  text: string;
  /** Anything that is JSON, for programs. */
  data: unknown;
}

/**
 * Works on tasks. `run` may be called again for the same task after a crash.
 * It stops soon after the signal is aborted; a rejection fails the task with
 * the error's message.
 */
export interface Agent {
  readonly name: string;
  run(assignment: Assignment, signal: AbortSignal): Promise<Outcome>;
}
