import type { Description } from "./description.ts";
import { oneLine, words } from "./kit/line.ts";
import { PayloadError } from "./kit/payload.ts";
import { facts, first, line, text, whole } from "./kit/json_path.ts";
import {
  decodeBase64,
  decodeHex,
  encodeBase64,
  equalBytes,
  hmac,
  sha256,
  verifyHmac,
} from "./signature/signature.ts";
import { batchId, isForm, payloadOf, plainRequest, usableId } from "./kit/incoming.ts";
import type { HandshakeReply, Incoming, Sample, Verdict } from "./source.ts";
import { bodyDigest, plainText, signedTexts } from "./twilio/signature.ts";
import { debugged, eventOf, messageStatus, streamed, titleOf } from "./twilio/title.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";

export const label = "Twilio";
export const secretVariable = "TWILIO_AUTH_TOKEN";
export const troubles = [
  "A subaccount's requests are signed with the subaccount's own auth token.",
];
export const secretIsTheirs = true;
export const setup =
  "Phone number or messaging service: webhook URL (set PUBLIC_URL to its origin); primary auth token";
export const proof =
  "HMAC-SHA-1 of the URL and the sorted form fields in `X-Twilio-Signature` (JSON: the body's digest in the URL)";
/** Each number's webhooks are "HTTP POST" or "HTTP GET". */
export const methods = ["POST", "GET"];

const HEADER = "X-Twilio-Signature";

/**
 * Checks `X-Twilio-Signature` over the URL that Twilio called and a form's
 * fields, or over a URL with the JSON body's digest in it
 * (twilio.com/docs/usage/security, "Validating signatures from Twilio").
 */
export async function verify(
  request: Incoming,
  secrets: readonly string[],
): Promise<Verdict> {
  const header = request.headers.get(HEADER);
  if (!header) {
    return signatureMissing(HEADER, "Only Twilio's own requests are taken here.");
  }
  const signature = decodeBase64(header);
  if (signature?.length !== 20) {
    return signatureMalformed(HEADER, "{20 bytes in base64}");
  }
  const inUrl = bodyDigest(request.url);
  if (inUrl !== undefined) {
    const found = decodeHex(inUrl);
    if (!found || !equalBytes(found, await sha256(request.body))) {
      return signatureMismatch(
        HEADER,
        "The URL's bodySHA256 is not the body's digest: forward both unchanged.",
      );
    }
  } else if (!isForm(request) && request.body.length > 0) {
    return signatureMismatch(
      HEADER,
      "Send a form, or add the body's bodySHA256 to the URL: nothing else is signed.",
    );
  }
  const form = inUrl === undefined && isForm(request) ? request.body : undefined;
  if (await isSigned(request.url, form, signature, secrets)) return verified;
  return signatureMismatch(
    HEADER,
    `Set ${secretVariable} to the account's primary auth token, and PUBLIC_URL to the origin of the URL that Twilio calls.`,
  );
}

/** Signs a form the way Twilio does, and JSON when its digest is in the URL. */
export async function sign(
  request: Incoming,
  secret: string,
): Promise<Record<string, string>> {
  const isFormOnly = isForm(request) && bodyDigest(request.url) === undefined;
  const [message] = signedTexts(
    request.url,
    isFormOnly ? request.body : undefined,
  );
  return {
    "x-twilio-signature": encodeBase64(await hmac("SHA-1", secret, message)),
  };
}

/**
 * What tells one request from the next: Twilio's token, else the message or
 * call together with its state, or the ids of streamed events. A call's id and
 * status alone do not: a `<Gather>` posts again with the same pair.
 */
export function deliveryId(request: Incoming): string | undefined {
  const token = usableId(request.headers.get("i-twilio-idempotency-token"));
  if (token) return token;
  const payload = payloadOf(request);
  const message = first(text(payload, "MessageSid"), text(payload, "SmsSid"));
  const status = messageStatus(payload);
  if (message) return status ? usableId(`${message}:${status}`) : undefined;
  const call = [
    text(payload, "CallSid"),
    text(payload, "CallStatus"),
    text(payload, "SequenceNumber"),
  ];
  if (call.every((part) => part)) return usableId(call.join(":"));
  return batchId(streamed(payload).map((event) => text(event, "id")));
}

