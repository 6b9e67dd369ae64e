import type { Description } from "./description.ts";
import { counted, quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { idWithContent, payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { keyWithWord, signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "WooCommerce";
export const secretVariable = "WOOCOMMERCE_WEBHOOK_SECRET";
export const setup = "WooCommerce → Settings → Advanced → Webhooks: delivery URL and secret";

/** woocommerce, includes/class-wc-webhook.php, `generate_signature`. */
export const { verify, sign, proof } = signedBy(
  { header: "X-WC-Webhook-Signature", encoding: "base64" },
  { variable: secretVariable, is: "the webhook's secret" },
);

const PING = /^webhook_id=\d{1,20}$/;

/** Answers the form by which a saved webhook is tried: it is never signed, and an error disables the webhook. */
export function probe({ method, body }: Incoming): HandshakeReply | undefined {
  return method === "POST" && body.length < 40 && PING.test(new TextDecoder().decode(body))
    ? { status: 200 }
    : undefined;
}

/** All that WooCommerce sends in one second for one webhook has the same id (`get_new_delivery_id`). */
export function deliveryId(request: Incoming): string | undefined {
  return idWithContent(request, usableId(request.headers.get("x-wc-webhook-delivery-id")));
}

/** What can happen to an order, a product, a customer or a coupon (woocommerce, `wc_get_webhook_topics`). */
const ACTIONS = ["created", "updated", "deleted", "restored"];

/**
 * The same content is the same event where it says when it was; others, such as a deletion, may come
 * again. Content is made when it is sent: an order that was created and updated at once comes twice
 * with the same bytes.
 */
export function signedContentKeys(request: Incoming): Uint8Array[] {
  if (text(payloadOf(request), "date_modified_gmt") === undefined) return [];
  const action = request.headers.get("x-wc-webhook-topic")?.split(".").at(-1);
  return [keyWithWord(request.body, action, ACTIONS)];
}

/** Says what happened to which order, product, customer or coupon; only a header has the event. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const topic = line([context?.headers?.get("x-wc-webhook-topic")], 0);
  const shop = line([context?.headers?.get("x-wc-webhook-source")], 0);
  const host = URL.parse(shop ?? "")?.host;
  const [kind = kindOf(payload), did] = topic?.split(".") ?? [];
  const customer = nameOf(payload) ?? nameOf(at(payload, "billing"));
  const total = words(line(payload, "total"), line(payload, "currency"));
  const items = list(payload, "line_items").length;
  const number = first(line(payload, "number"), line(payload, "id"));
  const done = did?.replaceAll("_", " ");
  const about = kind === "order"
    ? words(
      "Order",
      number && `#${number}`,
      done,
      line(payload, "currency") && total && ["for", total] as const,
      ["from", customer],
      items > 0 ? `(${counted(items, "item")})` : undefined,
      line(payload, "status") && `– ${line(payload, "status")}`,
    )
    : words(
      kind && kind[0].toUpperCase() + kind.slice(1),
      quoted(first(line(payload, "name"), line(payload, "code"), customer)) ??
        (number && `#${number}`),
      done,
    );
  return toDescription({ name: "woocommerce", label }, payload, context, {
    event: topic ?? kind,
    title: kind && (number || topic) ? words(about, ["in", host]) : undefined,
    links: [at(payload, "permalink"), adminLink(shop, kind, text(payload, "id"))],
    actor: kind === "order" ? customer : undefined,
    fields: {
      shop: host,
      status: line(payload, "status"),
      total: line(payload, "currency") && total,
      email: first(line(payload, "billing", "email"), line(payload, "email")),
      payment: line(payload, "payment_method_title"),
      items: list(payload, "line_items").slice(0, 10)
        .map((item) => words(line(item, "quantity"), "×", line(item, "name"))).join(", "),
    },
    text: whole(payload, "customer_note"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("order.created", {
    id: 1001,
    number: "1001",
    status: "processing",
    currency: "EUR",
    total: "20.00",
    date_modified_gmt: "2026-01-02T03:04:05",
    billing: { first_name: "Ada", last_name: "Byron", email: "ada@example.com" },
    payment_method_title: "Card",
    customer_note: "Please ring twice.",
    line_items: [{ name: "Desk phone", quantity: 1, total: "20.00" }],
  }, {
    "x-wc-webhook-topic": "order.created",
    "x-wc-webhook-source": "https://shop.example.com/",
    "x-wc-webhook-delivery-id": "SAMPLE",
  }),
];

/** What a payload alone must be. */
function kindOf(payload: unknown): string | undefined {
  if (Array.isArray(at(payload, "line_items"))) return "order";
  if (text(payload, "discount_type")) return "coupon";
  if (at(payload, "is_paying_customer") !== undefined) return "customer";
  return text(payload, "permalink") ? "product" : undefined;
}

function nameOf(person: unknown): string | undefined {
  return words(line(person, "first_name"), line(person, "last_name")) || undefined;
}

/** The order's page for who runs the shop. */
function adminLink(shop: string | undefined, kind: string | undefined, id: string | undefined) {
  return shop && kind === "order" && /^\d+$/.test(id ?? "")
    ? `${shop.replace(/\/$/, "")}/wp-admin/post.php?post=${id}&action=edit`
    : undefined;
}
