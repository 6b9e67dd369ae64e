/** Verbs as vendors name events by, which are no regular ones or not written as they sound. */
const IRREGULAR: Record<string, string> = {
  send: "sent",
  sent: "sent",
  pay: "paid",
  paid: "paid",
  put: "put",
  begin: "began",
  run: "ran",
  read: "read",
  write: "wrote",
  build: "built",
  hold: "held",
  make: "made",
  say: "said",
  submit: "submitted",
  ship: "shipped",
  stop: "stopped",
  ban: "banned",
  unban: "unbanned",
  drop: "dropped",
  success: "succeeded",
  failure: "failed",
  expiry: "expired",
  payment: "paid",
};

/** Verbs of events that are written in the present, as in `order/create`. */
const REGULAR = new Set(
  ("create update delete remove add open close reopen merge approve award revoke archive restore " +
    "enable disable activate deactivate complete cancel connect disconnect publish unpublish issue " +
    "finish fail expire pause resume redact convert invite assign unassign snooze unsnooze unarchive " +
    "request decline process succeed start triage resolve escalate rename transfer move copy join " +
    "accept reject dismiss suspend unsuspend edit capture refund void subscribe unsubscribe follow " +
    "upload trigger promote lock unlock pin unpin subscribe deploy rotate block unblock").split(
      " ",
    ),
);

/** A verb in the past, where it is known to be one: `create` → `created`; anything else stays as it is. */
export function pastTense(verb: string): string {
  if (Object.hasOwn(IRREGULAR, verb)) return IRREGULAR[verb];
  if (!REGULAR.has(verb)) return verb;
  if (verb.endsWith("e")) return `${verb}d`;
  return /[^aeou]y$/.test(verb) ? `${verb.slice(0, -1)}ied` : `${verb}ed`;
}