/** Added when a fallback URL is called (twilio.com/docs/usage/webhooks, "Fallback URLs"). */
export const changesOnRetry = ["ErrorCode", "ErrorUrl"];

/**
 * The URL and the fields, which are signed, in one spelling; Twilio's token stands in a header and
 * is not signed. What a caller has pressed or said comes again with the same fields when they press
 * or say the same again, so that it has none.
 */
export function signedContentKeys(request: Incoming): string[] {
  const payload = payloadOf(request);
  const gathered = first(text(payload, "Digits"), text(payload, "SpeechResult"));
  if (text(payload, "CallSid") && gathered) return [];
  const isPlain = isForm(request) && bodyDigest(request.url) === undefined;
  return [plainText(request.url, isPlain ? request.body : undefined)];
}

/**
 * Answers forms, posted or in the URL, with TwiML that does nothing, exactly as twilio-node prints
 * it: JSON would be an error in Twilio's log (error 12300, "Invalid Content-Type").
 */
export function answer(request: Incoming): HandshakeReply | undefined {
  if (!isForm(plainRequest(request) ?? request) && request.method !== "GET") return undefined;
  return {
    status: 200,
    contentType: "text/xml",
    body: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
  };
}

/** Says what happened to a message or a call. */
export function describe(payload: unknown): Description {
  const from = line(payload, "From");
  const sid = line(payload, "MessageSid");
  return {
    event: eventOf(payload),
    title: titleOf(payload),
    description: oneLine(
      words("Process Twilio message", ["from", from], sid && `(SID: ${sid})`),
    ),
    actor: first(line(payload, "ProfileName"), from),
    fields: facts({
      from,
      to: line(payload, "To"),
      status: first(messageStatus(payload), line(payload, "CallStatus")),
      error: first(line(payload, "ErrorCode"), debugged(payload).code),
      events: streamed(payload).length > 1 ? String(streamed(payload).length) : undefined,
      sid: first(sid, line(payload, "SmsSid"), line(payload, "CallSid")),
      media: line(payload, "NumMedia") === "0" ? undefined : line(payload, "NumMedia"),
      direction: line(payload, "Direction"),
      seconds: line(payload, "CallDuration"),
      city: first(line(payload, "FromCity"), line(payload, "CallerCity")),
      country: first(
        line(payload, "FromCountry"),
        line(payload, "CallerCountry"),
      ),
      digits: line(payload, "Digits"),
    }),
    text: first(
      whole(payload, "Body"),
      whole(payload, "SpeechResult"),
      whole(payload, "TranscriptionText"),
    ),
  };
}

/** Small events to try the source with; each `SAMPLE` in an id wants to be unique. */
export const samples: readonly Sample[] = [
  sample("message.received", {
    MessageSid: "SMSAMPLE",
    SmsStatus: "received",
    From: "+15005550006",
    To: "+15005550001",
    Body: "Hello Otto,\nplease move my appointment to Friday.",
    NumMedia: "0",
  }),
  sample("call.completed", {
    CallSid: "CASAMPLE",
    CallStatus: "completed",
    CallDuration: "42",
    SequenceNumber: "3",
    Direction: "inbound",
    From: "+15005550006",
    To: "+15005550001",
  }),
];

async function isSigned(
  url: string,
  form: Uint8Array | undefined,
  signature: Uint8Array,
  secrets: readonly string[],
): Promise<boolean> {
  try {
    for (const message of signedTexts(url, form)) {
      if (await verifyHmac("SHA-1", secrets, message, [signature])) return true;
    }
  } catch (error) {
    // A form with more fields than anyone reads was not sent by Twilio.
    if (!(error instanceof PayloadError)) throw error;
  }
  return false;
}

function sample(event: string, fields: Record<string, string>): Sample {
  return {
    event,
    headers: {
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    },
    body: new URLSearchParams(fields).toString(),
  };
}
