import type { Description } from "./description.ts";
import { oneLine, words } from "./kit/line.ts";
import { at, facts, first, isObject, line, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { signedBy } from "./kit/signed.ts";
import type { Incoming, Sample } from "./source.ts";
import { moneyOf } from "./stripe/money.ts";
import { customerOf, reasonOf, titleOf } from "./stripe/title.ts";

export const label = "Stripe";
export const secretVariable = "STRIPE_WEBHOOK_SECRET";
export const troubles = [
  "Each endpoint has a secret of its own, and so has `stripe listen`: test mode and live mode differ.",
];
export const secretIsTheirs = true;
export const setup =
  "Workbench → Webhooks: endpoint URL; the signing secret (whsec_…) is shown there";

/**
 * `Stripe-Signature: t=…,v1=…[,v1=…]` over `{t}.{body}`; the key is the literal
 * `whsec_…` (docs.stripe.com/webhooks, "Verify webhook signatures manually").
 * Stripe's own library lets the future pass; a clock that far off deserves a word.
 */
export const { verify, sign, proof } = signedBy({
  header: "Stripe-Signature",
  separator: ",",
  prefix: "v1=",
  encoding: "hex",
  signed: "{time}.{body}",
  time: { prefix: "t=" },
}, { variable: secretVariable, is: "this endpoint's signing secret (whsec_…)" });

/** The event's id, `evt_…`, the same on every retry (docs.stripe.com/webhooks, "Handle duplicate events"). */
export function deliveryId(request: Incoming): string | undefined {
  const id = usableId(text(payloadOf(request), "id"));
  // What Stripe's dashboard and tools send for a test all have this one.
  return id && /^evt_0+$/.test(id) ? undefined : id;
}

/** How many endpoints have still to take the event (docs.stripe.com/api/events/object): fewer with every retry. */
export const changesOnRetry = ["pending_webhooks"];

/** Says what happened, with amounts as people write them. */
export function describe(payload: unknown): Description {
  const type = line(payload, "type");
  const id = line(payload, "id");
  const object = at(payload, "data", "object");
  const who = customerOf(object);
  return {
    event: type,
    title: oneLine(titleOf(payload)),
    description: oneLine(
      words("Process Stripe", type, "event", id && `(ID: ${id})`),
    ),
    link: dashboardLink(payload),
    actor: who,
    fields: facts({
      id,
      object: first(
        words(line(object, "object"), line(object, "id")) || undefined,
        words(
          line(payload, "related_object", "type"),
          line(payload, "related_object", "id"),
        ) ||
          undefined,
      ),
      amount: moneyOf(payload),
      customer: who,
      status: line(object, "status"),
      reason: reasonOf(object),
      changed: changedKeys(payload),
      invoice: line(object, "hosted_invoice_url"),
      account: line(payload, "account"),
      mode: at(payload, "livemode") === false ? "test" : undefined,
    }),
    text: whole(object, "description"),
  };
}

/** Small events to try the source with; each `SAMPLE` in an id wants to be unique. */
export const samples: readonly Sample[] = [
  sample("invoice.paid", {
    id: "in_SAMPLE",
    object: "invoice",
    amount_paid: 2000,
    currency: "usd",
    customer_email: "ada@example.com",
    status: "paid",
  }),
  sample("charge.dispute.created", {
    id: "dp_SAMPLE",
    object: "dispute",
    amount: 4550,
    currency: "eur",
    reason: "fraudulent",
    status: "needs_response",
  }),
];

function sample(type: string, object: Record<string, unknown>): Sample {
  return {
    event: type,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify({
      id: "evt_SAMPLE",
      object: "event",
      type,
      created: 1_700_000_000,
      livemode: false,
      data: { object },
    }),
  };
}

function changedKeys(payload: unknown): string | undefined {
  const previous = at(payload, "data", "previous_attributes");
  return isObject(previous) ? Object.keys(previous as object).join(", ") : undefined;
}

/** The event's page in the dashboard. */
function dashboardLink(payload: unknown): string | undefined {
  const id = text(payload, "id");
  if (!id || !/^evt_\w{1,200}$/.test(id)) return undefined;
  const test = at(payload, "livemode") === false ? "test/" : "";
  return `https://dashboard.stripe.com/${test}events/${id}`;
}
