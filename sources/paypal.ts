import type { Description } from "./description.ts";
import { capital, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { crc32, decodeBase64, parseTime, verifyPublicKey } from "./signature/signature.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming, VendorCertificate, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import {
  signatureMalformed,
  signatureMismatch,
  signatureMissing,
  verified,
} from "./kit/verdict.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "PayPal";
export const secretVariable = "PAYPAL_WEBHOOK_ID";
export const troubles = [
  "The variable is the webhook's ID, not a secret: it stands beside the URL, for live and sandbox each.",
];
export const secretIsTheirs = true;
export const setup = "Developer Dashboard → the app → Webhooks: URL; the webhook's ID";
export const proof = "RSA-SHA-256 of `{id}|{time}|{webhook id}|{CRC-32 of the body}` in " +
  "`PAYPAL-TRANSMISSION-SIG`, with PayPal's published certificate";

const SIGNATURE = "PAYPAL-TRANSMISSION-SIG";
const ID = "PAYPAL-TRANSMISSION-ID";
const TIME = "PAYPAL-TRANSMISSION-TIME";
const URL_HEADER = "PAYPAL-CERT-URL";
/** PayPal's own two hosts, and the one place where its certificates lie. */
const CERTIFICATE =
  /^https:\/\/api(?:\.sandbox)?\.paypal\.com\/v1\/notifications\/certs\/[\w-]{1,100}(?:\.\w{1,10})?$/;

/** Where the certificate lies, when that is PayPal's for certain. */
export function certificateUrl({ headers }: Incoming): string | undefined {
  const url = headers.get(URL_HEADER);
  return url && CERTIFICATE.test(url) ? url : undefined;
}

/** Checks PayPal's RSA signature for any of our webhooks' ids (developer.paypal.com, "Verify webhook signatures"). */
export async function verify(request: Incoming, ids: readonly string[]): Promise<Verdict> {
  const { headers } = request;
  for (const header of [SIGNATURE, ID, TIME, URL_HEADER]) {
    if (!headers.get(header)) {
      return signatureMissing(header, "Only PayPal's own requests are taken here.");
    }
  }
  const signature = decodeBase64(headers.get(SIGNATURE)!);
  if (!signature) return signatureMalformed(SIGNATURE, "{a signature in base64}");
  if (parseTime(headers.get(TIME), "date") === undefined) {
    return signatureMalformed(TIME, "{a date and time such as 2026-01-31T12:00:00Z}");
  }
  if (!certificateUrl(request)) {
    return signatureMalformed(URL_HEADER, "https://api.paypal.com/v1/notifications/certs/{id}");
  }
  const { certificate, receivedAt } = request;
  const keys = isPayPals(certificate, receivedAt) ? [certificate.publicKey] : [];
  let matches = false;
  for (const id of ids) {
    const signed = signedText(request, id);
    if (await verifyPublicKey("RSA-SHA256", keys, signed, [signature])) matches = true;
  }
  return matches ? verified : signatureMismatch(
    SIGNATURE,
    `Set ${secretVariable} to the webhook's ID (events of PayPal's simulator cannot be verified).`,
  );
}

/** What PayPal signs for one webhook. */
export function signedText({ headers, body }: Incoming, webhookId: string): string {
  return [headers.get(ID), headers.get(TIME), webhookId, crc32(body)].join("|");
}

/** All that is signed, but for the webhook's id, which is the same each time. */
export function signedContentKeys(request: Incoming): string[] {
  return request.headers.has(SIGNATURE) ? [signedText(request, "")] : [];
}

