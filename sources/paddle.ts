import type { Description } from "./description.ts";
import { capital, quoted, words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { inUnits } from "./kit/amount.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Paddle";
export const secretVariable = "PADDLE_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup =
  "Developer Tools → Notifications: URL; the destination's secret key (pdl_ntfset_…)";

export const troubles = [
  "Sandbox and live have destinations of their own, each with its own secret key.",
];

/** Two `h1` stand in the header while a secret changes; Paddle's own 5 s is a limit of its SDK (developer.paddle.com, "Signature verification"). */
export const { verify, sign, proof } = signedBy({
  header: "Paddle-Signature",
  separator: ";",
  prefix: "h1=",
  encoding: "hex",
  signed: "{time}:{body}",
  time: { prefix: "ts=" },
}, { variable: secretVariable, is: "the notification destination's secret key" });

/** The event's id; the notification's differs with every replay. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "event_id"));
}

export const changesOnRetry = ["notification_id"];

/** Says what happened, such as `transaction.completed 20.00 USD (txn_…)`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = line(payload, "event_type");
  const data = at(payload, "data");
  const amount = amountOf(data);
  const who = first(line(data, "email"), line(data, "customer_id"));
  const id = line(data, "id");
  const action = line(data, "action");
  // A subscription's, a report's and a payment's state is what has changed.
  const status = event?.endsWith(".updated") ? line(data, "status") : undefined;
  const reason = first(
    line(data, "reason"),
    line(data, "payments", 0, "error_code")?.replaceAll("_", " "),
    line(data, "scheduled_change", "action") &&
      words(line(data, "scheduled_change", "action"), [
        "on",
        line(data, "scheduled_change", "effective_at"),
      ]),
  );
  const title = event && words(
    event,
    action?.replaceAll("_", " "),
    amount,
    quoted(first(line(data, "name"), line(data, "code"), line(data, "description"))),
    [action === "refund" || action === "credit" ? "to" : "from", who],
    id && `(${id})`,
    status && `is ${status.replaceAll("_", " ")}`,
  );
  return toDescription({ name: "paddle", label }, payload, context, {
    event,
    title: title && reason ? `${title}: ${reason}` : title,
    actor: who,
    fields: {
      id,
      amount,
      status: line(data, "status"),
      customer: line(data, "customer_id"),
      invoice: line(data, "invoice_number"),
      transaction: line(data, "transaction_id"),
      item: first(
        line(data, "items", 0, "price", "description"),
        line(data, "items", 0, "price", "name"),
      ),
      reason,
    },
  });
}

/** Of a transaction its total, of an adjustment what goes back, of a payout what is paid out, of a price the price. */
function amountOf(data: unknown): string | undefined {
  const holders = [
    [at(data, "details", "totals"), "grand_total"],
    [at(data, "totals"), "total"],
    [at(data, "unit_price"), "amount"],
    [data, "amount"],
  ] as const;
  return first(
    ...holders.map(([holder, key]) =>
      inUnits(
        text(holder, key),
        first(text(holder, "currency_code"), text(data, "currency_code")),
      )
    ),
  );
}

export const about = "a subscription with its transactions, or another object";

/** What an event is about: a transaction's subscription, else the object itself. */
export function subject(payload: unknown): Subject | undefined {
  const event = line(payload, "event_type");
  const data = at(payload, "data");
  const isOfSubscription = event?.startsWith("transaction.") &&
    at(data, "subscription_id") != null;
  const id = idAt(data, isOfSubscription ? "subscription_id" : "id");
  return toSubject(id, {
    role: roleIn({
      opens: ["created", "past_due"],
      continues: ["updated"],
      closes: ["completed", "canceled", "activated", "resumed"],
    }, event?.slice(event.lastIndexOf(".") + 1)),
    name: words(isOfSubscription ? "Subscription" : capital(event?.split(".")[0] ?? ""), id),
    at: timeAt(payload, "occurred_at"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("transaction.completed", {
    event_id: "evt_SAMPLE",
    event_type: "transaction.completed",
    occurred_at: "2026-01-02T03:04:05Z",
    data: {
      id: "txn_1",
      status: "completed",
      customer_id: "ctm_1",
      details: { totals: { grand_total: "2000", currency_code: "USD" } },
      items: [{ price: { description: "Monthly" } }],
    },
  }),
];
