import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, isObject, line, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { inUnits } from "./kit/amount.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Square";
export const secretVariable = "SQUARE_WEBHOOK_SIGNATURE_KEY";
export const setup =
  "Developer Console → Webhooks: notification URL (set PUBLIC_URL to its origin); signature key";

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
  const kind = line(data, "type") ?? "";
  const object = isObject(data, "object", kind) ? at(data, "object", kind) : at(data, "object");
  const money = first(at(object, "amount_money"), at(object, "total_money"));
  const amount = inUnits(text(money, "amount"), text(money, "currency"));
  return toDescription({ name: "square", label }, payload, context, {
    event,
    title: event && words(
      event,
      amount,
      line(object, "status"),
      line(data, "id") && `(${line(data, "id")})`,
    ),
    links: [at(object, "receipt_url"), at(object, "public_url")],
    fields: {
      id: line(data, "id"),
      amount,
      status: line(object, "status"),
      merchant: line(payload, "merchant_id"),
      location: first(line(payload, "location_id"), line(object, "location_id")),
      email: first(line(object, "buyer_email_address"), line(object, "email_address")),
    },
    text: text(object, "note"),
  });
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
