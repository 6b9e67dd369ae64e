import type { Description } from "./description.ts";
import { quoted, words } from "./kit/line.ts";
import { at, first, line, list, text, whole } from "./kit/json_path.ts";
import { payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { digest } from "./signature/signature.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Statuspage";
export const secretVariable = "STATUSPAGE_WEBHOOK_SECRET";
export const setup =
  "The status page → Subscribe to updates → Webhook: URL with ?token= and the secret";
export const troubles = [
  "Statuspage writes to the subscription's mail address when the URL fails.",
];

/** Statuspage signs nothing and sends no headers of one's own: a token in the URL proves it. */
export const { verify, prove, proof, secretNames } = provenBy(
  { parameters: ["token"] },
  { variable: secretVariable, is: "the token in the subscription's URL" },
);

/** The incident's newest update, or the component's: the envelope has the time of the attempt in it. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const incident = at(payload, "incident");
  const parts = incident === undefined ? [text(payload, "component_update", "id")] : [
    text(incident, "id"),
    text(incident, "status"),
    first(text(incident, "incident_updates", 0, "id"), text(incident, "updated_at")),
    text(incident, "updated_at"),
  ];
  return parts.every((part) => part !== undefined) ? digest(JSON.stringify(parts)) : undefined;
}

/** When the attempt was made, and how the page stands by then. */
export const changesOnRetry = ["meta", "page"];

/** Says what became of an incident, or of a component. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const incident = at(payload, "incident");
  const component = at(payload, "component");
  const change = at(payload, "component_update");
  const update = list(incident, "incident_updates")[0];
  const status = line(incident, "status");
  const impact = line(incident, "impact");
  const isPlanned = impact === "maintenance" || text(incident, "scheduled_for") !== undefined;
  const said = first(line(update, "body"), line(incident, "postmortem_body"));
  const [before, after] = [line(change, "old_status"), line(change, "new_status")];
  const title = status
    ? words(
      isPlanned ? "Maintenance" : "Incident",
      quoted(line(incident, "name")),
      status.replaceAll("_", " "),
      impact && impact !== "none" && !isPlanned ? `(${impact})` : undefined,
    )
    : after && words(
      "Component",
      quoted(line(component, "name")),
      before && `${before.replaceAll("_", " ")} →`,
      after.replaceAll("_", " "),
    );
  const components = list(incident, "components").map((each) => line(each, "name"))
    .filter((name) => name);
  return toDescription({ name: "statuspage", label }, payload, context, {
    event: status ? `incident.${status}` : after && `component.${after}`,
    title: title && status && said ? `${title}: ${said}` : title,
    links: [at(incident, "shortlink")],
    fields: {
      status: status ?? after,
      impact,
      components: components.join(", ") || line(component, "name"),
      scheduled_for: line(incident, "scheduled_for"),
      scheduled_until: line(incident, "scheduled_until"),
      page: line(payload, "page", "id"),
      page_status: line(payload, "page", "status_description"),
    },
    text: whole(update, "body"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("incident.identified", {
    meta: { generated_at: "2026-01-02T03:04:05Z" },
    page: { id: "p1", status_description: "Partial System Outage" },
    incident: {
      id: "i1",
      name: "Calls drop",
      status: "identified",
      impact: "major",
      shortlink: "https://stspg.io/1",
      updated_at: "2026-01-02T03:04:05Z",
      incident_updates: [{ id: "SAMPLE", body: "A line card is being replaced." }],
      components: [{ name: "Phone" }],
    },
  }),
  jsonSample("component.major_outage", {
    page: { id: "p1", status_description: "Major System Outage" },
    component: { id: "c1", name: "Phone", status: "major_outage" },
    component_update: { id: "SAMPLE", old_status: "operational", new_status: "major_outage" },
  }),
];
