import type { Description } from "./description.ts";
import { words } from "./kit/line.ts";
import { at, first, line, text } from "./kit/json_path.ts";
import { contentId, payloadOf } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Datadog";
export const secretVariable = "DATADOG_WEBHOOK_SECRET";
export const setup = "Integrations → Webhooks: URL, custom headers " +
  '{"Authorization": "Bearer …"}; payload as it is, with "link": "$LINK" and ' +
  '"alert_transition": "$ALERT_TRANSITION" if you like; then @webhook-otto in a monitor';
export const troubles = [
  "A webhook is called where a monitor's message names it: @webhook- and its name.",
];

/** Datadog signs nothing; a webhook has custom headers or Basic credentials (docs.datadoghq.com, "Webhooks"). */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true, parameters: ["token"] },
  { variable: secretVariable, is: "the secret in the webhook's custom headers" },
);

/** The event's id and time are in the payload as Datadog proposes it; without a time the same may be news. */
export function deliveryId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  return ["date", "last_updated"].some((name) => text(payload, name))
    ? contentId(request)
    : undefined;
}

/** Says what a monitor told, in its own title, such as `[Triggered] Callers wait on host:phone-1`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const event = first(line(payload, "event_type"), line(payload, "alert_type"));
  const state = first(line(payload, "alert_transition"), line(payload, "transition"));
  const title = first(
    line(payload, "title"),
    line(payload, "event_title"),
    line(payload, "alert_title"),
  );
  const said = bodyOf(first(
    text(payload, "body"),
    text(payload, "text_only_msg"),
    text(payload, "event_msg"),
    text(payload, "msg"),
  ));
  return toDescription({ name: "datadog", label }, payload, context, {
    event,
    // A monitor's title begins with its state already: [Triggered], [Recovered].
    title: title && words(title.startsWith("[") ? undefined : state, title),
    links: [at(payload, "link"), at(payload, "url"), at(payload, "snapshot")],
    actor: first(line(payload, "user"), line(payload, "username")),
    fields: {
      state,
      priority: first(line(payload, "alert_priority"), line(payload, "priority")),
      monitor: line(payload, "alert_id"),
      host: first(line(payload, "host"), line(payload, "hostname")),
      scope: line(payload, "alert_scope"),
      tags: line(payload, "tags"),
      organization: line(payload, "org", "name"),
    },
    text: said,
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("metric_alert_monitor", {
    id: "SAMPLE",
    event_type: "metric_alert_monitor",
    title: "[Triggered] Callers wait longer than 10 s on host:phone-1",
    body: "%%%\nCallers wait.\n\n@webhook-otto\n%%%",
    date: "1767322645000",
    last_updated: "1767322645000",
    org: { id: "1", name: "octo" },
  }),
];

/** A monitor's message stands between marks that say it is Markdown. */
function bodyOf(body: string | undefined): string | undefined {
  return body?.replaceAll("%%%", "").trim() || undefined;
}
