import { at, first, isObject, line } from "../kit/json_path.ts";
import { changed, firstFew, quoted, words } from "../kit/line.ts";
import { directionOf, moneyOf } from "./money.ts";

/** `charge.refunded 5.00 USD to ada@example.com (ch_1): requested by customer`. */
export function titleOf(payload: unknown): string {
  const type = line(payload, "type");
  const object = at(payload, "data", "object");
  const id = first(
    line(object, "id"),
    line(payload, "related_object", "id"),
    line(payload, "id"),
  );
  const title = words(
    type ?? "Stripe event",
    moneyOf(payload),
    nameOf(object),
    [directionOf(type), customerOf(object)],
    id && `(${id})`,
  );
  const more = first(
    reasonOf(object),
    /updated$/.test(type ?? "") ? changesOf(payload) : undefined,
  );
  return more ? `${title}: ${more}` : title;
}

/** Who pays, or whom it is about: an address where there is one. */
export function customerOf(object: unknown): string | undefined {
  return first(
    line(object, "customer_email"),
    line(object, "receipt_email"),
    line(object, "customer_details", "email"),
    line(object, "billing_details", "email"),
    line(object, "object") === "customer" ? line(object, "email") : undefined,
    line(object, "customer"),
    line(object, "customer", "id"),
  );
}

/** Why it failed, ended or is disputed. */
export function reasonOf(object: unknown): string | undefined {
  return first(
    line(object, "failure_message"),
    line(object, "last_payment_error", "message"),
    line(object, "last_setup_error", "message"),
    line(object, "last_finalization_error", "message"),
    line(object, "last_error", "reason"),
    line(object, "action", "failure_message"),
    line(object, "cancellation_details", "reason"),
    line(object, "cancellation_reason"),
    line(object, "fraud_type"),
    line(object, "reason"),
    line(object, "failure_reason"),
  )?.replaceAll("_", " ");
}

/** What `previous_attributes` and the object say has changed: `status active → past_due, items`. */
function changesOf(payload: unknown): string | undefined {
  const previous = at(payload, "data", "previous_attributes");
  if (!isObject(previous)) return undefined;
  return firstFew(
    Object.keys(previous as object).slice(0, 20).map((key) =>
      changed(key, value(previous, key), value(payload, "data", "object", key))
    ),
  );
}

/** Words and switches; numbers are times and minor units of money, which nobody reads. */
function value(...[from, ...path]: [unknown, ...string[]]): string | undefined {
  const found = at(from, ...path);
  if (typeof found === "boolean") return found ? "yes" : "no";
  return typeof found === "string" ? line([found], 0) : undefined;
}

/** Objects that people know by a name. */
function nameOf(object: unknown): string | undefined {
  const kind = line(object, "object");
  switch (kind) {
    case "product":
    case "coupon":
    case "tax_rate":
    case "payout":
    case "price":
    case "plan":
      return quoted(
        first(line(object, "name"), line(object, "display_name"), line(object, "nickname")),
      );
    case "promotion_code":
      return line(object, "code");
    case "customer":
      return quoted(line(object, "name"));
    case "account":
      return first(quoted(line(object, "business_profile", "name")), line(object, "email"));
    case "file":
      return quoted(first(line(object, "title"), line(object, "filename")));
    case "payment_method":
      return cardOf(at(object, "card"));
    case "card":
      return cardOf(object);
    case "bank_account":
      return words(line(object, "bank_name"), ["ending in", line(object, "last4")]) || undefined;
    case "dispute":
      return line(object, "status") === "won" || line(object, "status") === "lost"
        ? line(object, "status")
        : undefined;
    case "checkout.session":
      return line(object, "payment_status") === "unpaid" ? "(unpaid)" : undefined;
    case "issuing.authorization":
    case "issuing.transaction":
      return words(["at", line(object, "merchant_data", "name")]) || undefined;
    default:
      return undefined;
  }
}

function cardOf(card: unknown): string | undefined {
  const last = line(card, "last4");
  return last && words(first(line(card, "brand"), "card"), "ending in", last);
}
