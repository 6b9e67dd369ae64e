import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { idAt, keyOf, roleIn, timeAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject, SubjectRole } from "./subject.ts";
import { httpLink } from "./kit/link.ts";

export const label = "Sentry";
export const secretVariable = "SENTRY_CLIENT_SECRET";
export const troubles = [
  'Sentry waits one second only; the integration must be installed in the organization, and "Alert Rule Action" be on.',
];
export const secretIsTheirs = true;
export const setup =
  "Settings → Developer Settings → the integration: webhook URL and client secret";

/** A bare HMAC of the body; the timestamp's header is not signed (docs.sentry.io, "Integration platform, Webhooks"). */
export const { verify, sign, proof, signedContentKeys } = signedBy(
  { header: "Sentry-Hook-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the integration's client secret" },
);

/** A UUID per request. */
export function deliveryId({ headers }: Incoming): string | undefined {
  return usableId(headers.get("request-id"));
}

/** Says what happened to an issue, an alert, an error or the installation. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const data = at(payload, "data");
  const isPlugin = data === undefined && at(payload, "project_name") !== undefined;
  const resource = isPlugin
    ? "alert"
    : context?.headers?.get("sentry-hook-resource") ?? guess(data);
  const action = line(payload, "action");
  const actor = line(payload, "actor", "name");
  const thing = first(
    at(data, "issue"),
    at(data, "event"),
    at(data, "error"),
    isPlugin ? at(payload, "event") : undefined,
  );
  const subject = first(
    line(thing, "title"),
    line(data, "description_title"),
    line(data, "metric_alert", "title"),
    line(data, "comment"),
    isPlugin ? line(payload, "message") : undefined,
    isPlugin ? line(payload, "culprit") : undefined,
  );
  const assignee = first(
    line(thing, "assignedTo", "name"),
    line(thing, "assignedTo", "email"),
  );
  const project = first(
    line(thing, "project", "slug"),
    line(data, "project_slug"),
    line(payload, "project_name"),
    line(payload, "project"),
  );
  const level = first(line(thing, "level"), line(payload, "level"));
  return toDescription({ name: "sentry", label }, payload, context, {
    event: resource && action ? `${resource}.${action}` : resource ?? action,
    title: resource && words(
      level === "fatal" ? "Fatal" : undefined,
      `Sentry ${resource.replaceAll("_", " ")}`,
      line(thing, "shortId"),
      action?.replaceAll("_", " "),
      action === "assigned" ? ["to", assignee] : undefined,
      actor && actor !== "Sentry" ? ["by", actor] : undefined,
      quoted(subject),
      ["in", project],
    ),
    links: [
      at(thing, "web_url"),
      at(thing, "permalink"),
      at(data, "web_url"),
      at(payload, "url"),
    ],
    actor,
    fields: {
      issue: first(line(thing, "shortId"), line(data, "issue_id")),
      level,
      status: line(thing, "status"),
      assignee,
      culprit: first(line(thing, "culprit"), line(payload, "culprit")),
      project,
      rule: first(line(data, "triggered_rule"), line(payload, "triggering_rules", 0)),
      environment: line(thing, "environment"),
    },
    text: first(
      whole(data, "description_text"),
      whole(data, "comment"),
      whole(thing, "message"),
      isPlugin ? whole(payload, "message") : undefined,
    ),
  });
}

export const about = "an issue, or the alert of a metric";

/** What an event is about: an issue with its errors, or the incident of a metric. */
export function subject(payload: unknown, context?: DescribeContext): Subject | undefined {
  const data = at(payload, "data");
  const resource = context?.headers?.get("sentry-hook-resource") ?? guess(data);
  const thing = first(at(data, "issue"), at(data, "event"), at(data, "error"));
  const installation = idAt(payload, "installation", "uuid");
  const title = first(line(thing, "title"), line(data, "metric_alert", "title"));
  const key = resource === "metric_alert"
    ? keyOf`${installation}:metric:${idAt(data, "metric_alert", "id")}`
    : keyOf`${installation}:${issueId(data, thing)}`;
  return toSubject(key, {
    role: roleOf(resource, line(payload, "action")),
    name: title && words(line(thing, "shortId"), quoted(title)),
    link: first(
      httpLink(at(thing, "web_url")),
      httpLink(at(thing, "permalink")),
      httpLink(at(data, "web_url")),
    ),
    at: first(
      timeAt([context?.headers?.get("sentry-hook-timestamp")], 0),
      timeAt(thing, "datetime"),
    ),
  });
}

/** An alert comes again with each event of its issue. */
function roleOf(resource: string | undefined, action: string | undefined): SubjectRole {
  if (resource === "comment") return "notes";
  return resource === "event_alert" ? "opens" : roleIn({
    opens: ["created", "unresolved", "critical", "warning"],
    closes: ["resolved", "archived", "ignored"],
  }, action);
}

/** The issue's number: older alerts have it in addresses only. */
function issueId(data: unknown, thing: unknown): string | undefined {
  const inUrl = ["issue_url", "web_url"]
    .map((key) =>
      /\/issues\/(\d{1,20})(?:[/?#]|$)/.exec(text(thing, key)?.slice(0, 2_000) ?? "")?.[1]
    )
    .find((found) => found);
  return first(idAt(data, "issue", "id"), idAt(data, "issue_id"), idAt(thing, "issue_id"), inUrl);
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("issue.created", {
    action: "created",
    actor: { type: "application", id: "sentry", name: "Sentry" },
    installation: { uuid: "SAMPLE" },
    data: {
      issue: {
        id: "3",
        shortId: "PHONE-3F",
        title: "TypeError: greeting is null",
        culprit: "answer(call)",
        level: "error",
        status: "unresolved",
        project: { slug: "phone" },
        web_url: "https://otto.sentry.io/issues/3/",
      },
    },
  }, { "sentry-hook-resource": "issue", "request-id": "SAMPLE" }),
];

function guess(data: unknown): string | undefined {
  if (at(data, "issue")) return "issue";
  if (at(data, "event")) return "event_alert";
  if (at(data, "metric_alert")) return "metric_alert";
  if (at(data, "error")) return "error";
  return at(data, "installation") ? "installation" : undefined;
}
