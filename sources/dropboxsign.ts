import type { Description } from "./description.ts";
import { capital, quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { decodeHex, digest, encodeHex, hmac, verifyHmac } from "./signature/signature.ts";
import { triedBy } from "./kit/challenge.ts";
import { payloadOf } from "./kit/incoming.ts";
import type { DescribeContext, HandshakeReply, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";

export const label = "Dropbox Sign";
export const aliases = ["dropbox-sign", "hellosign"];
export const secretVariable = "DROPBOXSIGN_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup = "API settings → Account callback URL, or the API app's event callback; " +
  "the key is the account's primary API key";
export const troubles = [
  "The key is the API key of the account that owns the app, also for an app's callback.",
];
export const proof = "HMAC-SHA-256 of `event_time` and `event_type` in the body's `event_hash`; " +
  "the rest of the event is not signed";

const FIELD = "event_hash field";

/** The hash covers a time and a type only (dropbox-sign, `EventCallbackHelper`). */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const event = at(eventOf(payloadOf(request)), "event");
  const written = text(event, "event_hash");
  if (!written) {
    return signatureMissing(FIELD, `Set ${secretVariable} and send events from Dropbox Sign.`);
  }
  const hash = decodeHex(written);
  if (hash?.length !== 32) return signatureMalformed(FIELD, "{64 hexadecimal digits}");
  return await verifyHmac("SHA-256", secrets, signedText(event), [hash])
    ? verified
    : signatureMismatch(FIELD, `Set ${secretVariable} to the account's primary API key.`);
}

/** Puts the hash into the form's one field, where Dropbox Sign sends it. */
export async function prove(request: Incoming, secret: string): Promise<Incoming> {
  const payload = eventOf(payloadOf(request)) as { event?: object } | undefined;
  const event_hash = encodeHex(await hmac("SHA-256", secret, signedText(payload?.event)));
  const { headers, body } = toForm({ ...payload, event: { ...payload?.event, event_hash } });
  const all = new Headers(request.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return { ...request, headers: all, body: new TextEncoder().encode(body) };
}

/** Dropbox Sign tries again until it reads this (developers.hellosign.com, "Events walkthrough"). */
export function answer(): HandshakeReply {
  return {
    status: 200,
    contentType: "text/plain; charset=utf-8",
    body: "Hello API Event Received",
  };
}

/** The test of a callback's URL makes no task. */
export const { probe, handshake } = triedBy(
  (request) => text(eventOf(payloadOf(request)), "event", "event_type") === "callback_test",
  answer,
);

/** The whole event: its hash is the same for all of a second. */
export function deliveryId(request: Incoming): string | undefined {
  const json = text(payloadOf(request), "json");
  return json && digest(json);
}

/** The id is made of the event; the form around it has a boundary of its own each time. */
export const changesOnRetry = "anything";

/** What happened to a request, where the event's name says it badly. */
const DID: Record<string, string> = {
  all_signed: "was signed by all",
  signed: "was signed",
  viewed: "was viewed",
  declined: "was declined",
  sent: "was sent",
  remind: "reminder was sent",
  reassigned: "was reassigned",
  downloadable: "can be downloaded",
  email_bounce: "mail bounced",
  canceled: "was canceled",
  expired: "has expired",
};

/** Says what happened to which document, such as `Signature request "Contract" was signed by Ada Byron`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const data = eventOf(payload);
  const type = line(data, "event", "event_type");
  const request = at(data, "signature_request");
  const related = text(data, "event", "event_metadata", "related_signature_id");
  const signer = related &&
    list(request, "signatures").find((each) => text(each, "signature_id") === related);
  const who = first(line(signer, "signer_name"), line(signer, "signer_email_address"));
  const name = first(
    line(request, "title"),
    line(request, "subject"),
    line(data, "template", "title"),
  );
  const did = type?.startsWith("signature_request_")
    ? type.slice("signature_request_".length)
    : undefined;
  const message = first(
    line(data, "event", "event_metadata", "event_message"),
    line(signer, "decline_reason"),
  );
  const title = did !== undefined
    ? words(
      "Signature request",
      quoted(name),
      Object.hasOwn(DID, did) ? DID[did] : spoken(did),
      [did === "remind" || did === "email_bounce" ? "to" : "by", did === "sent" ? undefined : who],
    )
    : type && words(capital(spoken(type)), quoted(name));
  return toDescription({ name: "dropboxsign", label }, payload, context, {
    event: type,
    title: title && message ? `${title}: ${message}` : title,
    links: [at(request, "details_url")],
    actor: who,
    fields: {
      request: line(request, "signature_request_id"),
      title: name,
      requester: line(request, "requester_email_address"),
      signer: line(signer, "signer_email_address"),
      status: line(signer, "status_code"),
      test: at(request, "test_mode") === true ? "yes" : undefined,
    },
    text: whole(request, "message"),
  });
}

const BOUNDARY = "----sample";

function toForm(event: unknown) {
  return {
    headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
    body: `--${BOUNDARY}\r\nContent-Disposition: form-data; name="json"\r\n\r\n` +
      `${JSON.stringify(event)}\r\n--${BOUNDARY}--\r\n`,
  };
}

/** Small events to try the source with. */
export const samples = [{
  event: "signature_request_signed",
  ...toForm({
    event: {
      event_type: "signature_request_signed",
      event_time: "1767322645",
      event_metadata: { related_signature_id: "s1" },
    },
    signature_request: {
      signature_request_id: "SAMPLE",
      title: "Contract",
      message: "Please sign by Friday.",
      signatures: [{
        signature_id: "s1",
        signer_name: "Ada Byron",
        signer_email_address: "ada@example.com",
        status_code: "signed",
      }],
    },
  }),
}];

function signedText(event: unknown): string {
  return (text(event, "event_time") ?? "") + (text(event, "event_type") ?? "");
}

/** The event stands in the form's field `json`. */
function eventOf(payload: unknown): unknown {
  const json = text(payload, "json");
  if (json === undefined) return payload;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
