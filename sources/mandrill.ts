import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { isForm, payloadOf, usableId } from "./kit/incoming.ts";
import { formFields } from "./kit/body/form.ts";
import { signedBy } from "./kit/signed.ts";
import { digest } from "./signature/signature.ts";
import type { DescribeContext, HandshakeReply, Incoming, Sample, Verdict } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";

export const label = "Mandrill";
export const aliases = ["mailchimp-transactional"];
export const secretVariable = "MANDRILL_WEBHOOK_KEY";
export const secretIsTheirs = true;
export const setup = "Settings → Webhooks, or Inbound → the route: URL (set PUBLIC_URL to its " +
  "origin); the key that is shown there";
/** Inbound mail comes with its attachments; no cap is documented, and more is not read. */
export const bodyLimit = 25 * 1024 * 1024;

const HEADER = "X-Mandrill-Signature";
const signed = signedBy(
  { algorithm: "HMAC-SHA-1", header: HEADER, encoding: "base64", signed: "{url}{body}" },
  { variable: secretVariable, is: "the webhook's key, and PUBLIC_URL to the origin of its URL" },
);
export const proof = `HMAC-SHA-1 of \`{url}\` and the form's sorted fields in \`${HEADER}\``;

/** The URL as it was entered, and after it each field's name and value (mailchimp.com/developer, "Authenticating webhook requests"). */
export function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  return signed.verify(withFieldsAsBody(request), secrets);
}

/** Signs a form as Mandrill does. */
export function sign(request: Incoming, secret: string): Promise<Record<string, string>> {
  return signed.sign(withFieldsAsBody(request), secret);
}

/** The fields, which are signed; the URL is the same each time. */
export function signedContentKeys(request: Incoming): Uint8Array[] {
  return [withFieldsAsBody(request).body];
}

/** A trial has no events: a longer body is not parsed before its signature is checked. */
const MAX_TRIAL_SIZE = 256;

/**
 * Answers the HEAD that asks whether the URL is there, and the form without events that comes where
 * that fails: a key that everybody knows has signed it ("Why can't my webhook URL be verified").
 */
export function probe(request: Incoming): HandshakeReply | undefined {
  if (request.method === "HEAD") return { status: 200 };
  if (request.method !== "POST" || request.body.length > MAX_TRIAL_SIZE) return undefined;
  const events = text(payloadOf(request), "mandrill_events");
  return events && /^\s*\[\s*\]\s*$/.test(events) ? { status: 200 } : undefined;
}

/** Mandrill sends no id of a delivery: all its events, each with its time. */
export function deliveryId(request: Incoming): string | undefined {
  const events = eventsIn(payloadOf(request));
  return events.length > 0 && events.every((event) => text(event, "ts"))
    ? usableId(digest(JSON.stringify(events)))
    : undefined;
}

const DID: Record<string, string> = {
  send: "sent",
  deferral: "deferred",
  hard_bounce: "bounced (hard)",
  soft_bounce: "bounced (soft)",
  open: "opened",
  click: "clicked",
  spam: "marked as spam",
  unsub: "unsubscribed from",
  reject: "rejected",
};

/** Says what became of a mail, or what mail came in, and how many more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eachOnce(eventsIn(payload), (event) => JSON.stringify(event));
  const [event] = events;
  const kind = first(line(event, "event"), line(event, "type"), line(event, "action"));
  const message = at(event, "msg");
  const isInbound = kind === "inbound";
  const sender = first(line(message, "from_email"), line(message, "sender"));
  const to = line(message, "email");
  const reason = first(line(message, "diag"), line(message, "bounce_description"));
  const title = isInbound
    ? words("Mail", ["from", sender], ["to", to], quoted(line(message, "subject")))
    : kind && message !== undefined
    ? words(
      "Mail",
      quoted(line(message, "subject")),
      DID[kind] ?? kind.replaceAll("_", " "),
      [/^(?:open|click|spam|unsub)$/.test(kind) ? "by" : "to", to],
    )
    : kind && words("Mandrill", kind.replaceAll("_", " "), line(event, "reject", "email"));
  const said = isInbound ? line(message, "text") : reason;
  return toDescription({ name: "mandrill", label }, payload, context, {
    event: kind,
    title: titleOfAll(events.length, title && said ? `${title}: ${said}` : title),
    links: [at(event, "url")],
    actor: isInbound ? sender : undefined,
    fields: {
      email: to,
      from: sender,
      reason,
      state: line(message, "state"),
      template: line(message, "template"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
    text: isInbound ? first(whole(message, "text"), whole(message, "html")) : undefined,
  });
}

/** Small events to try the source with. */
export const samples: readonly Sample[] = [
  sample("hard_bounce", {
    _id: "SAMPLE",
    event: "hard_bounce",
    ts: 1767323045,
    msg: {
      _id: "SAMPLE",
      email: "ada@example.com",
      subject: "Your invoice",
      sender: "billing@example.com",
      state: "bounced",
      diag: "no such mailbox",
    },
  }),
  sample("inbound", {
    event: "inbound",
    ts: 1767323045,
    msg: {
      from_email: "ada@example.com",
      email: "support@example.com",
      subject: "SAMPLE",
      text: "The line drops after ten minutes.",
    },
  }),
];

function sample(event: string, content: unknown): Sample {
  return {
    event,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ mandrill_events: JSON.stringify([content]) }).toString(),
  };
}

/** The events are JSON in a form's field. */
function eventsIn(payload: unknown): unknown[] {
  const field = text(payload, "mandrill_events");
  if (!field) return [];
  try {
    const events: unknown = JSON.parse(field);
    return Array.isArray(events) ? events : [];
  } catch {
    return [];
  }
}

/** A request with what is signed after the URL in the body's place. */
function withFieldsAsBody(request: Incoming): Incoming {
  if (!isForm(request)) return request;
  try {
    const fields = [...formFields(request.body)].sort(([one], [other]) => one < other ? -1 : 1);
    const text = fields.map(([name, values]) => name + values.join("")).join("");
    return { ...request, body: new TextEncoder().encode(text) };
  } catch {
    // It has more fields than are read, so it is none of Mandrill's.
    return request;
  }
}
