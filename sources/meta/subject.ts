import { at, line } from "../kit/json_path.ts";
import { agreedSubject, idAt, keyOf, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject } from "../subject.ts";
import { findUpdates } from "./update.ts";

type MetaUpdate = ReturnType<typeof findUpdates>[number];

/** The conversation with one person, where all of a batch is of the same. */
export function subjectOf(payload: unknown): Subject | undefined {
  return agreedSubject(findUpdates(payload).map(ofUpdate));
}

function ofUpdate({ kind, item, around }: MetaUpdate): Subject | undefined {
  switch (kind) {
    case "message":
    case "status": {
      const number = idAt(around, "metadata", "phone_number_id");
      const person = idAt(item, kind === "message" ? "from" : "recipient_id");
      return toSubject(keyOf`${number}:${person}`, {
        role: kind === "message" ? "opens" : "notes",
        at: timeAt(item, "timestamp"),
      });
    }
    case "messaging": {
      // What we wrote ourselves comes back: the conversation is with whom it went to.
      const isEcho = at(item, "message", "is_echo") === true;
      const person = idAt(item, isEcho ? "recipient" : "sender", "id");
      const isMessage = line(item, "message", "mid") !== undefined &&
        at(item, "message", "is_deleted") !== true;
      const isSaid = !isEcho && (isMessage || at(item, "postback") !== undefined);
      return toSubject(keyOf`${idAt(around, "id")}:${person}`, {
        role: isSaid ? "opens" : "notes",
        at: timeAt(item, "timestamp"),
      });
    }
    default:
      return undefined;
  }
}
