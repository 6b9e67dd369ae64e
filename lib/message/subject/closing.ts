import type { SubjectRole } from "../../../sources/subject.ts";
import { type PlannedMessage, type PlannedSubject, roleOf } from "./planned.ts";

/** What a message is to the task of its subject: what closes it too late, or once more, is only noted. */
export function roleNow(subject: PlannedSubject, message: PlannedMessage): SubjectRole {
  const role = roleOf(message);
  const { at } = message.subject;
  if (role === "closes") {
    const isOld = isTakenBack(message, subject) ||
      at !== undefined && at < (subject.opened_ms ?? -Infinity);
    // One close is enough: whoever sends them again and again fills no inbox.
    return isOld || subject.is_closing ? "notes" : role;
  }
  // Of some senders all that is said opens: a close that a task is to hear of is taken back only by
  // what they say came after it.
  const opensAgain = at !== undefined && subject.closed_ms !== null && at >= subject.closed_ms;
  return role === "opens" && subject.is_closing && !opensAgain ? "continues" : role;
}

/** Whether what a message opens is over already: the senders' clocks say that its end was later. */
export const isOver = (subject: PlannedSubject, message: PlannedMessage) =>
  roleOf(message) === "opens" && message.subject.at !== undefined && !message.subject.lasts &&
  message.subject.at < (subject.closed_ms ?? -Infinity);

/** Whether what a message closes counts as opened again, to a task that was begun at this time. */
export const isTakenBack = (message: PlannedMessage, task: Pick<PlannedSubject, "started_at">) =>
  message.isTakenBack === true ||
  message.isTakenBack === "unless_begun" && task.started_at === null;

/**
 * Whether a message is for the next plan: one that says more behind a close that a task is told of by
 * this one, unless it follows one of its group, and all behind that.
 */
export function isBehindClose(
  subject: PlannedSubject,
  message: PlannedMessage,
  follows: boolean,
): boolean {
  const saysMore = !["closes", "notes"].includes(roleOf(message));
  subject.isPostponed ||= subject.tellsClose && !follows && saysMore;
  return subject.isPostponed ?? false;
}

/** Notes what its task is told: whether that closes it, or opens it again. */
export function noteTold(subject: PlannedSubject, role: SubjectRole): void {
  subject.tellsClose ||= role === "closes";
  subject.is_closing = role === "closes" || subject.is_closing && role !== "opens";
}

/** As `told` writes them: what nobody vouches for moves nothing that somebody has vouched for. */
export function noteTimes(subject: PlannedSubject, message: PlannedMessage): void {
  const { at, verified } = message.subject;
  if (at === undefined || subject.verified && !verified) return;
  subject.verified ||= verified;
  const role = roleOf(message);
  if (role === "opens") subject.opened_ms = Math.max(at, subject.opened_ms ?? 0);
  if (role === "closes") subject.closed_ms = Math.max(at, subject.closed_ms ?? 0);
}
