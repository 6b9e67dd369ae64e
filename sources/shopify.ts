import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { keyWithWord, signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { amountOf, customerOf, thingOf, titleOf, totalOf } from "./shopify/title.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Shopify";
export const secretVariable = "SHOPIFY_API_SECRET";
export const secretIsTheirs = true;
export const setup = "The app's webhook subscription: URL; the key is the app's client secret";

export const troubles = [
  "Webhooks made in the shop's own settings (Settings → Notifications) are signed with the key shown there, not with an app's secret.",
  "Shopify waits 5 seconds and removes a subscription that failed 8 times in a row: make it anew.",
];

const setting = { variable: secretVariable, is: "the app's client secret" };
const signed = signedBy({ header: "X-Shopify-Hmac-Sha256", encoding: "base64" }, setting);
/** The newer Events leave the `X-` out. */
const signedEvent = signedBy({ header: "Shopify-Hmac-Sha256", encoding: "base64" }, setting);
export const { sign, proof } = signed;

/** Checks the HMAC of the body (shopify.dev, "Verify the webhook"). */
export function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const isEvent = !request.headers.has("x-shopify-hmac-sha256") &&
    request.headers.has("shopify-hmac-sha256");
  return (isEvent ? signedEvent : signed).verify(request, secrets);
}

/** The delivery's id, stable over retries. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("x-shopify-webhook-id") ?? headers.get("shopify-webhook-id"));
}

/** What can happen to a thing (shopify.dev, "Webhook topics"). */
const ACTIONS = [
  ..."create update updated delete paid cancelled fulfilled partially_fulfilled edited".split(" "),
  ..."enable disable issue complete publish uninstalled success failure redact".split(" "),
];

/** A shop sends the same bytes of an order for several topics. */
export function signedContentKeys({ headers, body }: Incoming): Uint8Array[] {
  const topic = headers.get("x-shopify-topic") ?? headers.get("shopify-topic") ?? "";
  return [keyWithWord(body, topic.slice(topic.lastIndexOf("/") + 1), ACTIONS)];
}

/** Says what happened; the topic is a header, so without it the payload's shape must do. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const header = (name: string) =>
    context?.headers?.get(`x-shopify-${name}`) ?? context?.headers?.get(`shopify-${name}`) ??
      undefined;
  const topic = header("topic");
  const shop = header("shop-domain");
  const thing = thingOf(payload, topic);
  const isOrder = thing.kind === "order";
  const body = thing.body;
  return toDescription({ name: "shopify", label }, payload, context, {
    event: topic,
    title: words(titleOf(thing), ["in", shop]) || undefined,
    links: [adminLink(body, shop, isOrder), at(body, "order_status_url")],
    actor: isOrder ? customerOf(body) : undefined,
    fields: {
      shop,
      order: isOrder ? line(body, "name") : line(body, "order_id"),
      total: totalOf(body),
      amount: isOrder ? undefined : amountOf(thing),
      customer: customerOf(body),
      paid: line(body, "financial_status"),
      fulfilled: line(body, "fulfillment_status"),
      status: line(body, "status"),
      reason: first(line(body, "cancel_reason"), line(body, "reason")),
      product: line(body, "handle"),
      email: line(body, "email"),
      first_item: line(body, "line_items", 0, "title"),
    },
    text: first(text(body, "note"), text(body, "message")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("orders/paid", {
    id: 1001,
    name: "#1001",
    total_price: "59.90",
    currency: "EUR",
    financial_status: "paid",
    email: "ada@example.com",
    customer: { first_name: "Ada", last_name: "Byron" },
    line_items: [{ title: "Desk phone", quantity: 1 }],
  }, {
    "x-shopify-topic": "orders/paid",
    "x-shopify-shop-domain": "otto.myshopify.com",
    "x-shopify-webhook-id": "SAMPLE",
  }),
];

/** The order's page in the shop's admin. */
function adminLink(payload: unknown, shop: string | undefined, isOrder: boolean) {
  const id = text(payload, "id");
  return isOrder && id && /^\d+$/.test(id) && /^[\w-]+\.myshopify\.com$/.test(shop ?? "")
    ? `https://${shop}/admin/orders/${id}`
    : undefined;
}
