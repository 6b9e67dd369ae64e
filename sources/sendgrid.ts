import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedByKey } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { mailTitle } from "./words/mail.ts";
import { eachOnce, titleOfAll, toDescription, withoutTags } from "./kit/to_description.ts";
import { agreedSubject, idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { mailThread, threadIn } from "./kit/subject/mail_subject.ts";

export const label = "SendGrid";
export const secretVariable = "SENDGRID_WEBHOOK_PUBLIC_KEY";
export const secretIsTheirs = true;
export const setup =
  "Settings → Mail Settings → Event Webhook: URL, signed; the verification key. " +
  "For mail that comes in: Settings → Inbound Parse, the same URL";
export const troubles = [
  'Switch on "Signed Event Webhook" and save before you copy the verification key: each switch makes a new one.',
  "Mails of Inbound Parse that come without a signature are refused while a key is set: give them a source of their own in SOURCES_FILE.",
];
/** Inbound Parse forwards mails with their files, of 30 MB at most (sendgrid.com, "Inbound Email Parse Webhook"). */
export const bodyLimit = 31 * 1024 * 1024;

/** ECDSA over time and body, its last line break included (@sendgrid/eventwebhook). Whether a retry is signed anew is not documented. */
export const { verify, proof, takes } = signedByKey({
  algorithm: "ECDSA-P256",
  header: "X-Twilio-Email-Event-Webhook-Signature",
  encoding: "base64",
  key: "base64",
  signed: "{time}{body}",
  time: { header: "X-Twilio-Email-Event-Webhook-Timestamp", window: null },
}, { variable: secretVariable, is: "the webhook's verification key" });

/** A batch is known by its events. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return Array.isArray(payload) ? batchId(itemsOf(payload).map(keyOf)) : undefined;
}

/** A batch is the same in any order. */
export const changesOnRetry: readonly string[] = [];

/** Says what became of a mail and how many more, or what mail came in (Inbound Parse, a form). */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const items = itemsOf(payload);
  const [item] = items;
  const event = line(item, "event");
  const isMail = event === undefined && text(item, "envelope") !== undefined;
  const title = isMail
    ? mailTitle({
      from: line(item, "from"),
      to: line(item, "to"),
      subject: line(item, "subject"),
      attachments: Number(line(item, "attachments") ?? 0) || 0,
    })
    : event && eventTitle(item, event);
  const reason = first(line(item, "reason"), line(item, "url"));
  return toDescription({ name: "sendgrid", label }, payload, context, {
    event: isMail ? "inbound" : event,
    title: titleOfAll(items.length, title && reason ? `${title}: ${reason}` : title),
    links: [at(item, "url")],
    actor: isMail ? line(item, "from") : undefined,
    fields: {
      email: line(item, "email"),
      reason: line(item, "reason"),
      status: line(item, "status"),
      category: first(line(item, "category"), line(item, "category", 0)),
      message: line(item, "sg_message_id"),
      events: items.length > 1 ? String(items.length) : undefined,
    },
    text: isMail ? first(whole(item, "text"), withoutTags(text(item, "html"))) : undefined,
  });
}

/** What a reader of a mail does. */
const READER: Record<string, string> = {
  open: "opened the mail",
  click: "clicked a link in the mail",
  spamreport: "reported the mail as spam",
  unsubscribe: "unsubscribed",
  group_unsubscribe: "unsubscribed from a group",
  group_resubscribe: "subscribed to a group again",
};

/** What becomes of a mail (docs.sendgrid.com, "Event Webhook reference"). */
const MAIL: Record<string, string> = {
  processed: "was accepted",
  delivered: "was delivered",
  deferred: "is deferred",
  dropped: "was dropped",
  bounce: "bounced",
  blocked: "was blocked",
};

function eventTitle(item: unknown, event: string): string {
  const email = line(item, "email");
  if (Object.hasOwn(READER, event)) return words(email ?? "Somebody", READER[event]);
  // A block is sent as a bounce of its own type.
  const kind = event === "bounce" && line(item, "type") === "blocked" ? "blocked" : event;
  return words(
    "Mail",
    quoted(line(item, "subject")),
    ["to", email],
    Object.hasOwn(MAIL, kind) ? MAIL[kind] : kind.replaceAll("_", " "),
  );
}

export const about = "a mail that was sent, or the thread of one that came in";

/** What a batch is about: one mail of ours, or the thread of one that came in. */
export function subject(payload: unknown): Subject | undefined {
  return agreedSubject(itemsOf(payload).map(ofItem));
}

function ofItem(item: unknown): Subject | undefined {
  const event = line(item, "event");
  if (event === undefined) {
    return text(item, "envelope") === undefined ? undefined : mailThread({
      ...threadIn(at(item, "headers")),
      subject: line(item, "subject"),
    });
  }
  const title = line(item, "subject");
  // What follows the first dot is of one server and recipient.
  return toSubject(idAt([idAt(item, "sg_message_id")?.split(".")[0]], 0), {
    role: roleIn(
      { opens: ["bounce", "blocked", "dropped", "spamreport"], closes: ["delivered"] },
      event,
    ),
    name: title && words("Mail", quoted(title)),
    at: timeAt(item, "timestamp"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("bounce", [{
    event: "bounce",
    email: "ada@example.com",
    reason: "550 no such mailbox",
    sg_event_id: "SAMPLE",
    sg_message_id: "m1",
    timestamp: 1_767_322_645,
  }, {
    event: "delivered",
    email: "grace@example.com",
    sg_event_id: "SAMPLE-2",
    timestamp: 1_767_322_646,
  }]),
];

function itemsOf(payload: unknown): unknown[] {
  return eachOnce(Array.isArray(payload) ? payload : [payload], keyOf);
}

function keyOf(item: unknown): string | undefined {
  return text(item, "sg_event_id");
}
