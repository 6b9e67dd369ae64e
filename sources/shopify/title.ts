import { counted, quoted, words } from "../kit/line.ts";
import { at, first, isObject, line, list, text } from "../kit/json_path.ts";
import { pastTense } from "../words/past_tense.ts";

/** What a webhook is about: `order`, what is told of it, and what the topic says has happened. */
interface ShopifyThing {
  kind: string | undefined;
  did: string | undefined;
  body: unknown;
}

/** Reads the topic; newer topics wrap the thing, `{"fulfillment_order": {…}}`. */
export function thingOf(payload: unknown, topic: string | undefined): ShopifyThing {
  const [things, did] = topic?.split("/") ?? [guess(payload)];
  const kind = things && singular(things).replace(/[_.]/g, " ");
  const keys = isObject(payload) ? Object.keys(payload as object) : [];
  const inner = keys.find((key) => key === things || key === singular(things ?? ""));
  return { kind, did, body: inner && isObject(payload, inner) ? at(payload, inner) : payload };
}

/** `Order #1001 paid for 59.90 EUR by Ada Byron (2 items)`, `Company "Octo" created`. */
export function titleOf(thing: ShopifyThing): string | undefined {
  const { kind, did, body } = thing;
  if (!kind) return undefined;
  const upper = kind[0].toUpperCase() + kind.slice(1);
  if (kind === "order" || kind === "checkout" || kind === "cart" || kind === "draft order") {
    return did === "edited" ? editTitle(body) : orderTitle(thing, upper);
  }
  const request = PRIVACY[`${kind} ${did}`];
  if (request) return request(nameOf(body) ?? line(body, "shop_domain"));
  const status = line(body, "status")?.toLowerCase().replaceAll("_", " ");
  const reason = first(line(body, "reason"), line(body, "error_message"))?.replaceAll("_", " ");
  const title = words(
    upper,
    subjectOf(kind, body),
    did && VERBS[did] !== undefined ? VERBS[did] : did && pastTense(did).replaceAll("_", " "),
    ["over", amountOf(thing)],
    did?.startsWith("update") && status ? `(${status})` : undefined,
    levelOf(body),
  );
  return reason ? `${title}: ${reason}` : title;
}

/** What the customer has ordered in all, `59.90 EUR`. */
export function totalOf(body: unknown): string | undefined {
  return withCurrency(line(body, "total_price"), body);
}

/** The money that a refund gives back, a dispute is over, or a payment moves. */
export function amountOf({ kind, body }: ShopifyThing): string | undefined {
  if (kind === "refund") return refundOf(body);
  return line(body, "currency") ? withCurrency(line(body, "amount"), body) : undefined;
}

/** The customer's name, else the address. */
export function customerOf(body: unknown): string | undefined {
  return first(
    personOf(at(body, "customer")),
    line(body, "customer", "email"),
    line(body, "email"),
  );
}

function orderTitle({ did, body }: ShopifyThing, upper: string): string {
  const customer = customerOf(body);
  const items = list(body, "line_items");
  const quantities = items.map((item) => Number(text(item, "quantity") ?? NaN));
  const count = quantities.some((quantity) => !Number.isSafeInteger(quantity))
    ? items.length
    : quantities.reduce((sum, quantity) => sum + quantity, 0);
  // Only these two are the customer's doing, and move or promise the order's total.
  const isBought = did === undefined || did === "create" || did === "paid";
  const happened = did && pastTense(did).replaceAll("_", " ");
  const reason = line(body, "cancel_reason");
  const name = first(line(body, "name"), line(body, "order_number"), idOf(body));
  const title = words(
    upper,
    name,
    isBought ? undefined : ["of", customer],
    happened,
    isBought ? ["for", totalOf(body)] : undefined,
    isBought ? ["by", customer] : undefined,
    count > 0 ? `(${counted(count, "item")})` : undefined,
  );
  return did === "cancelled" && reason ? `${title}: ${reason}` : title;
}

/** An edit names the order by its number only, and what was added and taken off. */
function editTitle(payload: unknown): string {
  const edit = at(payload, "order_edit") ?? payload;
  const added = list(edit, "line_items", "additions").length;
  const removed = list(edit, "line_items", "removals").length;
  const id = line(edit, "order_id");
  const changes = [
    added > 0 ? `${counted(added, "line")} added` : undefined,
    removed > 0 ? `${counted(removed, "line")} taken off` : undefined,
  ].filter((change) => change).join(", ");
  const title = words("Order", id && `(${id})`, "edited");
  return changes ? `${title}: ${changes}` : title;
}

