import type { Destination } from "../task/destination.ts";
import type { Notification } from "./notification.ts";

/** How a try to tell somebody went. */
export type Delivery =
  | { ok: true }
  | { ok: false; error: string; permanent: boolean; retryAfterSeconds?: number };

/** A way to reach people. `tell` never throws: a failure is data. */
export interface Channel {
  readonly name: string;
  /** Where the outcome of a task is told through this channel; nowhere is fine. */
  destinations(task: { source: string }): Destination[];
  tell(notification: Notification, signal: AbortSignal): Promise<Delivery>;
}
