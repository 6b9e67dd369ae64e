import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { decodeHex, encodeHex, hmac, verifyHmac } from "./signature/signature.ts";
import { payloadOf, usableId, withFields } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { mailTitle } from "./words/mail.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { mailThread } from "./kit/subject/mail_subject.ts";

export const label = "Mailgun";
export const secretVariable = "MAILGUN_WEBHOOK_SIGNING_KEY";
export const secretIsTheirs = true;
export const setup = "Sending → Webhooks: URL; the HTTP webhook signing key. " +
  "For mail that comes in: Receiving → Create route → Forward: the same URL";
export const troubles = [
  "The key is the account's HTTP webhook signing key, not an API key.",
];
/** A route forwards whole mails with their files, of 25 MB at most, which a form makes longer. */
export const bodyLimit = 30 * 1024 * 1024;
export const proof =
  "HMAC-SHA-256 of `timestamp` and `token` in the body's `signature`; the event itself is not signed";

const FIELD = "signature field";

/**
 * The signature lies in the body and covers only a time and a token
 * (documentation.mailgun.com, "Securing webhooks"). A subaccount's event has a
 * second one, made with the key of the account that it belongs to.
 */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const signatures = signaturesOf(payloadOf(request));
  if (signatures.length === 0) {
    return signatureMissing(FIELD, `Set ${secretVariable} and send webhooks from Mailgun.`);
  }
  let isHex = false;
  for (const { timestamp, token, signature } of signatures) {
    const bytes = decodeHex(signature!);
    if (bytes?.length !== 32) continue;
    isHex = true;
    if (await verifyHmac("SHA-256", secrets, timestamp! + token!, [bytes])) return verified;
  }
  return isHex
    ? signatureMismatch(FIELD, `Set ${secretVariable} to the account's HTTP webhook signing key.`)
    : signatureMalformed(FIELD, "{64 hexadecimal digits}");
}

/** Puts a signature into the body, where Mailgun sends it. */
export async function prove(request: Incoming, secret: string): Promise<Incoming> {
  const timestamp = String(Math.floor(request.receivedAt / 1000));
  const token = crypto.randomUUID();
  const signature = {
    timestamp,
    token,
    signature: await signatureOf({ timestamp, token }, secret),
  };
  return withFields(request, { signature });
}

/** Mailgun's signature of a time and a token. */
async function signatureOf(
  { timestamp, token }: { timestamp: string; token: string },
  secret: string,
): Promise<string> {
  return encodeHex(await hmac("SHA-256", secret, timestamp + token));
}

/** The event's id, else the token, which is used once. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return usableId(text(payload, "event-data", "id")) ?? usableId(readSignature(payload).token);
}

/** Each request is signed anew, within its body. */
export const changesOnRetry = ["signature", "parent-signature", "timestamp", "token"];

/** The signed times and tokens, which are used once; nothing of the event is signed, not even its id. Either of two signatures may be the right one. */
export function signedContentKeys(request: Incoming): string[] {
  return signaturesOf(payloadOf(request)).map(({ timestamp, token }) => timestamp! + token!);
}

/** Says what became of a mail. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const data = at(payload, "event-data") ?? payload;
  const event = line(data, "event");
  const headers = at(data, "message", "headers");
  const subject = first(line(headers, "subject"), line(data, "subject"));
  const isMail = isRoute(data);
  const reason = isMail ? undefined : first(
    line(data, "delivery-status", "message"),
    line(data, "delivery-status", "description"),
    line(data, "reject", "reason"),
    line(data, "reason"),
  );
  const title = isMail
    ? mailTitle({
      from: first(line(data, "from"), line(data, "From"), line(data, "sender")),
      to: line(data, "recipient"),
      subject: first(subject, line(data, "Subject")),
      attachments: Number(line(data, "attachment-count") ?? 0) || 0,
    })
    : event && eventTitle(data, { event, subject: quoted(subject) });
  return toDescription({ name: "mailgun", label }, payload, context, {
    event: isMail ? "inbound" : event,
    title: title && reason ? `${title}: ${reason}` : title,
    links: [at(data, "url")],
    actor: first(line(headers, "from"), line(data, "from"), line(data, "sender")),
    fields: {
      recipient: line(data, "recipient"),
      severity: line(data, "severity"),
      reason: line(data, "reason"),
      code: line(data, "delivery-status", "code"),
      tag: line(data, "tags", 0),
    },
    text: first(
      whole(data, "stripped-text"),
      whole(data, "body-plain"),
      withoutTags(text(data, "stripped-html")),
    ),
  });
}

/** A route forwards a mail that came in, as a form: it has no event, but a body (documentation.mailgun.com, "Receive, forward and store messages"). */
function isRoute(data: unknown): boolean {
  return line(data, "event") === undefined && at(data, "recipient") !== undefined &&
    ["body-plain", "body-html", "body-mime", "stripped-text", "message-url"]
      .some((key) => at(data, key) !== undefined);
}

/** What became of a mail, or what its reader did. */
function eventTitle(
  data: unknown,
  { event, subject }: { event: string; subject: string | undefined },
): string {
  const recipient = line(data, "recipient");
  if (event === "complained") {
    return words(recipient ?? "Somebody", "reported mail", subject, "as spam");
  }
  if (event === "unsubscribed") {
    return words(recipient ?? "Somebody", "unsubscribed", ["by mail", subject]);
  }
  const severity = line(data, "severity");
  return words(
    "Mail",
    subject,
    event === "failed" && severity === "permanent"
      ? "permanently"
      : event === "failed" && severity === "temporary"
      ? "temporarily"
      : undefined,
    event.replaceAll("_", " "),
    [event === "opened" || event === "clicked" ? "by" : "to", recipient],
  );
}

export const about = "a mail that was sent, or the thread of one that came in";

/** What a request is about: a mail of ours, or the thread of one that came in. */
export function subject(payload: unknown): Subject | undefined {
  const data = at(payload, "event-data") ?? payload;
  if (isRoute(data)) {
    return mailThread({
      references: at(data, "References"),
      inReplyTo: at(data, "In-Reply-To"),
      messageId: at(data, "Message-Id"),
      subject: first(line(data, "subject"), line(data, "Subject")),
      at: timeAt(data, "timestamp"),
    });
  }
  const isLost = line(data, "event") === "failed" && line(data, "severity") !== "temporary";
  const title = line(data, "message", "headers", "subject");
  return toSubject(idAt(data, "message", "headers", "message-id"), {
    role: isLost ? "opens" : roleIn(
      { opens: ["complained", "rejected"], closes: ["delivered"] },
      line(data, "event"),
    ),
    name: title && words("Mail", quoted(title)),
    at: timeAt(data, "timestamp"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("failed", {
    "event-data": {
      id: "SAMPLE",
      event: "failed",
      severity: "permanent",
      reason: "bounce",
      recipient: "ada@example.com",
      message: {
        headers: {
          "message-id": "SAMPLE@otto.example.com",
          subject: "Your invoice",
          from: "billing@example.com",
        },
      },
      "delivery-status": { code: 550, message: "no such mailbox" },
    },
  }),
];

function signaturesOf(payload: unknown) {
  return [readSignature(payload), readSignature(at(payload, "parent-signature"))]
    .filter(({ timestamp, token, signature }) => timestamp && token && signature);
}

/** New webhooks have an object `signature`; old ones and routes have its fields at the top. */
function readSignature(payload: unknown) {
  const holder = typeof at(payload, "signature") === "object" ? at(payload, "signature") : payload;
  return {
    timestamp: text(holder, "timestamp"),
    token: text(holder, "token"),
    signature: text(holder, "signature"),
  };
}
