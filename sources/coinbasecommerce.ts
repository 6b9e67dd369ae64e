import type { Description } from "./description.ts";
import { capital, quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Coinbase Commerce";
export const aliases = ["coinbase-commerce", "coinbase"];
export const secretVariable = "COINBASE_COMMERCE_WEBHOOK_SECRET";
export const secretIsTheirs = true;
export const setup = "Settings → Notifications: endpoint URL; Show shared secret";

/** docs.cdp.coinbase.com, "Webhooks security"; hexadecimal as in coinbase-commerce-node, `Webhook`. */
export const { verify, sign, proof } = signedBy(
  { header: "X-CC-Webhook-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the webhook's shared secret" },
);

/** The event's id: the envelope has the attempt's. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "event", "id"));
}

/** The envelope is the attempt's: its id, its time and its number. */
export const changesOnRetry = ["id", "scheduled_for", "attempt_number"];

/** Says what became of which charge over how much, such as `Charge confirmed ABCD1234 "Phone card" over 20.00 USD`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = at(payload, "event");
  const type = line(event, "type");
  const data = at(event, "data");
  const money = (value: unknown) =>
    line(value, "amount") && line(value, "currency")
      ? words(line(value, "amount"), line(value, "currency"))
      : undefined;
  const price = money(at(data, "pricing", "local"));
  const payments = list(data, "payments");
  const paid = payments.length === 1 ? money(at(payments[0], "value", "local")) : undefined;
  const problem = line(list(data, "timeline").at(-1), "context");
  const customer = first(
    line(data, "metadata", "customer_email"),
    line(data, "metadata", "email"),
    line(data, "metadata", "customer_name"),
    line(data, "metadata", "name"),
  );
  return toDescription({ name: "coinbasecommerce", label }, payload, context, {
    event: type,
    title: type && words(
      capital(spoken(type)),
      line(data, "code"),
      quoted(line(data, "name")),
      ["over", price],
      paid && paid !== price ? `(paid ${paid})` : undefined,
      ["from", customer],
      problem && problem !== "NA" ? `(${spoken(problem)})` : undefined,
    ),
    links: [at(data, "hosted_url")],
    actor: customer,
    fields: {
      code: line(data, "code"),
      price,
      paid,
      kind: line(data, "pricing_type"),
      network: line(payments[0], "network"),
      expires: line(data, "expires_at"),
    },
    text: whole(data, "description"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("charge:confirmed", {
    id: "a1",
    scheduled_for: "2026-01-02T03:04:05Z",
    attempt_number: 1,
    event: {
      id: "SAMPLE",
      resource: "event",
      type: "charge:confirmed",
      api_version: "2018-03-22",
      created_at: "2026-01-02T03:04:05Z",
      data: {
        code: "ABCD1234",
        name: "Phone card",
        description: "Ten hours of calls",
        hosted_url: "https://commerce.coinbase.com/charges/ABCD1234",
        pricing_type: "fixed_price",
        pricing: { local: { amount: "20.00", currency: "USD" } },
        payments: [{
          network: "ethereum",
          value: { local: { amount: "20.00", currency: "USD" } },
        }],
      },
    },
  }),
];
