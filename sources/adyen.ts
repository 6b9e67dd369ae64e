import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { inUnits } from "./kit/amount.ts";
import { idWithContent, payloadOf, usableId, withFields } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import {
  decodeBase64,
  decodeHex,
  digest,
  encodeBase64,
  hmac,
  verifyHmac,
} from "./signature/signature.ts";
import type { DescribeContext, HandshakeReply, Incoming, Verdict } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";

export const label = "Adyen";
export const secretVariable = "ADYEN_HMAC_KEY";
export const secretIsTheirs = true;
export const setup =
  "Customer Area → Developers → Webhooks: URL, HMAC key; without one the basic " +
  "authentication password";

const FIELD = "additionalData.hmacSignature";
const setting = { variable: secretVariable, is: "the webhook's HMAC key" };
const whole = signedBy({ header: "HmacSignature", encoding: "base64", key: "hex" }, setting);
const proven = provenBy({ authorization: true }, {
  ...setting,
  is: "the webhook's HMAC key, or its basic authentication password",
});

export const { secretNames } = proven;
export const proof = `HMAC-SHA-256 of eight fields of each item in its \`${FIELD}\`, or of the ` +
  "body in `HmacSignature` (webhooks of platforms); with a password instead of a key: " +
  proven.proof;

/**
 * An HMAC key, 64 hexadecimal digits, must have signed each item; what is no such key is the
 * password (docs.adyen.com, "Verify HMAC signatures"; adyen-node-api-library, `HmacValidator`).
 */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const hexadecimal = secrets.filter((secret) => keyOf(secret) !== undefined);
  if (hexadecimal.length === 0) return await proven.verify(request, secrets);
  if (request.headers.has("hmacsignature")) return await whole.verify(request, hexadecimal);
  const keys = hexadecimal.map((secret) => keyOf(secret)!);
  const items = itemsIn(payloadOf(request));
  const signatures = items.map((item) => text(item, "additionalData", "hmacSignature"));
  // A password may look like a key.
  if (signatures.every((each) => each === undefined) && request.headers.has("authorization")) {
    return await proven.verify(request, secrets);
  }
  if (items.length === 0 || signatures.includes(undefined)) {
    return signatureMissing(
      FIELD,
      `Let Adyen sign with an HMAC key, and set ${secretVariable} to it.`,
    );
  }
  for (const [i, item] of items.entries()) {
    const signature = decodeBase64(signatures[i]!);
    if (signature?.length !== 32) return signatureMalformed(FIELD, "{32 bytes in base64}");
    if (!await verifyHmac("SHA-256", keys, signedText(item), [signature])) {
      return signatureMismatch(FIELD, `Set ${secretVariable} to ${setting.is}.`);
    }
  }
  return verified;
}

/** What is signed of all items, in any order and each once; nothing where a password proves the sender. */
export function signedContentKeys(request: Incoming): (string | Uint8Array)[] {
  if (request.headers.has("hmacsignature")) return whole.signedContentKeys(request);
  const items = itemsIn(payloadOf(request));
  const isSigned = items.length > 0 &&
    items.every((item) => text(item, "additionalData", "hmacSignature"));
  return isSigned ? [digest(JSON.stringify([...new Set(items.map(signedText))].sort()))] : [];
}

/** Signs each item as Adyen does, or sends the password. */
export async function prove(request: Incoming, secret: string): Promise<Incoming> {
  const key = keyOf(secret);
  const items = list(payloadOf(request), "notificationItems");
  if (!key || items.length === 0) {
    const headers = new Headers(request.headers);
    const added = key ? await whole.sign(request, secret) : await proven.sign(request, secret);
    for (const [name, value] of Object.entries(added)) headers.set(name, value);
    return { ...request, headers };
  }
  const notificationItems = [];
  for (const item of itemsIn(payloadOf(request))) {
    const hmacSignature = encodeBase64(await hmac("SHA-256", key, signedText(item)));
    const additionalData = { ...at(item, "additionalData") as object, hmacSignature };
    notificationItems.push({
      NotificationRequestItem: { ...item as object, additionalData },
    });
  }
  return withFields(request, { notificationItems });
}

/** Adyen takes the request for lost without this text (docs.adyen.com, "Accept webhooks"). */
export function answer(): HandshakeReply {
  return { status: 200, contentType: "text/plain; charset=utf-8", body: "[accepted]" };
}

