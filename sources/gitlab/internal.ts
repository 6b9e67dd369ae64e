import { at, first, text } from "../kit/json_path.ts";

/**
 * Whether a note is for the team only; undefined where that cannot be known. Most versions say it
 * only by the kind of event (GitLab's `NoteBuilder` has no such attribute), older ones by another
 * word; and any comment on a confidential issue is of that kind, too.
 */
export function isInternal(payload: unknown): boolean | undefined {
  if (text(payload, "object_kind") !== "note") return false;
  const note = at(payload, "object_attributes");
  const said = first(at(note, "internal"), at(note, "confidential"));
  if (typeof said === "boolean") return said;
  if (text(payload, "event_type") !== "confidential_note") return false;
  return at(payload, "issue", "confidential") === true ? undefined : true;
}
