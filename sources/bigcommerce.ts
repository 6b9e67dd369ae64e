import type { Description } from "./description.ts";
import { capital, spoken, words } from "./kit/line.ts";
import { at, first, line } from "./kit/json_path.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "BigCommerce";
export const secretVariable = "BIGCOMMERCE_WEBHOOK_SECRET";
export const setup =
  "The API's POST /v3/hooks: destination, headers {authorization: Bearer and the secret}";

/**
 * A hook has custom headers of one's own for its security (bigcommerce/dev-docs, "Webhooks
 * overview", "Security"). Newer hooks may be signed, too: how is told differently by different
 * people, so that no refusal rests on it.
 */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the secret in the hook's headers" },
);

/** Each event has its second in it, and its `hash` need not: two changes of one order have the same subject. */
export const deliveryId = contentId;

/** Says what happened to which record, such as `Order 250 created in store abc123`; more is to be had from the API only. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const scope = line(payload, "scope");
  const data = at(payload, "data");
  const parts = scope?.split("/").slice(1) ?? [];
  // What happens in one of a store's channels has a scope of its own: `store/channel/1/order/updated`.
  const channel = parts[0] === "channel" && parts.length > MOST_OF_A_CHANNEL ? parts[1] : undefined;
  const [thing, ...rest] = channel === undefined ? parts : parts.slice(2);
  const id = first(
    line(data, "id"),
    line(data, "cartId"),
    line(data, "orderId"),
    line(data, "order_id"),
    line(data, "product_id"),
  );
  const stock = line(data, "inventory", "value");
  const store = line(payload, "producer")?.split("/").at(-1);
  const [before, after] = [
    line(data, "status", "previous_status_id"),
    line(data, "status", "new_status_id"),
  ];
  return toDescription({ name: "bigcommerce", label }, payload, context, {
    event: scope,
    title: thing && words(
      capital(spoken(thing)),
      id,
      spoken(rest.join(" ")),
      before && after && `(status ${before} → ${after})`,
      stock && `(${line(data, "inventory", "method") ?? "value"} ${stock})`,
      ["in channel", channel],
      ["in store", store],
    ),
    fields: {
      kind: line(data, "type"),
      id,
      order: line(data, "orderId"),
      customer: line(data, "customerId"),
      store: first(store, line(payload, "store_id")),
    },
  });
}

/** `channel/created` is about a channel itself. */
const MOST_OF_A_CHANNEL = 3;

/** Small events to try the source with. */
export const samples = [
  jsonSample("store/order/created", {
    scope: "store/order/created",
    store_id: "1025646",
    data: { type: "order", id: 250 },
    hash: "SAMPLE",
    created_at: 1_767_322_645,
    producer: "stores/abc123",
  }),
];
