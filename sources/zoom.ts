import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { encodeHex, hmac } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming, SourceSecrets } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Zoom";
export const secretVariable = "ZOOM_WEBHOOK_SECRET_TOKEN";
export const troubles = [
  'Zoom\'s "Validate" needs the secret token set here first, and asks again every 72 hours.',
];
export const secretIsTheirs = true;
export const setup = "App Marketplace → the app → Feature → Event Subscriptions: URL; secret token";

/** `v0:{time}:{body}`, as in Zoom's sample (zoom/webhook-sample). */
export const { verify, sign, proof } = signedBy({
  header: "x-zm-signature",
  prefix: "v0=",
  encoding: "hex",
  signed: "v0:{time}:{body}",
  time: { header: "x-zm-request-timestamp" },
}, { variable: secretVariable, is: "the app's secret token" });

/** Zoom sends no id: the event, its time, and what or whom it is about. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const object = at(payload, "payload", "object");
  const parts = [
    text(payload, "event"),
    text(payload, "event_ts"),
    first(text(object, "uuid"), text(object, "id")),
    text(object, "participant", "user_id"),
  ];
  return parts[0] && parts[1] ? usableId(parts.map((part) => part ?? "").join(":")) : undefined;
}

/** A plain token has no colon, so that what we sign for it can never pass for a signed `v0:{time}:{body}`. */
const PLAIN_TOKEN = /^[\w.~+/=-]{1,200}$/;

/** Answers the validation of the URL, now and every 72 hours, with the secret that signed it. */
export async function handshake(
  request: Incoming,
  { secrets }: SourceSecrets,
): Promise<HandshakeReply | undefined> {
  const payload = payloadOf(request);
  if (at(payload, "event") !== "endpoint.url_validation") return undefined;
  const plainToken = at(payload, "payload", "plainToken");
  if (typeof plainToken !== "string" || !PLAIN_TOKEN.test(plainToken)) {
    return { status: 400, contentType: "text/plain", body: "payload.plainToken is missing" };
  }
  let used = secrets[0] ?? "";
  for (const secret of secrets) if ((await verify(request, [secret])).ok) used = secret;
  if (used === "") return { status: 401 };
  const encryptedToken = encodeHex(await hmac("SHA-256", used, plainToken));
  return {
    status: 200,
    contentType: "application/json",
    body: JSON.stringify({ plainToken, encryptedToken }),
  };
}

/** Says what happened in a meeting, such as `Meeting "Weekly" started by ada@example.com`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event");
  const object = at(payload, "payload", "object");
  const [thing, did] = event?.split(".") ?? [];
  const person = line(object, "participant", "user_name");
  const actor = first(person, line(payload, "payload", "operator"));
  const registrant = words(
    line(object, "registrant", "first_name"),
    line(object, "registrant", "last_name"),
  ) || line(object, "registrant", "email");
  const topic = first(
    quoted(line(object, "topic")),
    words(line(object, "first_name"), line(object, "last_name")) || undefined,
    line(object, "email"),
    line(object, "caller", "phone_number"),
    quoted(line(object, "name")),
  );
  return toDescription({ name: "zoom", label }, payload, context, {
    event,
    title: thing &&
      (person
        ? words(person, did?.replace(/^participant_/, "").replaceAll("_", " "), thing, topic)
        : words(
          thing[0].toUpperCase() + thing.slice(1),
          topic,
          did?.replaceAll("_", " "),
          ["of", registrant],
          ["by", actor],
        )),
    links: [at(object, "share_url"), at(object, "join_url")],
    actor,
    fields: {
      meeting: line(object, "id"),
      topic: line(object, "topic"),
      started: line(object, "start_time"),
      minutes: line(object, "duration"),
    },
  });
}

export const about = "a meeting or a webinar that is held once";

/** What an event is about: one meeting. Its number comes again with the next of a series, and its end is not the last of it: the recording comes later. */
export function subject(payload: unknown): Subject | undefined {
  const [thing, did] = line(payload, "event")?.split(".") ?? [];
  const object = at(payload, "payload", "object");
  const topic = line(object, "topic");
  return toSubject(idAt(object, "uuid"), {
    role: thing === "recording" || did?.startsWith("participant_")
      ? "continues"
      : did === "started"
      ? "opens"
      : "notes",
    name: topic && words("Meeting", quoted(topic)),
    link: httpLink(at(object, "share_url")),
    at: timeAt(payload, "event_ts"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("recording.completed", {
    event: "recording.completed",
    event_ts: 1_767_322_645_000,
    payload: {
      operator: "ada@example.com",
      object: {
        uuid: "SAMPLE",
        id: 123456789,
        topic: "Weekly phone meeting",
        start_time: "2026-01-02T03:04:05Z",
        duration: 30,
        share_url: "https://example.zoom.us/rec/share/abc",
      },
    },
  }),
];