/** What shops must do for people's privacy (shopify.dev, "Privacy law compliance"). */
const PRIVACY: Record<string, (who: string | undefined) => string> = {
  "customer data_request": (who) => words("Customer", who, "asks for their data"),
  "customer redact": (who) => words("The data of customer", who, "must be erased"),
  "shop redact": (who) => words("The data of shop", who, "must be erased"),
};

const VERBS: Record<string, string> = {
  in_stock: "is in stock",
  out_of_stock: "is out of stock",
  due: "is due",
};

/** The one that is meant: by name, else by what it belongs to, else by its number. */
function subjectOf(kind: string, body: unknown): string | undefined {
  if (kind === "refund" || kind === "dispute" || kind === "order transaction") {
    const order = line(body, "order_id");
    return words(idOf(body), order && `of order (${order})`) || undefined;
  }
  if (kind === "inventory level") {
    return words(["of item", line(body, "inventory_item_id")], [
      "at location",
      line(body, "location_id"),
    ]) || undefined;
  }
  return first(nameOf(body), idOf(body));
}

function nameOf(body: unknown): string | undefined {
  const named = first(
    line(body, "title"),
    line(body, "name"),
    line(body, "product_listing", "title"),
    line(body, "collection_listing", "title"),
    line(body, "handle"),
    line(body, "code"),
    line(body, "host"),
    line(body, "locale"),
    line(body, "sku"),
  );
  if (named) return named.startsWith("#") ? named : quoted(named);
  return first(
    personOf(body),
    line(body, "email"),
    line(body, "email_address"),
    line(body, "phone"),
    personOf(at(body, "customer")),
    line(body, "customer", "email"),
    line(body, "customer", "phone"),
  );
}

/** A number alone, of a kind of thing that has no name. */
function idOf(body: unknown): string | undefined {
  const id = first(
    line(body, "id"),
    line(body, "admin_graphql_api_id"),
    line(body, "customerId"),
    line(body, "customer_id"),
  )?.split("/").at(-1);
  return id && `(${id})`;
}

function levelOf(body: unknown): string | undefined {
  const available = line(body, "available");
  const state = line(body, "email_marketing_consent", "state") ??
    line(body, "sms_marketing_consent", "state");
  const risk = line(body, "risk_level");
  return words(
    available && `(${available} available)`,
    state && `(${state.replaceAll("_", " ")})`,
    risk && `(risk ${risk.toLowerCase()})`,
  ) || undefined;
}

function personOf(person: unknown): string | undefined {
  return words(line(person, "first_name"), line(person, "last_name")) || undefined;
}

/** What was given back, when all of it is of one currency. */
function refundOf(body: unknown): string | undefined {
  const given = list(body, "transactions").slice(0, 100).filter((each) =>
    line(each, "kind") === "refund" && (line(each, "status") ?? "success") === "success"
  );
  const currencies = new Set(given.map((each) => line(each, "currency")));
  const cents = given.map((each) => toCents(line(each, "amount")));
  if (currencies.size !== 1 || cents.some((each) => each === undefined)) return undefined;
  const digits = Math.max(...cents.map((each) => each![1]));
  const sum = cents.reduce((total, each) => total + each![0] * 10 ** (digits - each![1]), 0);
  return Number.isSafeInteger(sum)
    ? withCurrency((sum / 10 ** digits).toFixed(digits), given[0])
    : undefined;
}

/** `12.50` as 1250 and 2 digits. */
function toCents(amount: string | undefined): [cents: number, digits: number] | undefined {
  if (!amount || !/^\d{1,12}(?:\.\d{1,3})?$/.test(amount)) return undefined;
  const [whole, part = ""] = amount.split(".");
  return [Number(whole + part), part.length];
}

function withCurrency(amount: string | undefined, body: unknown): string | undefined {
  return amount && words(amount, line(body, "currency"));
}

function guess(payload: unknown): string | undefined {
  if (Array.isArray(at(payload, "line_items"))) return "orders";
  return line(payload, "handle") ? "products" : undefined;
}

/** `companies` → `company`, `addresses` → `address`, `statuses` → `status`. */
function singular(things: string): string {
  if (things.endsWith("ies")) return `${things.slice(0, -3)}y`;
  if (/(?:ss|tus)es$/.test(things)) return things.slice(0, -2);
  return /(?:ss|us)$/.test(things) ? things : things.replace(/s$/, "");
}
