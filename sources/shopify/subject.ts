import { first, line } from "../kit/json_path.ts";
import { quoted, words } from "../kit/line.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";
import { thingOf } from "./title.ts";

/** What the headers say. */
interface ShopifyEvent {
  topic: string | undefined;
  shop: string | undefined;
  /** When it was triggered, as it came. */
  triggeredAt: string | undefined;
}

/** What an event is about: an order with all that happens to it, a product, a customer or a checkout of one shop. */
export function subjectOf(payload: unknown, event: ShopifyEvent): Subject | undefined {
  const { topic, triggeredAt } = event;
  const { body } = thingOf(payload, topic);
  const shop = idAt([event.shop?.toLowerCase()], 0);
  const [things = "", did] = topic?.split("/") ?? [];
  const found = { role: roleOf(topic, did), at: timeAt([triggeredAt], 0) };
  const title = line(body, "title");
  switch (things) {
    case "orders": {
      const id = first(
        idAt(body, "id"),
        idAt(payload, "order_edit", "order_id"),
        idAt(body, "order_id"),
      );
      const name = line(body, "name");
      return toSubject(keyOf`${shop}:order:${id}`, {
        ...found,
        name: name && words("Order", name),
        link: adminLink(shop, "orders", id),
      });
    }
    case "refunds":
    case "fulfillments":
    case "order_transactions": {
      const id = idAt(body, "order_id");
      return toSubject(keyOf`${shop}:order:${id}`, {
        ...found,
        link: adminLink(shop, "orders", id),
      });
    }
    case "products": {
      const id = idAt(body, "id");
      return toSubject(keyOf`${shop}:product:${id}`, {
        ...found,
        name: title && words("Product", quoted(title)),
        link: adminLink(shop, "products", id),
      });
    }
    case "customers": {
      const id = idAt(body, "id");
      return toSubject(keyOf`${shop}:customer:${id}`, {
        ...found,
        link: adminLink(shop, "customers", id),
      });
    }
    case "checkouts":
      return toSubject(keyOf`${shop}:checkout:${idAt(body, "token")}`, found);
    default:
      return undefined;
  }
}

/** `orders/updated` comes with every other one. */
function roleOf(topic: string | undefined, did: string | undefined): SubjectRole {
  if (topic === "refunds/create") return "continues";
  if (topic === "fulfillments/create" || topic === "order_transactions/create") return "notes";
  return roleIn({
    opens: ["create"],
    continues: ["paid", "partially_fulfilled", "edited"],
    closes: ["fulfilled", "cancelled", "delete"],
  }, did);
}

/** A thing's page in the shop's admin. */
export function adminLink(
  shop: string | undefined,
  things: "orders" | "products" | "customers",
  id: string | undefined,
): string | undefined {
  return id && /^\d+$/.test(id) && /^[\w-]+\.myshopify\.com$/.test(shop ?? "")
    ? `https://${shop}/admin/${things}/${id}`
    : undefined;
}
