import type { PlannedMessage } from "./plan.ts";
import { rowKey } from "./tell.ts";

/**
 * Says of messages that close something whether a later one of them, that is trusted alike, opens
 * the same again; what is said of them already stands. They are in the order of their arrival.
 */
export function withTakenBack(ordered: readonly PlannedMessage[]): PlannedMessage[] {
  /** The senders' newest time of an opening that comes later. */
  const openings = new Map<string, number>();
  return ordered.toReversed().map((message) => {
    const { webhookType, subject, isTakenBack } = message;
    const name = JSON.stringify([rowKey(subject), webhookType.toLowerCase(), subject.verified]);
    const opening = openings.get(name) ?? -Infinity;
    const role = message.role ?? subject.role;
    if (role === "opens") openings.set(name, Math.max(opening, subject.at ?? Infinity));
    if (role !== "closes" || isTakenBack !== undefined) return message;
    return { ...message, isTakenBack: opening > -Infinity && opening >= (subject.at ?? -Infinity) };
  }).toReversed();
}
