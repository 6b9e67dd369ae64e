import { quoted, words } from "../kit/line.ts";
import { at, first, line } from "../kit/json_path.ts";

/** What comes for a recording, a conference, a conversation, a task or a room; nothing for messages and calls. */
export function otherTitle(payload: unknown): string | undefined {
  return first(
    conversationTitle(payload),
    recordingTitle(payload),
    conferenceTitle(payload),
    roomTitle(payload),
    taskTitle(payload),
  );
}

/** Conversations, which have a body and an author but no number. */
function conversationTitle(payload: unknown): string | undefined {
  const event = line(payload, "EventType");
  const conversation = line(payload, "ConversationSid");
  if (!event || !conversation) return undefined;
  const author = first(line(payload, "Author"), line(payload, "ParticipantSid"));
  const body = quoted(line(payload, "Body"));
  const name = first(quoted(line(payload, "FriendlyName")), conversation);
  const did = words(
    ...event.replace(/^on/, "").replace(/[A-Z]/g, " $&").toLowerCase().trim().split(" "),
  );
  const title = event === "onMessageAdded"
    ? words(author ?? "Somebody", "wrote in conversation", name)
    : words("Conversation", name, did, ["by", author]);
  return body ? `${title}: ${body}` : title;
}

/** A call's recording, or what was understood of it. */
function recordingTitle(payload: unknown): string | undefined {
  const said = quoted(line(payload, "TranscriptionText"));
  const status = first(line(payload, "RecordingStatus"), line(payload, "TranscriptionStatus"));
  if (at(payload, "RecordingSid") === undefined || !status || at(payload, "CallStatus")) {
    return undefined;
  }
  const seconds = line(payload, "RecordingDuration");
  const title = words(
    at(payload, "TranscriptionStatus") === undefined ? "Recording" : "Transcription",
    ["of call", line(payload, "CallSid")],
    ["from", line(payload, "From")],
    status.replaceAll("-", " "),
  );
  return said ? `${title}: ${said}` : seconds ? `${title}, ${seconds} s` : title;
}

function conferenceTitle(payload: unknown): string | undefined {
  const event = line(payload, "StatusCallbackEvent");
  if (!event || at(payload, "ConferenceSid") === undefined) return undefined;
  const name = first(quoted(line(payload, "FriendlyName")), line(payload, "ConferenceSid"));
  const participant = first(line(payload, "ParticipantLabel"), line(payload, "CallSid"));
  return event.startsWith("participant-")
    ? words("Participant", participant, event.slice(12).replaceAll("-", " "), [
      "in conference",
      name,
    ])
    : words("Conference", name, event.replace("conference-", "").replaceAll("-", " "));
}

/** Video. */
function roomTitle(payload: unknown): string | undefined {
  const event = line(payload, "StatusCallbackEvent");
  const room = first(quoted(line(payload, "RoomName")), line(payload, "RoomSid"));
  if (!event || !room) return undefined;
  const participant = line(payload, "ParticipantIdentity");
  return event.startsWith("room-")
    ? words("Room", room, event.slice(5).replaceAll("-", " "))
    : words(participant, event.replaceAll("-", " "), ["in room", room]);
}

/** TaskRouter, which says it in a sentence of its own. */
function taskTitle(payload: unknown): string | undefined {
  const said = line(payload, "EventDescription");
  if (!said || at(payload, "EventType") === undefined) return undefined;
  return words(
    said,
    line(payload, "WorkerName") && `(${line(payload, "WorkerName")})`,
    ["in", quoted(line(payload, "TaskQueueName"))],
  );
}
