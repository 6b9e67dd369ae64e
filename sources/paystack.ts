import type { Description } from "./description.ts";
import { capital, spoken, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { inUnits } from "./kit/amount.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Paystack";
export const secretVariable = "PAYSTACK_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup = "Settings → API Keys & Webhooks: webhook URL; the secret key (sk_…)";
export const troubles = [
  "Test and live have a secret key each; each of the two has a webhook URL of its own.",
];

/** SHA-512 (paystack.com/docs/payments/webhooks, "Signature validation"). */
export const { verify, sign, proof } = signedBy(
  { algorithm: "HMAC-SHA-512", header: "x-paystack-signature", encoding: "hex" },
  { variable: secretVariable, is: "the account's secret key" },
);

/** An event has no id; it has its object's, its state and its times, so that only the same bytes are a repeat. */
export const deliveryId = contentId;

/** The currencies whose amounts are in hundredths for certain; of others none is said. */
const HUNDREDTHS = new Set(["NGN", "GHS", "ZAR", "KES", "USD"]);

/** What these events move is `amount`: a subscription's is its plan's, and a dispute's stands elsewhere. */
const MOVING = /^(?:charge\.(?:success|failed)|transfer\.|refund\.|paymentrequest\.)/;

/** Says what was paid by whom, such as `Charge success 5000.00 NGN from ada@example.com (ref_1)`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event");
  const data = at(payload, "data");
  const currency = line(data, "currency")?.toUpperCase();
  const isTransfer = event?.startsWith("transfer.");
  const amount = event && MOVING.test(event) && HUNDREDTHS.has(currency ?? "")
    ? inUnits(text(data, "amount"), currency)
    : undefined;
  const customer = first(
    line(data, "customer", "email"),
    line(data, "customer_email"),
    line(data, "transaction", "customer", "email"),
  );
  const recipient = line(data, "recipient", "name");
  const reference = first(
    line(data, "reference"),
    line(data, "transaction_reference"),
    line(data, "transfer_code"),
    line(data, "subscription_code"),
    line(data, "request_code"),
  );
  const reason = first(line(data, "reason"), line(data, "gateway_response"));
  const title = event && words(
    capital(spoken(event)),
    amount,
    isTransfer ? ["to", recipient] : [event.startsWith("refund.") ? "to" : "from", customer],
    reference && `(${reference})`,
  );
  const isBad = /fail|dispute|revers/.test(event ?? "");
  return toDescription({ name: "paystack", label }, payload, context, {
    event,
    title: title && isBad && reason ? `${title}: ${reason}` : title,
    actor: isTransfer ? undefined : customer,
    fields: {
      reference,
      amount,
      status: line(data, "status"),
      channel: line(data, "channel"),
      customer,
      recipient,
      plan: line(data, "plan", "name"),
      mode: line(data, "domain"),
    },
    text: first(whole(data, "reason"), whole(data, "customer_note"), whole(data, "message")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("charge.success", {
    event: "charge.success",
    data: {
      id: 302_961,
      domain: "test",
      status: "success",
      reference: "SAMPLE",
      amount: 500_000,
      currency: "NGN",
      channel: "card",
      gateway_response: "Approved",
      paid_at: "2026-01-02T03:04:05.000Z",
      customer: { email: "ada@example.com", first_name: "Ada" },
    },
  }),
];
