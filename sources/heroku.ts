import type { Description } from "./description.ts";
import { spoken, words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Heroku";
export const secretVariable = "HEROKU_WEBHOOK_SECRET";
export const setup = "The app → More → View webhooks, or heroku webhooks:add -s: URL and secret";

/** devcenter.heroku.com, "App webhooks", "Securing webhook requests". */
export const { verify, sign, proof } = signedBy(
  { header: "Heroku-Webhook-Hmac-SHA256", encoding: "base64" },
  { variable: secretVariable, is: "the webhook's secret" },
);

/** The delivery's id, else the event's; an attempt has one of its own. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return usableId(text(payload, "webhook_metadata", "delivery", "id")) ??
    usableId(text(payload, "id"));
}

/** The attempt's id, beside the delivery's. */
export const changesOnRetry = ["attempt"];

const DID: Record<string, string> = { create: "created", update: "updated", destroy: "destroyed" };

/** Says who did what to which part of which app, such as `ada@example.com created release v12 of phone: Deploy 1f3a`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const action = line(payload, "action");
  const resource = line(payload, "resource");
  const data = at(payload, "data");
  const actor = line(payload, "actor", "email");
  const did = DID[action ?? ""] ?? action;
  const app = first(line(data, "app", "name"), resource === "app" ? line(data, "name") : undefined);
  const version = line(data, "version");
  const name = resource === "app"
    ? undefined
    : resource === "release" && version
    ? `v${version}`
    : first(
      line(data, "hostname"),
      line(data, "name"),
      line(data, "type"),
      line(data, "user", "email"),
    );
  const status = first(line(data, "status"), line(data, "state"));
  const before = first(
    line(payload, "previous_data", "status"),
    line(payload, "previous_data", "state"),
  );
  const thing = resource &&
    words(spoken(resource), ...(resource === "app" ? [app] : [name, ["of", app] as const]));
  const change = status &&
    (before && before !== status ? `(${before} → ${status})` : `(${status})`);
  const said = line(data, "description");
  const title = thing && did && words(
    actor ? words(actor, did, thing) : words("Heroku", thing, did),
    change,
  );
  return toDescription({ name: "heroku", label }, payload, context, {
    event: resource && action && `${resource}.${action}`,
    title: title && said ? `${title}: ${said}` : title,
    links: [
      app && /^[a-z0-9-]+$/.test(app) ? `https://dashboard.heroku.com/apps/${app}` : undefined,
      at(data, "web_url"),
    ],
    actor,
    fields: {
      app,
      kind: resource,
      status,
      commit: first(line(data, "slug", "commit"), line(data, "source_blob", "version")),
      plan: line(data, "plan", "name"),
      size: first(line(data, "size"), line(data, "dyno", "size")),
      command: line(data, "command"),
      time: first(line(payload, "published_at"), line(payload, "created_at")),
    },
    text: text(data, "description"),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("release.create", {
    id: "e1",
    action: "create",
    resource: "release",
    actor: { id: "u1", email: "ada@example.com" },
    created_at: "2026-01-02T03:04:05Z",
    data: {
      id: "r1",
      app: { id: "a1", name: "phone" },
      version: 12,
      status: "succeeded",
      description: "Deploy 1f3a5c7e",
    },
    previous_data: {},
    version: "application/vnd.heroku+json; version=3",
    webhook_metadata: { delivery: { id: "SAMPLE" }, event: { id: "e1", include: "api:release" } },
  }),
];
