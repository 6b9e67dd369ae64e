import type { sources } from "../mod.ts";

/** A source, and the names that together only its bodies have; `form` where they are a form's. */
type Marks = readonly [source: keyof typeof sources, ...names: string[]];

/** The marks of senders whose headers say nothing of them, in JSON. */
const IN_JSON: readonly Marks[] = [
  ["mailgun", "event-data", "signature"],
  ["postmark", "RecordType", "MessageID"],
  ["postmark", "MailboxHash", "FromFull"],
  ["msgraph", "subscriptionId", "changeType"],
  ["msgraph", "subscriptionId", "lifecycleEvent"],
  ["telegram", "update_id", "chat"],
  ["telegram", "update_id", "from"],
  ["sendgrid", "sg_event_id", "sg_message_id"],
  ["alertmanager", "groupKey", "groupLabels", "externalURL"],
  ["hubspot", "subscriptionType", "portalId"],
  ["sns", "TopicArn", "SigningCertURL"],
  ["eventgrid", "eventType", "eventTime", "dataVersion"],
  ["slack", "team_id", "api_app_id"],
  ["stripe", "api_version", "livemode", "pending_webhooks"],
  ["paypal", "event_type", "resource_type", "event_version"],
];
const IN_FORMS: readonly Marks[] = [
  ["mailgun", "recipient", "body-plain", "signature"],
  ["twilio", "AccountSid", "MessageSid"],
  ["twilio", "AccountSid", "CallSid"],
  ["slack", "team_id", "response_url"],
];

/** Where names are looked for: what tells a sender stands at the beginning, or not far from it. */
const MOST_BYTES = 16 * 1024;

/**
 * The source whose bodies look like this one, by the names in its first 16 KiB; it is not parsed,
 * for nothing of a stranger's is before it is kept.
 */
export function recogniseBody(body: Uint8Array): keyof typeof sources | undefined {
  const text = new TextDecoder().decode(body.subarray(0, MOST_BYTES));
  const isJson = text.startsWith("{") || text.startsWith("[");
  const found = isJson
    ? IN_JSON.find(([, ...names]) => names.every((name) => text.includes(`"${name}"`)))
    : IN_FORMS.find(([, ...names]) => names.every((name) => hasField(text, name)));
  return found?.[0];
}

/** Of a form in either writing. */
function hasField(text: string, name: string): boolean {
  return text.startsWith(`${name}=`) || text.includes(`&${name}=`) ||
    text.includes(`name="${name}"`);
}
