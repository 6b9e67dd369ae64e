import type { Description } from "./description.ts";
import { first, line, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Airtable";
export const secretVariable = "AIRTABLE_WEBHOOK_SECRET";
export const troubles = [
  "A webhook ends after seven days unless it is refreshed by the API, and it says only that something changed.",
];
export const secretIsTheirs = true;
export const setup =
  "The web API's create-webhook: notificationUrl; its answer has macSecretBase64";

/** In hexadecimal digits, with the decoded secret (airtable.com/developers/web/api/webhooks-overview; gtalarico/pyairtable). */
export const { verify, sign, proof } = signedBy({
  header: "X-Airtable-Content-MAC",
  prefix: "hmac-sha256=",
  encoding: "hex",
  key: "base64",
}, { variable: secretVariable, is: "the webhook's macSecretBase64" });

/** Airtable sends no id: the webhook and the time. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const [webhook, time] = [text(payload, "webhook", "id"), text(payload, "timestamp")];
  return webhook && time ? usableId(`${webhook}|${time}`) : undefined;
}

/** Airtable wants an empty answer. */
export function answer(): HandshakeReply {
  return { status: 200 };
}

/** Says which base changed; the changes are to be had from the API only. A script's own body is read by our convention. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const base = line(payload, "base", "id");
  const saying = first(line(payload, "title"), line(payload, "message"), line(payload, "name"));
  return toDescription({ name: "airtable", label }, payload, context, {
    event: base ? "base.changed" : line(payload, "event"),
    title: base ? `Airtable base ${base} changed` : saying,
    links: [/^app\w+$/.test(base ?? "") ? `https://airtable.com/${base}` : undefined],
    fields: { base, webhook: line(payload, "webhook", "id"), time: line(payload, "timestamp") },
    text: whole(payload, "message"),
  });
}

export const about = "a base";

/** What a notice is about: its base, as it says no more. */
export function subject(payload: unknown): Subject | undefined {
  const base = idAt(payload, "base", "id");
  return toSubject(base, {
    role: "continues",
    link: /^app\w+$/.test(base ?? "") ? `https://airtable.com/${base}` : undefined,
    at: timeAt(payload, "timestamp"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("base.changed", {
    base: { id: "appPhone1" },
    webhook: { id: "achSAMPLE" },
    timestamp: "2026-01-02T03:04:05.000Z",
  }),
];
