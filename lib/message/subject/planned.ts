import type { SubjectRole } from "../../../sources/subject.ts";
import type { KnownSubject } from "./known.ts";
import type { MessageSubject } from "./subject.ts";

/** A message whose task is to be found. */
export interface JoiningMessage {
  messageId: string;
  webhookType: string;
  event: string | null;
  /** Why it makes no task of its own, where it joins none. */
  unlessJoined?: string;
  /** What it is in its subject, where that is told already and `subject` does not say it again. */
  role?: SubjectRole;
  /** The message of its group that decides for all of it, which comes before it. */
  leader?: string;
  /** A person speaks to the task: it wakes whatever that waits for. */
  isSpokenTo?: boolean;
  /** What it closes was opened again in its group: it closes nothing. */
  isTakenBack?: boolean | "unless_begun";
}

/** The same with what it is about, once that is known. */
export type PlannedMessage = JoiningMessage & { subject: MessageSubject };

export const roleOf = ({ role, subject }: PlannedMessage): SubjectRole => role ?? subject.role;

/** A subject while messages are decided on, one after the other. */
export interface PlannedSubject extends Omit<KnownSubject, "task_id" | "is_leaving"> {
  task?: { id: string; maker?: string };
  /** Whether its task is told of its close by this plan. */
  tellsClose?: boolean;
  /** Then what more is said of it is for the next plan. */
  isPostponed?: boolean;
}

/** A subject as it is before the first message is decided on. */
export function planned(
  { webhookType, subject }: PlannedMessage,
  known: KnownSubject | undefined,
): PlannedSubject {
  if (!known) {
    return {
      ...subject,
      version: 0,
      opened_ms: null,
      closed_ms: null,
      stopped_why: null,
      delivered: 0,
      webhook_type: webhookType.toLowerCase(),
      task_verified: subject.verified,
      in_inbox: 0,
      is_closing: false,
      started_at: null,
      now: new Date(),
      wait_key: null,
      wait_for: null,
    };
  }
  const { task_id, is_leaving: _, ...rest } = known;
  return { ...rest, ...(task_id !== null && { task: { id: task_id } }) };
}
