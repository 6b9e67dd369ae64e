import { at, first, line } from "../kit/json_path.ts";
import { words } from "../kit/line.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";
import { messageStatus } from "./title.ts";

/**
 * What an event is about: a conversation, a call, or all messages between two numbers, so that what
 * becomes of our own is told of the same.
 */
export function subjectOf(payload: unknown): Subject | undefined {
  if (at(payload, "ConversationSid") !== undefined) {
    return toSubject(idAt(payload, "ConversationSid"), {
      role: conversationRole(payload),
      name: line(payload, "FriendlyName"),
      at: timeAt(payload, "DateCreated"),
    });
  }
  if (at(payload, "CallSid") !== undefined) {
    return toSubject(idAt(payload, "CallSid"), {
      role: callRole(payload),
      name: words("Call with", otherSide(payload, line(payload, "Direction") === "inbound")),
      at: timeAt(payload, "Timestamp"),
    });
  }
  const status = messageStatus(payload);
  if (status === undefined) return undefined;
  const isInbound = status === "received" || status === "receiving";
  const numbers = [idAt(payload, "From"), idAt(payload, "To")];
  // Sorted, as an answer goes the other way.
  const [one, other] = numbers.includes(undefined) ? [] : numbers.sort();
  return toSubject(keyOf`${idAt(payload, "AccountSid")}:${one}|${other}`, {
    role: isInbound ? inboundRole(payload) : roleIn({ result: ["failed", "undelivered"] }, status),
    name: words("Messages with", otherSide(payload, isInbound)),
  });
}

function inboundRole(payload: unknown): SubjectRole {
  return line(payload, "OptOutType") === "STOP" ? "closes" : "opens";
}

/** What a caller does is heard; how the call ended is a result. */
function callRole(payload: unknown): SubjectRole {
  const isSaid = ["Digits", "SpeechResult", "TranscriptionText", "RecordingUrl"]
    .some((key) => line(payload, key) !== undefined);
  if (isSaid) return "continues";
  return roleIn({
    opens: line(payload, "Direction") === "inbound" ? ["ringing"] : [],
    result: ["completed", "busy", "failed", "no-answer", "canceled"],
  }, line(payload, "CallStatus"));
}

function conversationRole(payload: unknown): SubjectRole {
  const event = line(payload, "EventType");
  if (event === "onConversationStateUpdated" && line(payload, "StateTo") === "closed") {
    return "closes";
  }
  return roleIn({
    opens: ["onConversationAdded"],
    continues: ["onMessageAdded"],
    closes: ["onConversationRemoved"],
  }, event);
}

/** Who is not us, by the name where one is told. */
function otherSide(payload: unknown, isInbound: boolean): string | undefined {
  const name = isInbound ? line(payload, "ProfileName") : undefined;
  return first(name, line(payload, isInbound ? "From" : "To")?.replace(/^\w+:/, ""));
}
