import { counted, firstFew, words } from "./line.ts";
import { at, first, isObject, line, list, text, whole } from "./json_path.ts";
import { digest } from "../signature/signature.ts";
import { payloadOf } from "./incoming.ts";
import type { Incoming } from "../source.ts";
import { httpLink } from "./link.ts";
import { keyOf, timeAt, toSubject } from "./subject/subject_key.ts";
import type { Subject } from "../subject.ts";
import { eachOnce, type Extracted } from "./to_description.ts";

/**
 * One notification of Alertmanager, which Grafana's has the shape of
 * (prometheus/alertmanager, docs/configuration.md, "webhook_config"): a group
 * of alerts that fire or are resolved together.
 */
export function extractAlerts(payload: unknown): Extracted {
  const alerts = eachOnce(list(payload, "alerts"), alertKey);
  const status = line(payload, "status");
  // A group that fires may hold alerts that are over: they are counted apart.
  const meant = alerts.filter((alert) => (line(alert, "status") ?? status) === status);
  const told = meant.length > 0 ? meant : alerts;
  const [one] = told;
  // What only the first of several alerts has is not true of all of them.
  const only = alerts.length === 1 ? one : undefined;
  const label = (name: string) =>
    first(line(payload, "commonLabels", name), line(only, "labels", name));
  const note = (name: string) =>
    first(line(payload, "commonAnnotations", name), line(only, "annotations", name));
  const names = [...new Set(told.map(nameOf))].filter((name) => name !== undefined);
  const common = nameOf({ labels: at(payload, "commonLabels") });
  const name = common ?? (names.length === 1 && told.every(nameOf) ? names[0] : undefined);
  const severity = label("severity");
  const summary = first(
    note("summary"),
    note("description"),
    note("message"),
    // Of alerts of one name the first stands for the others, as their sum is not told anywhere.
    ...name === undefined && told.length > 1
      ? []
      : [line(one, "annotations", "summary"), line(one, "annotations", "description")],
  );
  const omitted = Number(text(payload, "truncatedAlerts") ?? 0) || 0;
  const count = told.length + (told.length === alerts.length ? omitted : 0);
  const others = alerts.length - told.length;
  const head = words(
    status?.toUpperCase(),
    name
      ? words(count > 1 ? `${count} ×` : undefined, name)
      : count > 0
      ? counted(count, "alert")
      : undefined,
    severity && `(${severity})`,
    others > 0 ? `(and ${others} ${status === "firing" ? "resolved" : "other"})` : undefined,
    ["on", first(label("instance"), label("job"))],
  );
  const said = first(
    name ? undefined : firstFew(names),
    summary,
    firstFew(told.map((alert) => line(alert, "annotations", "summary"))),
  );
  return {
    event: status && `alert.${status}`,
    title: head && said ? `${head}: ${said}` : head,
    links: [
      at(one, "panelURL"),
      at(one, "dashboardURL"),
      at(one, "generatorURL"),
      at(payload, "commonAnnotations", "runbook_url"),
      at(payload, "externalURL"),
    ],
    fields: {
      alert: name ?? firstFew(names, 10),
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
      alerts.length > 1 ? listOf(alerts, status) : whole(one, "annotations", "description"),
      whole(payload, "message"),
    ),
  };
}

/** An alert's name; what Grafana fires for a rule without data has the rule's name in `rulename`. */
function nameOf(alert: unknown): string | undefined {
  const name = line(alert, "labels", "alertname");
  const rule = line(alert, "labels", "rulename");
  return rule && name && /^Datasource(?:NoData|Error)$/.test(name) ? `${rule} (${name})` : name;
}

/** The most alerts that are listed: a person reads no more of them. */
const MAX_LISTED = 50;

/** A line for each alert: `DiskFull on web-1: 91 % are used`. */
function listOf(alerts: readonly unknown[], status: string | undefined): string | undefined {
  const lines = alerts.slice(0, MAX_LISTED).map((alert) => {
    const own = line(alert, "status");
    const head = words(
      nameOf(alert),
      ["on", first(line(alert, "labels", "instance"), line(alert, "labels", "job"))],
      own && own !== status ? `(${own})` : undefined,
    );
    const said = first(
      line(alert, "annotations", "summary"),
      line(alert, "annotations", "description"),
    );
    return head && said ? `${head}: ${said}` : head || said;
  });
  const more = alerts.length - MAX_LISTED;
  return [...lines, more > 0 ? `and ${more} more` : undefined].filter((each) => each).join("\n") ||
    undefined;
}

/**
 * What one notification is known by, as the sender gives it no id: the group,
 * its status and each alert's. The same group comes again every
 * `repeat_interval`: that is a repeat.
 */
export function alertsId(request: Incoming): string | undefined {
  const payload = payloadOf(request);
  const alerts = eachOnce(list(payload, "alerts"), alertKey).map((alert) => alertKey(alert) ?? "");
  const group = text(payload, "groupKey");
  if (!group || alerts.length === 0 || alerts.includes("")) return undefined;
  return digest(JSON.stringify([group, text(payload, "status"), alerts.sort()]));
}

/** One alert; Alertmanager before 0.19, and what imitates it, gives no fingerprint but the labels that it is made of. */
function alertKey(alert: unknown): string | undefined {
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

/** A group's key quotes its labels, so that it is one line; longer ones are none's. */
const GROUP_KEY = /^[^\p{C}\p{Zl}\p{Zp}•]{1,4000}$/u;

/**
 * The group that a notification is of. It has one key whether it fires or is resolved, but not one
 * in all the world; it holds quotes and braces, so that its digest stands for it.
 */
export function alertsSubject(payload: unknown): Subject | undefined {
  const group = text(payload, "groupKey");
  const host = URL.parse(text(payload, "externalURL") ?? "")?.host || undefined;
  const alerts = list(payload, "alerts");
  const isOver = line(payload, "status") === "resolved";
  const isLess = alerts.some((alert) => line(alert, "status") === "resolved");
  const key = group && GROUP_KEY.test(group) ? digest(group) : undefined;
  return toSubject(keyOf`${host}:${key}`, {
    role: isOver ? "closes" : isLess ? "continues" : "opens",
    name: groupName(payload),
    link: httpLink(at(payload, "externalURL")),
    at: newest(alerts, isOver ? "endsAt" : "startsAt"),
    // One that was silenced or inhibited is told of when that ends: it may have begun long before.
    lasts: !isOver,
  });
}

/** `HighLatency (cluster phone)`: the alerts' name and what else they were grouped by. */
function groupName(payload: unknown): string | undefined {
  const name = first(
    nameOf({ labels: at(payload, "groupLabels") }),
    nameOf({ labels: at(payload, "commonLabels") }),
  );
  const labels = at(payload, "groupLabels");
  const others = isObject(labels)
    ? firstFew(
      Object.keys(labels as object).filter((key) => key !== "alertname").slice(0, 20)
        .map((key) => words(key, line(labels, key))),
    )
    : undefined;
  return name && words(name, others && `(${others})`);
}

/**
 * When the last of the alerts began or ended: another replica may tell of the end after a new
 * beginning. An end goes by its own time, as the alert that began last may have ended before the
 * others and is in a group's last notification no more (prometheus/alertmanager#1403); it is known
 * of alerts that are over (#3341).
 */
function newest(alerts: readonly unknown[], time: "startsAt" | "endsAt"): number | undefined {
  return alerts.map((alert) => timeAt(alert, time))
    .reduce((one, other) => Math.max(one ?? 0, other ?? 0) || undefined, undefined);
}
