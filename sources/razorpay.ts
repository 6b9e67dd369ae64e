import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { inUnits } from "./kit/amount.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Razorpay";
export const secretVariable = "RAZORPAY_WEBHOOK_SECRET";
export const setup = "Dashboard → Account & Settings → Webhooks: URL and secret";

/** razorpay.com/docs/webhooks, "Validate and test webhooks". */
export const { verify, sign, proof, signedContentKeys } = signedBy(
  { header: "X-Razorpay-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** The event's id, the same at each attempt (razorpay.com/docs/webhooks, "Idempotency"). */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("x-razorpay-event-id"));
}

/** The money that an event of such a thing moves; of an order, an invoice or a link all that was paid for it. */
const MOVED: Record<string, string> = {
  payment: "amount",
  refund: "amount",
  dispute: "amount",
  settlement: "amount",
  transfer: "amount",
  payout: "amount",
  order: "amount_paid",
  invoice: "amount_paid",
  payment_link: "amount_paid",
};

/** Says what happened to which payment, refund, dispute or the like. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event");
  const entity = (kind: string) => at(payload, "payload", kind, "entity");
  // `payment.dispute.created` is of the dispute, `subscription.charged` is of the payment with it.
  const kinds = event?.split(".").slice(0, -1) ?? [];
  const kind = kinds.findLast((each) => entity(each) !== undefined);
  const thing = kind === undefined ? undefined : entity(kind);
  const payment = entity("payment");
  const key = kind && Object.hasOwn(MOVED, kind) ? MOVED[kind] : undefined;
  // Of a part only the part is told, and not the sum until then.
  const isPart = event?.endsWith(".partially_paid") && payment !== undefined;
  const [paid, moved] = key === undefined || isPart ? [payment, "amount"] : [thing, key];
  const sum = text(paid, moved);
  // What expired or was cancelled before anybody paid has no amount.
  const amount = Number(sum) === 0 ? undefined : inUnits(sum, text(paid, "currency"));
  const who = first(
    line(payment, "email"),
    line(thing, "email"),
    line(thing, "customer", "email"),
    line(thing, "customer_details", "email"),
    line(payment, "contact"),
  );
  const reason = first(
    line(thing, "error_description"),
    line(thing, "reason_description"),
    line(thing, "status_details", "description"),
  );
  const title = event && words(
    event.replaceAll(/[._]/g, " ").replace(/^./, (letter) => letter.toUpperCase()),
    amount,
    ["from", who],
    line(thing, "id") && `(${line(thing, "id")})`,
  );
  return toDescription({ name: "razorpay", label }, payload, context, {
    event,
    title: title && reason ? `${title}: ${reason}` : title,
    links: [at(thing, "short_url")],
    actor: who,
    fields: {
      id: line(thing, "id"),
      amount,
      status: line(thing, "status"),
      method: line(payment, "method"),
      order: first(line(payment, "order_id"), line(thing, "order_id")),
      reason,
    },
    text: first(whole(thing, "description"), whole(payment, "description")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("payment.captured", {
    entity: "event",
    account_id: "acc_1",
    event: "payment.captured",
    contains: ["payment"],
    payload: {
      payment: {
        entity: {
          id: "pay_1",
          entity: "payment",
          amount: 50000,
          currency: "INR",
          status: "captured",
          order_id: "order_1",
          method: "upi",
          email: "ada@example.com",
          description: "Desk phone",
        },
      },
    },
    created_at: 1767323045,
  }, { "x-razorpay-event-id": "SAMPLE" }),
];
