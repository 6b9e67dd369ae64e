import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, isObject, line, text } from "./kit/json_path.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription, withoutTags } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Freshdesk";
export const secretVariable = "FRESHDESK_WEBHOOK_SECRET";
export const setup =
  "Admin → Automations → a rule → Trigger webhook: POST, URL, JSON, custom header " +
  "Authorization: Bearer and the secret; content simple, with all fields and the triggered event";
export const troubles = [
  "Freshdesk sends only the fields that the rule names: choose the ticket's id, subject, URL, status, requester and the triggered event.",
];

/** A rule has custom headers or Basic credentials; Freshdesk signs nothing (support.freshdesk.com, "Using webhooks in automation rules"). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the secret in the rule's custom header or its password" },
);

// A rule's content need not say when: the same may be news, so it has no id.

/** What Freshdesk's numbers mean (developers.freshdesk.com/api, "Ticket properties"). */
const STATUS: Record<string, string> = { 2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed" };
const PRIORITY: Record<string, string> = { 1: "Low", 2: "Medium", 3: "High", 4: "Urgent" };

/** Says which ticket a rule tells of and what changed, such as `Ticket #5 "The line drops" from Ada: status Open → Closed`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const ticket = isObject(payload, "freshdesk_webhook")
    ? at(payload, "freshdesk_webhook")
    : payload;
  const id = first(line(ticket, "ticket_id"), line(ticket, "ticket_public_id"));
  const subject = line(ticket, "ticket_subject");
  const requester = first(
    line(ticket, "ticket_requester_name"),
    line(ticket, "requester_name"),
    line(ticket, "ticket_requester_email"),
    line(ticket, "requester_email"),
    line(ticket, "ticket_from_email"),
  );
  const triggered = text(ticket, "triggered_event");
  const change = changeIn(triggered, {
    status: line(ticket, "ticket_status"),
    priority: line(ticket, "ticket_priority"),
  });
  const title = (id || subject) && words(
    "Ticket",
    id && `#${id}`,
    quoted(subject),
    change === "created" ? change : undefined,
    [change === "created" ? "by" : "from", requester],
  );
  return toDescription({ name: "freshdesk", label }, payload, context, {
    event: triggered ? nameIn(triggered) : undefined,
    title: title && change && change !== "created" ? `${title}: ${change}` : title || undefined,
    links: [at(ticket, "ticket_url")],
    actor: requester,
    fields: {
      ticket: id,
      status: line(ticket, "ticket_status"),
      priority: line(ticket, "ticket_priority"),
      agent: line(ticket, "ticket_agent_name"),
      group: line(ticket, "ticket_group_name"),
      email: first(line(ticket, "ticket_requester_email"), line(ticket, "requester_email")),
      source: line(ticket, "ticket_source"),
      tags: line(ticket, "ticket_tags"),
    },
    text: withoutTags(
      first(
        text(ticket, "ticket_latest_public_comment"),
        text(ticket, "ticket_description"),
      ),
    ),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("status", {
    freshdesk_webhook: {
      ticket_id: 5,
      ticket_subject: "The line drops",
      ticket_description: "<div>After ten minutes (SAMPLE).</div>",
      ticket_url: "https://otto.freshdesk.com/helpdesk/tickets/5",
      ticket_status: "Resolved",
      ticket_priority: "High",
      ticket_requester_name: "Ada Byron",
      ticket_requester_email: "ada@example.com",
      triggered_event: "{status:{from:2,to:4}}",
    },
  }),
];

/** `{status:{from:2,to:4}}` and `{ticket_action:created}` are what Freshdesk writes: nearly JSON. */
const EVENT = /^\{(\w{1,40}):(?:\{from:([^,{}]{0,60}),to:([^,{}]{0,60})\}|([^{}]{1,60}))\}$/;

function nameIn(triggered: string): string | undefined {
  return EVENT.exec(triggered)?.[1];
}

/** `now` has the words for what the numbers became: statuses may be of the operator's own making. */
function changeIn(
  triggered: string | undefined,
  now: Record<string, string | undefined>,
): string | undefined {
  const [, name, from, to, value] = EVENT.exec(triggered ?? "") ?? [];
  if (!name) return undefined;
  if (name === "ticket_action") return value;
  if (name === "note_type") return `${value} note added`;
  const says = name === "status" ? STATUS : name === "priority" ? PRIORITY : {};
  const read = (each: string | undefined) =>
    each && (Object.hasOwn(says, each) ? says[each] : each);
  const spoken = name.replaceAll("_", " ");
  const known = Object.hasOwn(now, name) ? now[name] : undefined;
  return to === undefined
    ? words(spoken, read(value))
    : `${spoken} ${read(from) || "none"} → ${known ?? (read(to) || "none")}`;
}