/** The event's id, `WH-…`. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

/** Says what happened; PayPal's `summary` already is a line for people. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event_type");
  const resource = at(payload, "resource");
  const money = first(
    at(resource, "amount"),
    at(resource, "dispute_amount"),
    at(resource, "payout_item", "amount"),
    at(resource, "batch_header", "amount"),
    // The parts of an order are not added up.
    list(resource, "purchase_units").length === 1
      ? at(resource, "purchase_units", 0, "amount")
      : undefined,
    at(resource, "invoice", "amount"),
  );
  const amount = words(
    first(line(money, "value"), line(money, "total")),
    first(line(money, "currency_code"), line(money, "currency")),
  );
  const status = first(
    line(resource, "status"),
    line(resource, "state"),
    line(resource, "transaction_status"),
    line(resource, "batch_header", "batch_status"),
  );
  const payer = first(
    line(resource, "payer", "email_address"),
    line(resource, "subscriber", "email_address"),
    line(resource, "payer", "payer_info", "email"),
    line(resource, "disputed_transactions", 0, "buyer", "name"),
  );
  const summary = line(payload, "summary")?.replace(/\.$/, "");
  const value = first(line(money, "value"), line(money, "total"));
  // PayPal writes `$ 20.0 USD` in its own sentence: the amount is not told twice.
  const isTold = value !== undefined && summary?.includes(String(Number(value)));
  const reason = first(line(resource, "reason"), line(resource, "status_details", "reason"))
    ?.toLowerCase().replaceAll("_", " ");
  const title = summary
    ? words(summary, !isTold && amount ? `(${amount})` : undefined, ["by", payer])
    : event && words("PayPal", event.toLowerCase().replaceAll(/[._]/g, " "), amount, status, [
      "by",
      payer,
    ]);
  return toDescription({ name: "paypal", label }, payload, context, {
    event,
    title: title && reason ? `${title}: ${reason}` : title,
    links: list(resource, "links").filter((link) => text(link, "rel") === "approve")
      .map((link) => at(link, "href")),
    actor: payer,
    fields: {
      id: line(resource, "id"),
      kind: line(payload, "resource_type"),
      amount: amount || undefined,
      status,
      payer,
      reason,
      dispute: line(resource, "dispute_id"),
    },
    text: first(whole(resource, "note_to_payer"), whole(resource, "custom_id")),
  });
}

export const about = "an order, a payment, a subscription, a dispute or another resource";

/** What an event is about: the resource; a capture is its order's. */
export function subject(payload: unknown): Subject | undefined {
  const resource = at(payload, "resource");
  const dispute = idAt(resource, "dispute_id");
  const order = idAt(resource, "supplementary_data", "related_ids", "order_id");
  const type = idAt(payload, "resource_type");
  const isCapture = type === "capture" && order !== undefined;
  const kind = isCapture ? "checkout-order" : type;
  const id = isCapture ? order : dispute ?? idAt(resource, "id");
  const event = line(payload, "event_type");
  return toSubject(keyOf`${kind}:${id}`, {
    role: roleIn({
      opens: ["CREATED"],
      continues: ["UPDATED"],
      closes: ["COMPLETED", "RESOLVED", "CANCELLED"],
    }, event?.slice(event.lastIndexOf(".") + 1)),
    name: words(kind && capital(kind.replaceAll(/[_-]/g, " ")), id),
    at: timeAt(payload, "create_time"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("PAYMENT.CAPTURE.COMPLETED", {
    id: "WH-SAMPLE",
    event_type: "PAYMENT.CAPTURE.COMPLETED",
    resource_type: "capture",
    summary: "Payment completed for $ 20.0 USD",
    create_time: "2026-01-02T03:04:05Z",
    resource: {
      id: "C1",
      status: "COMPLETED",
      amount: { value: "20.00", currency_code: "USD" },
    },
  }),
];

/** Whether a certificate is PayPal's and valid now. That it came from PayPal's host over TLS proves the rest. */
function isPayPals(
  certificate: VendorCertificate | undefined,
  now: number,
): certificate is VendorCertificate {
  return certificate !== undefined && certificate.validFrom <= now && now <= certificate.validTo &&
    /^[\w.-]+\.paypal\.com$/i.test(certificate.commonName);
}
