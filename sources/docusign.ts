import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { decodeBase64, encodeBase64, hmac, verifyHmac } from "./signature/signature.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";

export const label = "DocuSign";
export const secretVariable = "DOCUSIGN_CONNECT_HMAC_KEY";
export const secretIsTheirs = true;
export const setup =
  "Admin → Connect → Connect keys: the secret key; Add configuration → Custom: " +
  "URL, JSON (REST v2.1), Include HMAC signature";
/** An envelope may come with its documents in base64; no cap is documented, and more is not read. */
export const bodyLimit = 25 * 1024 * 1024;
export const proof =
  "HMAC-SHA-256 of `{body}` in `X-DocuSign-Signature-1`, `-2` and so on, one for each key";

const HEADER = "X-DocuSign-Signature-1";
/** An account has at most a hundred keys (developers.docusign.com, "HMAC security with Connect"). */
const SIGNATURE = /^x-docusign-signature-\d{1,3}$/;

/** A signature for each of the account's keys, of which we know one: any of them may match. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const written = [...request.headers].filter(([name, value]) => SIGNATURE.test(name) && value);
  if (written.length === 0) {
    return signatureMissing(
      HEADER,
      `Let the configuration include the HMAC signature, and set ${secretVariable} to a Connect key.`,
    );
  }
  const signatures = written.map(([, value]) => decodeBase64(value))
    .filter((bytes) => bytes?.length === 32);
  if (signatures.length === 0) return signatureMalformed(HEADER, "{32 bytes in base64}");
  return await verifyHmac("SHA-256", secrets, request.body, signatures)
    ? verified
    : signatureMismatch(HEADER, `Set ${secretVariable} to one of the account's Connect keys.`);
}

/** Signs a body as DocuSign does for its first key. */
export async function sign(request: Incoming, secret: string): Promise<Record<string, string>> {
  return { [HEADER.toLowerCase()]: encodeBase64(await hmac("SHA-256", secret, request.body)) };
}

/**
 * DocuSign sends no id, and counts its attempts in the body. Whether an attempt has a time of its
 * own is not documented: if so, it is a task of its own.
 */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const time = text(payload, "generatedDateTime");
  const parts = [
    text(payload, "event"),
    text(payload, "configurationId"),
    first(text(payload, "data", "envelopeId"), text(payload, "uri")),
    text(payload, "data", "recipientId"),
    time,
  ];
  return time && usableId(parts.map((part) => part ?? "").join("|"));
}

/** How often it was tried. */
export const changesOnRetry = ["retryCount"];

/** Says what became of which envelope, or of whose part in it. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event");
  const [kind, ...rest] = event?.split("-") ?? [];
  const envelope = at(payload, "data", "envelopeSummary");
  const people = ["signers", "carbonCopies", "certifiedDeliveries", "inPersonSigners", "editors"]
    .flatMap((role) => list(envelope, "recipients", role));
  const id = text(payload, "data", "recipientId");
  const person = id === undefined
    ? undefined
    : people.find((each) => text(each, "recipientId") === id);
  const name = first(line(person, "name"), line(person, "email"));
  const subject = quoted(line(envelope, "emailSubject"));
  const sender = first(line(envelope, "sender", "userName"), line(envelope, "sender", "email"));
  const reason = first(
    line(envelope, "voidedReason"),
    line(person, "declinedReason"),
    ...people.map((each) => line(each, "declinedReason")),
  );
  const title = kind && words(
    kind[0].toUpperCase() + kind.slice(1),
    kind === "recipient" ? name : subject,
    rest.join(" "),
    ["in", kind === "recipient" ? subject : undefined],
    sender && `(from ${sender})`,
  );
  return toDescription({ name: "docusign", label }, payload, context, {
    event,
    title: title && reason ? `${title}: ${reason}` : title,
    actor: kind === "recipient" ? name : sender,
    fields: {
      envelope: line(payload, "data", "envelopeId"),
      status: line(envelope, "status"),
      sender: line(envelope, "sender", "email"),
      signers: list(envelope, "recipients", "signers").slice(0, 10)
        .map((each) => words(line(each, "name"), line(each, "status"))).join(", "),
      reason,
    },
    text: whole(envelope, "emailBlurb"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("envelope-completed", {
    event: "envelope-completed",
    apiVersion: "v2.1",
    uri: "/restapi/v2.1/accounts/1/envelopes/SAMPLE",
    retryCount: 0,
    configurationId: 7,
    generatedDateTime: "2026-01-02T03:04:05.0000000Z",
    data: {
      accountId: "1",
      envelopeId: "SAMPLE",
      envelopeSummary: {
        status: "completed",
        emailSubject: "Please sign: phone contract",
        sender: { userName: "Ada Byron", email: "ada@example.com" },
        recipients: { signers: [{ recipientId: "1", name: "Grace Hopper", status: "completed" }] },
      },
    },
  }),
];
