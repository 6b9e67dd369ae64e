import type { SubjectRole } from "../../../sources/subject.ts";
import type { MessageSubject } from "./subject.ts";
import { rowKey } from "./tell.ts";

/** A message, as far as it opens or closes something. */
interface MovingMessage {
  webhookType: string;
  subject: MessageSubject;
  role?: SubjectRole;
  isTakenBack?: boolean | "unless_begun";
}

/**
 * Says of messages that close something whether a later one of them, that is trusted alike, opens
 * the same again; what is said of them already stands. They are in the order of their arrival.
 *
 * Where the sender says no times this holds only for tasks that nobody has begun: they would be
 * cancelled with the opening in their inbox. Of some senders all that is said opens.
 */
export function withTakenBack<Message extends MovingMessage>(
  ordered: readonly Message[],
): Message[] {
  /** The senders' newest time of an opening that comes later. */
  const openings = new Map<string, number>();
  return ordered.toReversed().map((message) => {
    const { webhookType, subject, isTakenBack } = message;
    const name = JSON.stringify([rowKey(subject), webhookType.toLowerCase(), subject.verified]);
    const opening = openings.get(name) ?? -Infinity;
    const role = message.role ?? subject.role;
    if (role === "opens") openings.set(name, Math.max(opening, subject.at ?? Infinity));
    if (role !== "closes" || isTakenBack !== undefined) return message;
    if (opening === -Infinity || opening < (subject.at ?? -Infinity)) return message;
    const isKnown = opening < Infinity && subject.at !== undefined;
    return { ...message, isTakenBack: isKnown || "unless_begun" as const };
  }).toReversed();
}
