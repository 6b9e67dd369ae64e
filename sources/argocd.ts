import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, isObject, line, whole } from "./kit/json_path.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Argo CD";
export const aliases = ["argo-cd", "argo"];
export const secretVariable = "ARGOCD_WEBHOOK_SECRET";
export const setup = "argocd-notifications-cm: service.webhook.otto with url and the header " +
  "Authorization: Bearer $otto-token; a template whose webhook body is " +
  '{"app": {{toJson .app}}, "message": "…"}';
export const troubles = [
  "A template's body is yours: give it `app`, or `app`, `sync`, `health`, `revision` and `message`.",
];

/** Notifications have headers of one's own (argo-cd.readthedocs.io, "Webhook" among the notification services). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the token in the service's Authorization header" },
);

// A body is of its owner's making, and need not say when: the same may be news, so it has no id.

/**
 * Says what state an application is in, such as `phone is Synced, Degraded (1f3a5c7e): …`. The
 * body is its template's: the application whole, or its parts under plain names.
 */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const app = isObject(payload, "app") ? at(payload, "app") : payload;
  const name = first(
    line(app, "metadata", "name"),
    line(payload, "app"),
    line(payload, "application"),
    line(payload, "name"),
  );
  const sync = first(
    line(app, "status", "sync", "status"),
    line(payload, "sync"),
    line(payload, "sync_status"),
    line(payload, "syncStatus"),
  );
  const health = first(
    line(app, "status", "health", "status"),
    line(payload, "health"),
    line(payload, "health_status"),
    line(payload, "healthStatus"),
  );
  const phase = first(line(app, "status", "operationState", "phase"), line(payload, "phase"));
  const revision = first(
    line(app, "status", "sync", "revision"),
    line(app, "status", "operationState", "syncResult", "revision"),
    line(payload, "revision"),
  );
  const said = first(
    line(payload, "message"),
    line(app, "status", "operationState", "message"),
    line(app, "status", "health", "message"),
  );
  const states = [sync, health].filter((state) => state).join(", ");
  const title = name && words(
    name,
    states ? `is ${states}` : phase && `sync ${phase}`,
    revision && /^[0-9a-f]{40}$/.test(revision) ? `(${revision.slice(0, 8)})` : undefined,
  );
  return toDescription({ name: "argocd", label }, payload, context, {
    event: first(line(payload, "trigger"), line(payload, "event"), health ?? sync ?? phase),
    title: title && said ? `${title}: ${said}` : title ?? said,
    links: [
      at(payload, "url"),
      at(payload, "target_url"),
      at(app, "status", "summary", "externalURLs", 0),
      at(app, "spec", "source", "repoURL"),
    ],
    actor: line(app, "status", "operationState", "operation", "initiatedBy", "username"),
    fields: {
      app: name,
      project: line(app, "spec", "project"),
      namespace: line(app, "spec", "destination", "namespace"),
      sync,
      health,
      phase,
      revision,
    },
    text: first(whole(payload, "message"), whole(app, "status", "operationState", "message")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("Degraded", {
    app: {
      metadata: { name: "phone" },
      spec: { project: "default", destination: { namespace: "phone" } },
      status: {
        sync: { status: "Synced", revision: "1f3a5c7e9b1d3f5a7c9e1b3d5f7a9c1e3b5d7f91" },
        health: { status: "Degraded" },
      },
    },
    message: "Deployment phone has no ready replica",
  }),
];
