import { at, first, line } from "../kit/json_path.ts";
import { capital, words } from "../kit/line.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "../kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "../subject.ts";

/** What goes on for a while, and where it is in Stripe's dashboard. */
const PAGES: Record<string, string | undefined> = {
  invoice: "invoices",
  subscription: "subscriptions",
  dispute: "disputes",
  payment_intent: "payments",
  charge: "payments",
  "checkout.session": undefined,
  "radar.early_fraud_warning": undefined,
};

/** What begins or ends something; Stripe's order is not its clock's, see `at`. */
const ROLES = {
  opens: [
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.finalization_failed",
    "charge.dispute.created",
    "customer.subscription.created",
    "customer.subscription.trial_will_end",
  ],
  closes: [
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "charge.dispute.closed",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "customer.subscription.deleted",
  ],
};

/** What an event is about: the invoice, subscription, dispute or payment of one account and one mode. */
export function subjectOf(payload: unknown): Subject | undefined {
  const object = at(payload, "data", "object");
  const kind = first(line(object, "object"), line(payload, "related_object", "type"));
  const isThin = object === undefined;
  if (kind === undefined || !isThin && !Object.hasOwn(PAGES, kind)) return undefined;
  const id = isThin ? idAt(payload, "related_object", "id") : idAt(object, "id");
  const livemode = at(payload, "livemode");
  const mode = typeof livemode === "boolean" ? String(livemode) : undefined;
  const account = accountOf(payload);
  const name = first(line(object, "number"), id);
  return toSubject(keyOf`${account}:${mode}:${id}`, {
    role: roleOf(payload),
    name: words(capital(kind.replaceAll(/[._]/g, " ")), name),
    link: pageOf(kind, id, { account, mode }),
    at: timeAt(payload, "created"),
  });
}

/** Connected accounts' events come to the same URL. */
function accountOf(payload: unknown): string | undefined {
  const key = ["account", "context"].find((each) => at(payload, each) != null);
  return key === undefined ? "own" : idAt(payload, key);
}

function roleOf(payload: unknown): SubjectRole {
  const type = line(payload, "type");
  const object = at(payload, "data", "object");
  const tries = at(object, "attempt_count");
  if (type === "invoice.payment_failed" && typeof tries === "number" && tries > 1) {
    return "continues";
  }
  const isActiveAgain = type === "customer.subscription.updated" &&
    line(object, "status") === "active" &&
    at(payload, "data", "previous_attributes", "status") !== undefined;
  if (isActiveAgain) return "closes";
  return type?.startsWith("radar.") ? "opens" : roleIn(ROLES, type);
}

/** Its page in the dashboard, for what is the account's own. */
function pageOf(
  kind: string,
  id: string | undefined,
  { account, mode }: { account: string | undefined; mode: string | undefined },
): string | undefined {
  const page = Object.hasOwn(PAGES, kind) ? PAGES[kind] : undefined;
  if (page === undefined || account !== "own" || !id || !/^\w{1,100}$/.test(id)) return undefined;
  return `https://dashboard.stripe.com/${mode === "false" ? "test/" : ""}${page}/${id}`;
}
