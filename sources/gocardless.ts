import type { Description } from "./description.ts";
import { capital, spoken, words } from "./kit/line.ts";
import { first, line, list, text, whole } from "./kit/json_path.ts";
import { batchId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { eachOnce, titleOfAll, toDescription } from "./kit/to_description.ts";

export const label = "GoCardless";
export const secretVariable = "GOCARDLESS_WEBHOOK_SECRET";
export const setup = "Developers → Webhook endpoints: URL and secret";

/** developer.gocardless.com, "Signing webhooks". */
export const { verify, sign, proof } = signedBy(
  { header: "Webhook-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook endpoint's secret" },
);

/** A batch, of up to 250 events, is known by their ids. */
export function deliveryId(request: Incoming): string | undefined {
  return batchId(list(payloadOf(request), "events").map(keyOf));
}

/** The webhook's own id; a batch is the same in any order. */
export const changesOnRetry = ["meta"];

/** Says what became of which payment or mandate and why, and how many more: the amount is to be had from the API only. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const events = eachOnce(list(payload, "events"), keyOf);
  const [event] = events;
  const kind = line(event, "resource_type");
  const action = line(event, "action");
  // All kinds are written in the plural, and link to their own under the singular.
  const one = kind?.replace(/ies$/, "y").replace(/s$/, "");
  const id = one && line(event, "links", one);
  const said = line(event, "details", "description");
  const title = one && words(
    capital(spoken(one)),
    id,
    action && spoken(action),
    one !== "mandate" && line(event, "links", "mandate")
      ? `(mandate ${line(event, "links", "mandate")})`
      : undefined,
  );
  return toDescription({ name: "gocardless", label }, payload, context, {
    event: kind && action && `${kind}.${action}`,
    title: titleOfAll(events.length, title && said ? `${title}: ${said}` : title),
    fields: {
      id,
      kind: one,
      action,
      cause: line(event, "details", "cause"),
      origin: line(event, "details", "origin"),
      reason_code: line(event, "details", "reason_code"),
      customer: line(event, "links", "customer"),
      organisation: line(event, "links", "organisation"),
      events: events.length > 1 ? String(events.length) : undefined,
    },
    text: first(whole(event, "details", "description")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("payments.failed", {
    events: [{
      id: "EVSAMPLE",
      created_at: "2026-01-02T03:04:05.678Z",
      resource_type: "payments",
      action: "failed",
      links: { payment: "PM1", mandate: "MD1", organisation: "OR1" },
      details: {
        origin: "bank",
        cause: "insufficient_funds",
        description: "The customer's account had insufficient funds.",
        scheme: "bacs",
      },
    }],
    meta: { webhook_id: "WB1" },
  }, { "user-agent": "gocardless-webhook-service/1.1" }),
];

function keyOf(event: unknown): string | undefined {
  return text(event, "id");
}
