import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { parameter } from "./kit/challenge.ts";
import { decodeBase64, verifyPublicKey } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { sayingOf, stackTitle } from "./sns/message.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Amazon SNS";
export const secretVariable = "SNS_WEBHOOK_SECRET";
export const troubles = [
  "Nothing comes until the subscription is confirmed: open the link of its first task.",
];
export const secretIsTheirs = true;
export const setup =
  "The topic → Create subscription (HTTPS): URL; the topic's ARN is the secret " +
  "(or ?token= in the URL and a secret of yours); then follow the link of the task that asks to confirm";

const setting = {
  variable: secretVariable,
  is: "the ARN of each topic that may send, or the token in the subscription's URL",
};
const proven = provenBy({ parameters: ["token"] }, setting);
export const { prove, secretNames } = proven;
export const proof = "RSA-SHA-256 or RSA-SHA-1 of the message's fields in its `Signature`, with " +
  `Amazon's published certificate, and its \`TopicArn\`; or ${proven.proof}`;

/** What is signed, by type and in this order, each where it is there (docs.aws.amazon.com/sns, "Verifying the signatures of Amazon SNS messages"). */
const SIGNED = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  other: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
};
const ALGORITHMS = { 1: "RSA-SHA1", 2: "RSA-SHA256" } as const;
/** Amazon's own hosts for this, in any region and partition: `sns.s3-us-west-2` is whoever has a bucket of that name. */
const HOST = /^sns\.[a-z]{2,4}-[a-z-]{3,30}-\d\.amazonaws\.com(?:\.cn)?$/;
/** Nothing but a certificate lies there under such a name. */
const CERTIFICATE = /^https:\/\/([a-z0-9.-]{1,80})\/SimpleNotificationService-[0-9a-f]{1,64}\.pem$/;

/**
 * Where the certificate lies, when that is Amazon's for certain; of no use where a token proves the
 * sender, or the message is of no topic of ours.
 */
export function certificateUrl(
  request: Incoming,
  secrets: readonly string[],
): string | undefined {
  if (parameter(request.url, "token") !== undefined) return undefined;
  const payload = payloadOf(request);
  const isOurs = secrets.includes(text(payload, "TopicArn") ?? "") &&
    decodeBase64(text(payload, "Signature") ?? "");
  return isOurs ? amazonsUrl(payload) : undefined;
}

function amazonsUrl(payload: unknown): string | undefined {
  const url = at(payload, "SigningCertURL");
  const [, host = ""] = typeof url === "string" && CERTIFICATE.exec(url) || [];
  return HOST.test(host) ? url as string : undefined;
}

/**
 * Amazon signs for whoever has a topic: what it signed is ours only if the topic is. A secret that
 * is no ARN is the token in the URL.
 */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const topics = secrets.filter((secret) => secret.startsWith("arn:"));
  if (topics.length === 0 || parameter(request.url, "token") !== undefined) {
    return await proven.verify(request, secrets.filter((secret) => !topics.includes(secret)));
  }
  const payload = payloadOf(request);
  const written = text(payload, "Signature");
  if (!written) {
    return signatureMissing("Signature", "Only Amazon SNS's own requests are taken here.");
  }
  const signature = decodeBase64(written);
  const algorithm = ALGORITHMS[text(payload, "SignatureVersion") as "1" | "2"];
  if (!signature || !algorithm) {
    return signatureMalformed("Signature", "{a signature in base64, of SignatureVersion 1 or 2}");
  }
  if (!amazonsUrl(payload)) {
    return signatureMalformed(
      "SigningCertURL",
      "https://sns.{region}.amazonaws.com/SimpleNotificationService-{digits}.pem",
    );
  }
  const { certificate, receivedAt } = request;
  const isValid = certificate !== undefined && certificate.validFrom <= receivedAt &&
    receivedAt <= certificate.validTo;
  const keys = isValid ? [certificate.publicKey] : [];
  const matches = await verifyPublicKey(algorithm, keys, signedText(payload), [signature]);
  return matches && topics.includes(text(payload, "TopicArn") ?? "")
    ? verified
    : signatureMismatch("Signature", `Set ${secretVariable} to the ARN of the topic that sends.`);
}

function signedText(payload: unknown): string {
  const keys = at(payload, "Type") === "Notification" ? SIGNED.Notification : SIGNED.other;
  return keys.map((key) => {
    const value = at(payload, key);
    return typeof value === "string" ? `${key}\n${value}\n` : "";
  }).join("");
}

/** All that is signed; nothing of it where a token proves the sender. */
export function signedContentKeys(request: Incoming): string[] {
  const payload = payloadOf(request);
  const isSigned = parameter(request.url, "token") === undefined && text(payload, "Signature");
  return isSigned ? [signedText(payload)] : [];
}

/** The message's id, the same on every retry. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "MessageId")) ??
    usableId(request.headers.get("x-amz-sns-message-id"));
}

/** Says what was published, CloudWatch's alarms by their names, or that a subscription waits for a person. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const type = line(payload, "Type");
  const topic = line(payload, "TopicArn")?.split(":").at(-1);
  const message = text(payload, "Message");
  const alarm = parse(message);
  const name = line(alarm, "AlarmName");
  const state = line(alarm, "NewStateValue");
  const isRequest = type === "SubscriptionConfirmation" || type === "UnsubscribeConfirmation";
  const said = first(
    sayingOf(alarm),
    stackTitle(message),
    line(payload, "Subject"),
    line(payload, "Message"),
  );
  return toDescription({ name: "sns", label }, payload, context, {
    event: type,
    title: isRequest
      ? words(
        type === "SubscriptionConfirmation"
          ? "Confirm the SNS subscription"
          : "The SNS subscription has ended",
        ["to", topic],
      )
      : type && words(said, topic && `(${topic})`),
    links: [subscribeLink(text(payload, "SubscribeURL"))],
    fields: {
      topic,
      subject: line(payload, "Subject"),
      alarm: name,
      state,
      time: line(payload, "Timestamp"),
    },
    text: isRequest ? undefined : message,
  });
}

export const about = "an alarm of CloudWatch";

/** What a message is about: an alarm. What else is published is about nothing that is known here. */
export function subject(payload: unknown): Subject | undefined {
  if (line(payload, "Type") !== "Notification") return undefined;
  const alarm = parse(text(payload, "Message"));
  const name = line(alarm, "AlarmName");
  return toSubject(idAt(alarm, "AlarmArn"), {
    role: roleIn({ opens: ["ALARM"], closes: ["OK"] }, line(alarm, "NewStateValue")),
    name: name && words("Alarm", quoted(name)),
    at: timeAt(alarm, "StateChangeTime"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Notification", {
    Type: "Notification",
    MessageId: "SAMPLE",
    TopicArn: "arn:aws:sns:eu-central-1:1:phone",
    Subject: "ALARM: the line is down",
    Message: "No call was answered for five minutes",
    Timestamp: "2026-01-02T03:04:05Z",
  }, { "content-type": "text/plain; charset=UTF-8" }),
];

/** Confirming is one request to Amazon, and to nobody else. */
function subscribeLink(url: string | undefined): string | undefined {
  const { protocol, host = "" } = URL.parse(url ?? "") ?? {};
  return protocol === "https:" && HOST.test(host) ? url : undefined;
}

/** The longest message that is parsed to see whether it is an alarm, in characters. */
const MAX_ALARM = 64 * 1024;

function parse(message: string | undefined): unknown {
  if (!message?.startsWith("{") || message.length > MAX_ALARM) return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
