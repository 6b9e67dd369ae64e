import type { Description } from "./description.ts";
import { alertsId, alertsSubject, extractAlerts } from "./kit/alerts.ts";
import { jsonSample } from "./kit/sample.ts";
import type { DescribeContext } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { provenBy } from "./kit/token.ts";

export const label = "Alertmanager";
export const secretVariable = "ALERTMANAGER_WEBHOOK_SECRET";
export const setup =
  "alertmanager.yml → receivers → webhook_configs: url, http_config.authorization";

/** Alertmanager signs nothing, but sends whatever `http_config` says. */
export const { verify, sign, proof, secretNames } = provenBy(
  { authorization: true },
  { variable: secretVariable, is: "http_config's credentials or basic_auth password" },
);

export const deliveryId = alertsId;
/** The id is made of the alerts; values in their annotations change from one reminder to the next. */
export const changesOnRetry = "anything";

/** Says what fires, such as `FIRING 3 × HighCPU (critical) on web-1: CPU above 90 %`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  return toDescription({ name: "alertmanager", label }, payload, context, extractAlerts(payload));
}

export const about = "a group of alerts, of one address of Alertmanager";

/** What a notification is about: its group of alerts. */
export const subject = alertsSubject;

/** Small events to try the source with. */
export const samples = [
  jsonSample("alert.firing", {
    version: "4",
    groupKey: '{}:{alertname="SAMPLE"}',
    status: "firing",
    receiver: "otto",
    truncatedAlerts: 0,
    commonLabels: { alertname: "HighLatency", severity: "critical", job: "phone" },
    commonAnnotations: { summary: "Callers wait more than 10 s" },
    externalURL: "https://alerts.example.com",
    alerts: [
      {
        status: "firing",
        labels: { alertname: "HighLatency", instance: "phone-1" },
        startsAt: "2026-01-02T03:04:05Z",
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "https://prometheus.example.com/graph?g0.expr=latency",
        fingerprint: "a1",
      },
      {
        status: "firing",
        labels: { alertname: "HighLatency", instance: "phone-2" },
        startsAt: "2026-01-02T03:04:06Z",
        endsAt: "0001-01-01T00:00:00Z",
        fingerprint: "b2",
      },
    ],
  }),
];
