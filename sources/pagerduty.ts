import type { Description } from "./description.ts";
import { firstFew, quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "PagerDuty";
export const secretVariable = "PAGERDUTY_WEBHOOK_SECRET";
export const troubles = [
  "The secret is shown once, when the webhook is made: make it anew if it is lost.",
];
export const secretIsTheirs = true;
export const setup = "Integrations → Generic Webhooks (v3): URL; the secret is shown once";

/** Several signatures stand in one header while a secret changes (PagerDuty/developer-docs, "Webhook signatures"). */
export const { verify, sign, proof, signedContentKeys } = signedBy(
  { header: "X-PagerDuty-Signature", separator: ",", prefix: "v1=", encoding: "hex" },
  { variable: secretVariable, is: "the webhook subscription's secret" },
);

/** The delivery's id, the same on every retry; else the event's. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(request.headers.get("x-webhook-id")) ??
    usableId(text(payloadOf(request), "event", "id"));
}

/** Says what happened, such as `Ada acknowledged incident #42 "The line is down" (high) on Phone`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = at(payload, "event");
  const type = line(event, "event_type");
  const data = at(event, "data");
  const actor = line(event, "agent", "summary");
  const [thing, ...did] = type?.split(".") ?? [];
  const action = did.join(" ").replaceAll("_", " ");
  const number = line(data, "number");
  const about = first(
    line(data, "title"),
    line(data, "incident", "summary"),
    line(data, "summary"),
  );
  const details = words(
    number && `#${number}`,
    quoted(about),
    line(data, "urgency") && `(${line(data, "urgency")})`,
    ["on", line(data, "service", "summary")],
  );
  const to = action === "reassigned"
    ? words(["to", firstFew(list(data, "assignees").map((each) => line(each, "summary")))])
    : undefined;
  const content = first(line(data, "content"), line(data, "message"));
  const title = thing &&
    (actor
      ? words(actor, action, thing, details, to)
      : words(thing[0].toUpperCase() + thing.slice(1), action, details, to));
  return toDescription({ name: "pagerduty", label }, payload, context, {
    event: type,
    title: title && content ? `${title}: ${content}` : title,
    links: [at(data, "html_url"), at(data, "incident", "html_url"), at(event, "agent", "html_url")],
    actor,
    fields: {
      incident: number ?? line(data, "incident", "summary"),
      status: line(data, "status"),
      urgency: line(data, "urgency"),
      priority: line(data, "priority", "summary"),
      service: line(data, "service", "summary"),
      assignee: line(data, "assignees", 0, "summary"),
    },
    text: first(whole(data, "content"), whole(data, "message")),
  });
}

export const about = "an incident";

/** What an event is about: an incident, which of a note or a responder is not the event's own data. */
export function subject(payload: unknown): Subject | undefined {
  const event = at(payload, "event");
  const data = at(event, "data");
  if (line(event, "resource_type") !== "incident") return undefined;
  const incident = line(data, "type") === "incident" ? data : at(data, "incident");
  const title = line(incident, "title");
  return toSubject(idAt(incident, "id"), {
    role: roleIn({
      opens: ["triggered", "reopened"],
      continues: ["annotated", "priority_updated", "escalated", "status_update_published"],
      closes: ["resolved"],
    }, line(event, "event_type")?.replace(/^incident\./, "")),
    name: title && words(
      line(incident, "number") && `#${line(incident, "number")}`,
      quoted(title),
      ["on", line(incident, "service", "summary")],
    ),
    link: httpLink(at(incident, "html_url")),
    at: timeAt(event, "occurred_at"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("incident.triggered", {
    event: {
      id: "SAMPLE",
      event_type: "incident.triggered",
      resource_type: "incident",
      occurred_at: "2026-01-02T03:04:05Z",
      agent: null,
      data: {
        id: "PSAMPLE",
        type: "incident",
        number: 42,
        title: "The line is down",
        status: "triggered",
        urgency: "high",
        service: { summary: "Phone" },
        assignees: [{ summary: "Ada Byron" }],
        html_url: "https://otto.pagerduty.com/incidents/PSAMPLE",
      },
    },
  }),
];
