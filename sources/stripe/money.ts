import { inUnits } from "../kit/amount.ts";
import { at, line, list } from "../kit/json_path.ts";

/** The keys that may say what an event moves, by the event's type: the first that is there counts. */
const MOVED: Record<string, readonly string[]> = {
  "charge.captured": ["amount_captured", "amount"],
  "charge.refunded": ["amount_refunded"],
  "application_fee.refunded": ["amount_refunded"],
  "transfer.reversed": ["amount_reversed"],
  "payment_intent.succeeded": ["amount_received", "amount"],
  "payment_intent.amount_capturable_updated": ["amount_capturable"],
  "payment_intent.partially_funded": [],
  "invoice.paid": ["amount_paid"],
  "invoice.payment_succeeded": ["amount_paid"],
  "invoice.payment_failed": ["amount_remaining", "amount_due"],
  "invoice.overdue": ["amount_remaining", "amount_due"],
  "invoice.overpaid": ["amount_overpaid"],
  "customer_cash_balance_transaction.created": ["net_amount"],
};

/** Counts that only grow: an event moves what was added since the one before it. */
const TOTALS = new Set(["amount_refunded", "amount_reversed"]);

/** What is said of an object when nothing more is known of the event. */
const OF_OBJECT = ["amount_total", "amount_paid", "amount_due", "amount", "unit_amount"];

/**
 * The money that an event is about, such as `5.00 USD`: of a refund what was given
 * back now, not what the charge was over. An update that moves none has none, unless
 * it is the amount that changed: `20.00 USD → 30.00 USD`.
 */
export function moneyOf(payload: unknown): string | undefined {
  const type = line(payload, "type") ?? "";
  const object = at(payload, "data", "object");
  const previous = at(payload, "data", "previous_attributes");
  if (Object.hasOwn(MOVED, type)) return firstMoney(object, MOVED[type], previous);
  if (/\.funds_(?:withdrawn|reinstated|rescinded)$/.test(type)) {
    return balanceMoney(object) ?? firstMoney(object, ["amount"]);
  }
  if (type === "issuing_authorization.request") {
    return firstMoney(at(object, "pending_request") ?? object, ["amount"]);
  }
  if (type.endsWith("updated") && !/(?:refund|dispute)\.updated$/.test(type)) {
    return changedMoney(object, previous);
  }
  const found = OF_OBJECT.filter((key) => isAmount(at(object, key)));
  // An unpaid invoice has `amount_paid: 0`, and says more with `amount_due`.
  const meant = found.find((key) => at(object, key) !== 0) ?? found[0];
  return meant && money(object, at(object, meant));
}

/** What is written behind the amount: `from` who pays, `to` whom it goes back. */
export function directionOf(type: string | undefined): "from" | "to" {
  return /(?:^|\.)refund(?:ed)?(?:\.|$)|^credit_note\.|^cash_balance\./.test(type ?? "")
    ? "to"
    : "from";
}

function firstMoney(object: unknown, keys: readonly string[], previous?: unknown) {
  const key = keys.find((each) => isAmount(at(object, each)));
  if (!key) return undefined;
  const amount = at(object, key) as number;
  const before = at(previous, key);
  return money(object, TOTALS.has(key) && isAmount(before) ? amount - before : amount);
}

/** A dispute's funds, in the currency of the account that they left or came back to. */
function balanceMoney(dispute: unknown): string | undefined {
  const moved = list(dispute, "balance_transactions").at(-1);
  const amount = at(moved, "amount");
  return isAmount(amount) ? money(moved, Math.abs(amount)) : undefined;
}

function changedMoney(object: unknown, previous: unknown): string | undefined {
  const key = OF_OBJECT.find((each) => isAmount(at(previous, each)) && isAmount(at(object, each)));
  if (!key) return undefined;
  const was = money(object, at(previous, key));
  const now = money(object, at(object, key));
  return was && now && `${was} → ${now}`;
}

function money(object: unknown, amount: unknown): string | undefined {
  return isAmount(amount) ? inUnits(String(amount), line(object, "currency")) : undefined;
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
