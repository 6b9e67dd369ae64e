import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { digest } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { mailTitle } from "./words/mail.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { mailThread } from "./kit/subject/mail_subject.ts";

export const label = "Postmark";
export const secretVariable = "POSTMARK_WEBHOOK_SECRET";
export const setup = "Server → the stream → Webhooks: URL with Basic auth (https://otto:secret@…)";

export const troubles = [
  "The URL needs the secret as its password; Postmark shows the URL without it afterwards.",
  "Mail that comes in is set at the inbound stream: Settings → Webhook, the same URL.",
];
/** An inbound mail with its files in base64 (postmarkapp.com, "Inbound email": 35 MB). */
export const bodyLimit = 35 * 1024 * 1024;

/** Postmark signs nothing, but sends Basic auth from the URL (postmarkapp.com/developer/webhooks). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true },
  { variable: secretVariable, is: "the password in the webhook's URL" },
);

/** A bounce has an id; all else a message's id, what happened to it, and when. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const type = text(payload, "RecordType") ?? "Inbound";
  const id = text(payload, "ID");
  if (id && /^(Bounce|SpamComplaint)$/.test(type)) return usableId(`${type}:${id}`);
  const message = text(payload, "MessageID");
  const time = ["DeliveredAt", "ReceivedAt", "ChangedAt", "BouncedAt"]
    .map((key) => text(payload, key)).find((found) => found);
  if (!message || (!time && type !== "Inbound")) return undefined;
  // One message may have several readers, who may click several links at once.
  const who = first(text(payload, "Recipient"), text(payload, "Email"));
  const parts = [type, message, time, who, text(payload, "OriginalLink")];
  return usableId(digest(JSON.stringify(parts)));
}

const DID: Record<string, string> = {
  Bounce: "bounced",
  Delivery: "was delivered",
  Open: "was opened",
  Click: "was clicked",
  SpamComplaint: "was called spam",
};

/** Says what became of a mail, or what mail came in. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const isMail = text(payload, "RecordType") === undefined && text(payload, "From") !== undefined;
  const type = isMail ? "Inbound" : line(payload, "RecordType");
  const who = first(line(payload, "Email"), line(payload, "Recipient"));
  const subject = quoted(line(payload, "Subject"));
  const reason = isMail ? undefined : first(
    line(payload, "Description"),
    line(payload, "Details"),
    line(payload, "OriginalLink"),
  );
  const title = isMail
    ? mailTitle({
      from: first(
        line(payload, "FromName") && `${line(payload, "FromName")} <>`,
        line(payload, "From"),
      ),
      to: first(line(payload, "To"), line(payload, "OriginalRecipient")),
      subject: line(payload, "Subject"),
      attachments: list(payload, "Attachments").length,
    })
    : type === "SubscriptionChange"
    ? words(
      who ?? "Somebody",
      at(payload, "SuppressSending") === true ? "is no longer sent mail" : "is sent mail again",
      line(payload, "SuppressionReason") && `(${line(payload, "SuppressionReason")})`,
    )
    : type && words("Mail", subject, ["to", who], DID[type] ?? type);
  return toDescription({ name: "postmark", label }, payload, context, {
    event: type,
    title: title && reason ? `${title}: ${reason}` : title,
    links: [at(payload, "OriginalLink")],
    actor: isMail ? first(line(payload, "FromName"), line(payload, "From")) : undefined,
    fields: {
      recipient: who ?? line(payload, "To"),
      type: line(payload, "Type"),
      details: line(payload, "Details"),
      tag: line(payload, "Tag"),
      message: line(payload, "MessageID"),
    },
    text: first(
      whole(payload, "StrippedTextReply"),
      whole(payload, "TextBody"),
      withoutTags(text(payload, "HtmlBody")),
    ),
  });
}

export const about = "a mail that was sent, or the thread of one that came in";

/** What a request is about: a mail of ours, or the thread of one that came in. */
export function subject(payload: unknown): Subject | undefined {
  const type = text(payload, "RecordType");
  const title = line(payload, "Subject");
  if (type === undefined) {
    return text(payload, "From") === undefined ? undefined : mailThread({
      references: headerOf(payload, "references"),
      inReplyTo: headerOf(payload, "in-reply-to"),
      messageId: headerOf(payload, "message-id"),
      subject: title,
      at: timeAt(payload, "Date"),
    });
  }
  return toSubject(idAt(payload, "MessageID"), {
    role: roleIn({ opens: ["Bounce", "SpamComplaint"], closes: ["Delivery"] }, type),
    name: title && words("Mail", quoted(title)),
    at: first(
      ...["BouncedAt", "DeliveredAt", "ReceivedAt", "ChangedAt"].map((key) => timeAt(payload, key)),
    ),
  });
}

/** A header of a mail that came in; `MessageID` is Postmark's own, not the mail's. */
function headerOf(payload: unknown, name: string): unknown {
  const found = list(payload, "Headers").find((header) =>
    text(header, "Name")?.toLowerCase() === name
  );
  return at(found, "Value");
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Bounce", {
    RecordType: "Bounce",
    ID: "SAMPLE",
    MessageID: "883953f4-6105-42a2-a16a-77a8eac79483",
    Type: "HardBounce",
    Email: "ada@example.com",
    Subject: "Your invoice",
    Description: "The server was unable to deliver your message",
    BouncedAt: "2026-01-02T03:04:05Z",
  }),
];
