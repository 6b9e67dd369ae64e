import { at, first, text } from "../kit/json_path.ts";
import { subjectOf } from "./subject.ts";

const SOMEBODY = "somebody";

/**
 * Who alone may read what an event says: the team, of an internal note; of a confidential issue
 * those who see it.
 */
export function audienceOf(payload: unknown): string | undefined {
  const place = subjectOf(payload)?.key;
  if (isInternal(payload) !== false) return teamOf(place);
  const isConfidential = at(payload, "issue", "confidential") === true ||
    at(payload, "object_attributes", "confidential") === true;
  return isConfidential ? place ?? SOMEBODY : undefined;
}

/** Who reads the internal notes of a place, by the key of what it is: some of those who see it. */
export function teamOf(place: string | undefined): string {
  return `${place ?? SOMEBODY}/team`;
}

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
