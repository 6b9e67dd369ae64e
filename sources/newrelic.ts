import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, list, whole } from "./kit/json_path.ts";
import { contentId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "New Relic";
export const aliases = ["new-relic"];
export const secretVariable = "NEWRELIC_WEBHOOK_SECRET";
export const setup =
  "Alerts → Destinations → Webhook: URL, authorization Bearer token; then a workflow that notifies it";

/** New Relic signs nothing; a destination has Basic or Bearer credentials (docs.newrelic.com, "Webhook destinations"). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the destination's token or password" },
);

/** The template's `updatedAt` makes each notification of an issue another one. */
export const deliveryId = contentId;

/**
 * Says which issue is in which state, such as `ACTIVATED Callers wait (critical) on phone`. The
 * fields are those of the default template; a workflow may send others.
 */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const state = first(line(payload, "state"), line(payload, "current_state"));
  const priority = first(line(payload, "priority"), line(payload, "severity"));
  const title = first(
    line(payload, "title"),
    line(payload, "title", 0),
    line(payload, "condition_name"),
    line(payload, "details"),
  );
  const entities = list(payload, "impactedEntities").map((_, i) =>
    line(payload, "impactedEntities", i)
  ).filter((entity) => entity);
  const policy = first(line(payload, "alertPolicyNames", 0), line(payload, "policy_name"));
  const entity = entities.length === 1 ? entities[0] : undefined;
  return toDescription({ name: "newrelic", label }, payload, context, {
    event: state && `issue.${state.toLowerCase()}`,
    title: title && words(
      state?.toUpperCase(),
      title,
      priority && `(${priority.toLowerCase()})`,
      ["on", entity && !title.includes(entity) ? entity : undefined],
    ),
    links: [at(payload, "issueUrl"), at(payload, "incident_url")],
    fields: {
      issue: first(line(payload, "id"), line(payload, "incident_id")),
      state,
      priority,
      entities: entities.join(", "),
      incidents: line(payload, "totalIncidents"),
      policy,
      condition: first(line(payload, "alertConditionNames", 0), line(payload, "condition_name")),
      workflow: line(payload, "workflowName"),
    },
    text: whole(payload, "details"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("issue.activated", {
    id: "SAMPLE",
    issueUrl: "https://radar-api.service.newrelic.com/accounts/1/issues/1",
    title: "Callers wait longer than 10 s",
    priority: "CRITICAL",
    impactedEntities: ["phone"],
    totalIncidents: 1,
    state: "ACTIVATED",
    createdAt: 1_767_322_645_000,
    updatedAt: 1_767_322_645_000,
    alertPolicyNames: ["Phone"],
    workflowName: "Otto",
  }),
];
