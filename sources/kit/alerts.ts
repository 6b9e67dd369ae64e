import { counted, words } from "./line.ts";
import { at, first, isObject, line, list, text, whole } from "./json_path.ts";
import { digest } from "../signature/signature.ts";
import { payloadOf } from "./incoming.ts";
import type { Incoming } from "../source.ts";
import { eachOnce, type Extracted } from "./to_description.ts";

/**
 * One notification of Alertmanager, which Grafana's has the shape of
 * (prometheus/alertmanager, docs/configuration.md, "webhook_config"): a group
 * of alerts that fire or are resolved together.
 */
export function extractAlerts(payload: unknown): Extracted {
  const alerts = eachOnce(list(payload, "alerts"), keyOf);
  const status = line(payload, "status");
  const one = alerts[0];
  // What only the first of several alerts has is not true of all of them.
  const only = alerts.length === 1 ? one : undefined;
  const label = (name: string) =>
    first(line(payload, "commonLabels", name), line(only, "labels", name));
  const note = (name: string) =>
    first(line(payload, "commonAnnotations", name), line(only, "annotations", name));
  const name = label("alertname");
  const severity = label("severity");
  const summary = first(
    note("summary"),
    note("description"),
    note("message"),
    line(one, "annotations", "summary"),
    line(one, "annotations", "description"),
  );
  const head = words(
    status?.toUpperCase(),
    name
      ? words(alerts.length > 1 ? `${alerts.length} ×` : undefined, name)
      : alerts.length > 0
      ? counted(alerts.length, "alert")
      : undefined,
    severity && `(${severity})`,
    ["on", first(label("instance"), label("job"))],
  );
  return {
    event: status && `alert.${status}`,
    title: head && summary ? `${head}: ${summary}` : head,
    links: [
      at(one, "panelURL"),
      at(one, "dashboardURL"),
      at(one, "generatorURL"),
      at(payload, "commonAnnotations", "runbook_url"),
      at(payload, "externalURL"),
    ],
    fields: {
      alert: name,
      status,
      severity,
      instance: label("instance"),
      job: label("job"),
      alerts: alerts.length > 1 ? String(alerts.length) : undefined,
      left_out: text(payload, "truncatedAlerts") === "0"
        ? undefined
        : line(payload, "truncatedAlerts"),
      since: line(one, "startsAt"),
      value: line(one, "valueString"),
      receiver: line(payload, "receiver"),
      runbook: note("runbook_url"),
    },
    text: first(
      whole(payload, "commonAnnotations", "description"),
      whole(one, "annotations", "description"),
      whole(payload, "message"),
    ),
  };
}

/**
 * What one notification is known by, as the sender gives it no id: the group,
 * its status and each alert's. The same group comes again every
 * `repeat_interval`: that is a repeat.
 */
export function alertsId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const alerts = eachOnce(list(payload, "alerts"), keyOf).map((alert) => keyOf(alert) ?? "");
  const group = text(payload, "groupKey");
  if (!group || alerts.length === 0 || alerts.includes("")) return undefined;
  return digest(JSON.stringify([group, text(payload, "status"), alerts.sort()]));
}

/** One alert; Alertmanager before 0.19, and what imitates it, gives no fingerprint but the labels that it is made of. */
function keyOf(alert: unknown): string | undefined {
  const who = text(alert, "fingerprint") ?? labelsOf(alert);
  return who && [who, text(alert, "startsAt"), text(alert, "status")].join("|");
}

function labelsOf(alert: unknown): string | undefined {
  const labels = at(alert, "labels");
  return isObject(labels)
    ? JSON.stringify(
      Object.entries(labels as object).sort(([one], [other]) => one < other ? -1 : 1),
    )
    : undefined;
}
