import type { Description } from "./description.ts";
import { counted, quoted, words } from "./kit/line.ts";
import { at, first, line, list, text } from "./kit/json_path.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Shopify";
export const secretVariable = "SHOPIFY_API_SECRET";
export const setup = "The app's webhook subscription: URL; the key is the app's client secret";

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

/**
 * The body together with the action of its topic, because a shop sends the same
 * bytes of an order for several topics. The topic's header is not signed: were any
 * word of it a new key, whoever captured a request could send it again and again.
 */
export function signedContentKeys({ headers, body }: Incoming): Uint8Array[] {
  const topic = headers.get("x-shopify-topic") ?? headers.get("shopify-topic") ?? "";
  const action = ACTIONS.indexOf(topic.slice(topic.lastIndexOf("/") + 1));
  const key = new Uint8Array(body.length + 1);
  key[0] = action + 1;
  key.set(body, 1);
  return [key];
}

const DID: Record<string, string> = { create: "created", update: "updated", delete: "deleted" };

/** Says what happened; the topic is a header, so without it the payload's shape must do. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const header = (name: string) =>
    context?.headers?.get(`x-shopify-${name}`) ?? context?.headers?.get(`shopify-${name}`) ??
      undefined;
  const topic = header("topic");
  const shop = header("shop-domain");
  const [thing, past] = topic?.split("/") ?? [guess(payload)];
  const customer = words(
    line(payload, "customer", "first_name"),
    line(payload, "customer", "last_name"),
  ) || line(payload, "email");
  const price = line(payload, "total_price");
  const isOrder = thing === "orders" || thing === "order";
  const items = list(payload, "line_items").length;
  return toDescription({ name: "shopify", label }, payload, context, {
    event: topic,
    title: words(
      isOrder ? "Order" : thing ? thing.replace(/s$/, "").replaceAll("_", " ") : "Shopify webhook",
      isOrder ? line(payload, "name") : quoted(line(payload, "title")),
      past && (DID[past] ?? past.replaceAll("_", " ")),
      price && words("for", price, line(payload, "currency")),
      ["by", customer],
      isOrder && items > 0 ? `(${counted(items, "item")})` : undefined,
      ["in", shop],
    ),
    links: [adminLink(payload, shop, isOrder), at(payload, "order_status_url")],
    actor: customer,
    fields: {
      shop,
      order: isOrder ? line(payload, "name") : undefined,
      total: price && words(price, line(payload, "currency")),
      paid: line(payload, "financial_status"),
      fulfilled: line(payload, "fulfillment_status"),
      status: line(payload, "status"),
      product: line(payload, "handle"),
      email: line(payload, "email"),
      first_item: line(payload, "line_items", 0, "title"),
    },
    text: first(text(payload, "note")),
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

function guess(payload: unknown): string | undefined {
  if (Array.isArray(at(payload, "line_items"))) return "order";
  return line(payload, "handle") ? "product" : undefined;
}

/** The order's page in the shop's admin. */
function adminLink(payload: unknown, shop: string | undefined, isOrder: boolean) {
  const id = text(payload, "id");
  return isOrder && id && /^\d+$/.test(id) && /^[\w-]+\.myshopify\.com$/.test(shop ?? "")
    ? `https://${shop}/admin/orders/${id}`
    : undefined;
}
