import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Calendly";
export const secretVariable = "CALENDLY_WEBHOOK_SIGNING_KEY";
export const setup = "The API's webhook subscription: url and signing_key";

/** Calendly's page judges times by three minutes (developer.calendly.com, "Webhook signatures"). */
export const { verify, sign, proof } = signedBy({
  header: "Calendly-Webhook-Signature",
  separator: ",",
  prefix: "v1=",
  encoding: "hex",
  signed: "{time}.{body}",
  time: { prefix: "t=", window: { past: 180, future: 180 } },
}, { variable: secretVariable, is: "the subscription's signing key" });

/** Calendly sends no id: the event, whom it is about, and when. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const parts = [
    text(payload, "event"),
    text(payload, "payload", "uri"),
    text(payload, "created_at"),
  ];
  return parts.every((part) => part) ? usableId(parts.join("|")) : undefined;
}

const DID: Record<string, string> = {
  "invitee.created": "booked",
  "invitee.canceled": "canceled",
  "invitee_no_show.created": "did not show up for",
  "invitee_no_show.deleted": "did show up for",
  "routing_form_submission.created": "filled in a routing form",
};

/** Says who booked or canceled what. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event");
  const data = at(payload, "payload");
  const person = first(line(data, "name"), line(data, "email"));
  const meeting = at(data, "scheduled_event");
  const moved = at(data, "rescheduled") === true || text(data, "old_invitee") !== undefined;
  return toDescription({ name: "calendly", label }, payload, context, {
    event,
    title: event && words(
      person ?? "Somebody",
      moved ? "rescheduled" : DID[event] ?? event.replaceAll(/[._]/g, " "),
      line(meeting, "name"),
      ["on", line(meeting, "start_time")],
      ["because of", line(data, "cancellation", "reason")],
    ),
    actor: person,
    fields: {
      email: line(data, "email"),
      status: line(data, "status"),
      start: line(meeting, "start_time"),
      location: first(line(meeting, "location", "location"), line(meeting, "location", "join_url")),
      canceled_by: line(data, "cancellation", "canceled_by"),
      answer: line(list(data, "questions_and_answers")[0], "answer"),
    },
    text: first(
      whole(data, "cancellation", "reason"),
      whole(data, "questions_and_answers", 0, "answer"),
    ),
  });
}

export const about = "a meeting";

/** What an event is about: the meeting; one that is moved is canceled, too, but only to be booked anew. */
export function subject(payload: unknown): Subject | undefined {
  const event = line(payload, "event");
  const meeting = at(payload, "payload", "scheduled_event");
  const isMoved = at(payload, "payload", "rescheduled") === true;
  const name = line(meeting, "name");
  return toSubject(idAt(meeting, "uri"), {
    role: event === "invitee.canceled" && isMoved
      ? "notes"
      : roleIn({ opens: ["invitee.created"], closes: ["invitee.canceled"] }, event),
    name: name && words(name, ["on", line(meeting, "start_time")]),
    at: timeAt(payload, "created_at"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("invitee.created", {
    event: "invitee.created",
    created_at: "2026-01-02T03:04:05Z",
    payload: {
      uri: "https://api.calendly.com/scheduled_events/1/invitees/SAMPLE",
      name: "Ada Byron",
      email: "ada@example.com",
      status: "active",
      scheduled_event: {
        uri: "https://api.calendly.com/scheduled_events/SAMPLE",
        name: "Phone review",
        start_time: "2026-01-05T09:00:00Z",
      },
    },
  }),
];
