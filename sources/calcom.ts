import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { triedBy } from "./kit/challenge.ts";
import { idWithContent, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Cal.com";
export const aliases = ["cal.com", "cal"];
export const secretVariable = "CALCOM_WEBHOOK_SECRET";
export const setup =
  "Settings → Developer → Webhooks, or an event type's: subscriber URL and secret";

/** calcom/cal.com, packages/features/webhooks; without a secret it sends the words `no-secret-provided`. */
export const { verify, sign, proof, signedContentKeys } = signedBy(
  { header: "X-Cal-Signature-256", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** "Ping test" in the webhook's settings. */
export const { probe, handshake } = triedBy((request) =>
  at(payloadOf(request), "triggerEvent") === "PING"
);

/** Cal.com sends no id: all that it says, with the time at which it happened. */
export function deliveryId(request: Incoming): string | undefined {
  return idWithContent(request, text(payloadOf(request), "createdAt"));
}

/** Says what became of which booking, when it is and with whom. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "triggerEvent");
  // Some triggers have the booking's own fields at the top.
  const booking = at(payload, "payload") ?? payload;
  const nameOf = (person: unknown) => first(line(person, "name"), line(person, "email"));
  const attendees = list(booking, "attendees");
  const guest = nameOf(attendees[0]);
  const by = first(line(booking, "cancelledBy"), line(booking, "rescheduledBy"));
  const reason = first(
    line(booking, "cancellationReason"),
    line(booking, "rejectionReason"),
    line(booking, "rescheduleReason"),
  );
  const did = event?.toLowerCase().replaceAll("_", " ");
  const title = did && words(
    did[0].toUpperCase() + did.slice(1),
    quoted(first(line(booking, "title"), line(booking, "eventTitle"), line(booking, "type"))),
    ["on", line(booking, "startTime")],
    ["with", words(guest, attendees.length > 1 ? `and ${attendees.length - 1} more` : undefined)],
    ["by", by],
  );
  return toDescription({ name: "calcom", label }, payload, context, {
    event,
    title: title && reason ? `${title}: ${reason}` : title,
    links: [at(booking, "metadata", "videoCallUrl"), at(booking, "videoCallData", "url")],
    actor: first(by, guest),
    fields: {
      organizer: nameOf(at(booking, "organizer")),
      attendee: line(attendees[0], "email"),
      start: line(booking, "startTime"),
      end: line(booking, "endTime"),
      location: line(booking, "location"),
      status: line(booking, "status"),
      uid: line(booking, "uid"),
    },
    text: first(whole(booking, "additionalNotes"), whole(booking, "description"), reason),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("BOOKING_CREATED", {
    triggerEvent: "BOOKING_CREATED",
    createdAt: "2026-01-02T03:04:05.678Z",
    payload: {
      type: "phone-review",
      title: "Phone review between Grace Hopper and Ada Byron",
      startTime: "2026-01-05T09:00:00Z",
      endTime: "2026-01-05T09:30:00Z",
      organizer: { name: "Grace Hopper", email: "grace@example.com" },
      attendees: [{ name: "Ada Byron", email: "ada@example.com" }],
      uid: "SAMPLE",
      status: "ACCEPTED",
    },
  }),
];