/** Adyen sends no id: what is signed of each item, with its `eventCode` and `pspReference`, which duplicates share. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const items = itemsIn(payload);
  if (items.length === 0) {
    return idWithContent(
      request,
      at(payload, "data") === undefined ? undefined : text(payload, "type"),
    );
  }
  return items.every((item) => text(item, "pspReference"))
    ? usableId(digest(JSON.stringify(items.map(signedText))))
    : undefined;
}

/** What Adyen counts otherwise than Stripe (docs.adyen.com, "Currency codes and minor units"). */
const DIGITS = { CLP: 2, CVE: 0, IDR: 0, IQD: 3, LYD: 3, MGA: 2, UGX: 0 };

/** Says what became of which payment, and how many more. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const items = eachOnce(itemsIn(payload), signedText);
  const [item] = items;
  if (item === undefined) return describePlatform(payload, context);
  const event = line(item, "eventCode");
  const amount = amountOf(at(item, "amount"));
  const failed = String(at(item, "success")) === "false";
  const reason = line(item, "reason");
  const name = event && event[0] + event.slice(1).toLowerCase().replaceAll("_", " ");
  const title = name && words(
    name,
    ["of", amount],
    ["for", line(item, "merchantReference")],
    line(item, "paymentMethod") && `(${line(item, "paymentMethod")})`,
    ["in", line(item, "merchantAccountCode")],
    failed ? "failed" : undefined,
  );
  // Of what went well it holds the card's digits.
  const says = failed || /CHARGEBACK|DISPUTE|FRAUD/.test(event ?? "");
  return toDescription({ name: "adyen", label }, payload, context, {
    event,
    title: titleOfAll(items.length, title && says && reason ? `${title}: ${reason}` : title),
    links: [event === "REPORT_AVAILABLE" ? reason : undefined],
    fields: {
      reference: line(item, "merchantReference"),
      amount,
      success: line([String(at(item, "success") ?? "")], 0),
      method: line(item, "paymentMethod"),
      psp: line(item, "pspReference"),
      original: line(item, "originalReference"),
      account: line(item, "merchantAccountCode"),
      reason: says ? reason : undefined,
      mode: String(at(payload, "live")) === "false" ? "test" : undefined,
      events: items.length > 1 ? String(items.length) : undefined,
    },
  });
}

/** Webhooks of balance platforms, management and others: `type` and `data`. */
function describePlatform(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type");
  const data = at(payload, "data");
  const amount = amountOf(at(data, "amount"));
  return toDescription({ name: "adyen", label }, payload, context, {
    event,
    title: event && words(
      "Adyen",
      event.replace(/^balancePlatform\./, "").replaceAll(".", " "),
      amount,
      line(data, "status"),
      first(line(data, "description"), line(data, "reference"), line(data, "id")),
    ),
    fields: { amount, status: line(data, "status"), id: line(data, "id") },
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("AUTHORISATION", {
    live: "false",
    notificationItems: [{
      NotificationRequestItem: {
        additionalData: {},
        amount: { currency: "EUR", value: 2000 },
        eventCode: "AUTHORISATION",
        eventDate: "2026-01-02T03:04:05+01:00",
        merchantAccountCode: "OttoPhone",
        merchantReference: "ORDER-1001",
        paymentMethod: "visa",
        pspReference: "SAMPLE",
        reason: "Refused",
        success: "false",
      },
    }],
  }),
];

function keyOf(secret: string): Uint8Array | undefined {
  const key = decodeHex(secret);
  return key?.length === 32 ? key : undefined;
}

function itemsIn(payload: unknown): unknown[] {
  return list(payload, "notificationItems").map((each) => at(each, "NotificationRequestItem"));
}

/** What Adyen signs of an item; what is missing is empty. */
function signedText(item: unknown): string {
  return [
    at(item, "pspReference"),
    at(item, "originalReference"),
    at(item, "merchantAccountCode"),
    at(item, "merchantReference"),
    at(item, "amount", "value"),
    at(item, "amount", "currency"),
    at(item, "eventCode"),
    at(item, "success"),
  ].map((part) => typeof part === "object" || part === undefined ? "" : String(part)).join(":");
}

/** An amount that says something: reports and the like come with one of 0. */
function amountOf(amount: unknown): string | undefined {
  const value = text(amount, "value");
  return value === "0" ? undefined : inUnits(value, text(amount, "currency"), DIGITS);
}
