import type { Fragment, Sql } from "../store/database.ts";
import type { Destination } from "../task/destination.ts";

/**
 * A way to reach people. What it is to tell stands in the outbox under its name, and so does what
 * came of it: `sent`, or `dead` with the reason.
 */
export interface Channel {
  /** As the outbox names it. */
  readonly name: string;
  /** How long it is left alone when there was nothing to do, in milliseconds. */
  readonly restMs: number;
  /**
   * Where the outcome of a task is put into the outbox together with it; nowhere for a channel
   * that follows its tasks by itself.
   */
  destinations(task: { source: string }): Destination[];
  /**
   * Tells what is due, some of it at a time, or starts to. What one worker has in hand no other
   * one tells. What cannot be told is put off or given up, and written down, never thrown.
   *
   * @returns how much there was to do.
   * @throws when the store cannot be asked.
   */
  tell(signal: AbortSignal): Promise<number>;
  /**
   * Whether there is anything to tell now or within a second or two, as a condition in SQL: a look
   * at several things costs one statement. Left out, nobody knows without trying.
   */
  waits?(sql: Sql): Fragment;
  /** Resolves when what was started has ended. */
  idle(): Promise<void>;
}
