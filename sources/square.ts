import type { Description } from "./description.ts";
import { capital, quoted, words } from "./kit/line.ts";
import { at, first, isObject, line, list, type PathKey, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { inUnits } from "./kit/amount.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, keyOf, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Square";
export const secretVariable = "SQUARE_WEBHOOK_SIGNATURE_KEY";
export const secretIsTheirs = true;
export const setup =
  "Developer Console → Webhooks: notification URL (set PUBLIC_URL to its origin); signature key";

export const troubles = [
  "Sandbox and production have subscriptions of their own, each with its own signature key.",
];

/** Square signs the URL it was given together with the body (square-nodejs-sdk, `WebhooksHelper`). */
export const { verify, sign, proof } = signedBy({
  header: "x-square-hmacsha256-signature",
  encoding: "base64",
  signed: "{url}{body}",
}, {
  variable: secretVariable,
  is: "the subscription's signature key, and PUBLIC_URL to the origin of its notification URL",
});

/** The event's id. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "event_id"));
}

/** Says what happened, such as `payment.created 20.00 USD COMPLETED`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "type");
  const data = at(payload, "data");
  const object = objectOf(data);
  const amount = event === "invoice.payment_made" ? paidOf(object) : amountOf(object);
  const status = first(line(object, "status"), line(object, "state"));
  const who = first(
    words(line(object, "given_name"), line(object, "family_name")) || undefined,
    line(object, "primary_recipient", "email_address"),
    line(object, "buyer_email_address"),
    line(object, "email_address"),
  );
  const number = line(object, "invoice_number");
  const refunded = event?.startsWith("payment.") ? moneyAt(object, "refunded_money") : undefined;
  const id = first(line(data, "id"), line(object, "id"));
  const title = event && words(
    event,
    amount,
    refunded && `(${refunded} refunded)`,
    status,
    number && `#${number}`,
    quoted(first(line(object, "title"), line(object, "display_name"), line(object, "name"))),
    [event.startsWith("refund.") ? "to" : event.startsWith("payment.") ? "from" : "of", who],
    ["at", line(object, "start_at")],
    id && `(${id})`,
  );
  const reason = line(object, "reason");
  return toDescription({ name: "square", label }, payload, context, {
    event,
    title: title && reason ? `${title}: ${reason}` : title,
    links: [at(object, "receipt_url"), at(object, "public_url")],
    actor: who,
    fields: {
      id,
      amount,
      status,
      reason,
      merchant: line(payload, "merchant_id"),
      location: first(line(payload, "location_id"), line(object, "location_id")),
      email: first(line(object, "buyer_email_address"), line(object, "email_address")),
    },
    text: first(text(object, "note"), text(object, "customer_note")),
  });
}

/** What an event is about lies under a key of its own, such as `payment`, `order_created` or `booking`. */
function objectOf(data: unknown): unknown {
  const holder = at(data, "object");
  const kind = text(data, "type") ?? "";
  if (isObject(holder, kind)) return at(holder, kind);
  const keys = isObject(holder) ? Object.keys(holder as object) : [];
  return keys.length === 1 && isObject(holder, keys[0]) ? at(holder, keys[0]) : holder;
}

/** Where the money of a payment, a refund, a dispute, a payout, an invoice or an order stands. */
const MONEY = ["amount_money", "total_money", "payment_amount_money", "next_payment_amount_money"];

function amountOf(object: unknown): string | undefined {
  return first(
    ...MONEY.map((key) => moneyAt(object, key)),
    // The parts of an invoice are not added up: what is due now is the first.
    list(object, "payment_requests").length === 1
      ? moneyAt(object, "payment_requests", 0, "computed_amount_money")
      : undefined,
  );
}

/** What a payment of an invoice was over, where it was the only one: of others the sum so far and what is due next is said. */
function paidOf(invoice: unknown): string | undefined {
  return line(invoice, "status") === "PAID" && list(invoice, "payment_requests").length === 1
    ? moneyAt(invoice, "payment_requests", 0, "computed_amount_money")
    : undefined;
}

function moneyAt(object: unknown, ...path: PathKey[]): string | undefined {
  const money = at(object, ...path);
  return inUnits(text(money, "amount"), text(money, "currency"));
}

export const about = "a payment, an order, an invoice, a dispute or another object of one merchant";

/** What an event is about: a payment, an order, a dispute and the like. */
export function subject(payload: unknown): Subject | undefined {
  const data = at(payload, "data");
  const object = objectOf(data);
  // An order's kind has what was done to it at its end.
  const kind = idAt(data, "type")?.replace(/_(?:created|updated|fulfillment_updated)$/, "");
  return toSubject(keyOf`${idAt(payload, "merchant_id")}:${kind}:${idAt(data, "id")}`, {
    role: roleOf(line(payload, "type"), first(line(object, "status"), line(object, "state"))),
    name: words(kind && capital(kind.replaceAll("_", " ")), line(data, "id")),
    link: first(httpLink(at(object, "receipt_url")), httpLink(at(object, "public_url"))),
    at: timeAt(payload, "created_at"),
  });
}

/** What is complete from its beginning still begins. */
function roleOf(event: string | undefined, state: string | undefined): SubjectRole {
  if (event?.endsWith(".created")) return "opens";
  const isOver = ["COMPLETED", "CANCELED", "WON", "LOST"].includes(state ?? "");
  return isOver ? "closes" : event?.endsWith(".updated") ? "continues" : "notes";
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("payment.created", {
    event_id: "SAMPLE",
    type: "payment.created",
    merchant_id: "M1",
    created_at: "2026-01-02T03:04:05Z",
    data: {
      type: "payment",
      id: "P1",
      object: {
        payment: {
          status: "COMPLETED",
          amount_money: { amount: 2000, currency: "USD" },
          receipt_url: "https://squareup.com/receipt/preview/P1",
        },
      },
    },
  }),
];
