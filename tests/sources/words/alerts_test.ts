import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as alertmanager from "../../../sources/alertmanager.ts";
import * as grafana from "../../../sources/grafana.ts";
import { itSays } from "./told.ts";

const alert = (alertname: string, more = {}) => ({
  status: "firing",
  labels: { alertname, ...more },
  startsAt: "2026-01-02T03:04:05Z",
  fingerprint: JSON.stringify([alertname, more]),
});
const group = (...alerts: unknown[]) => ({ status: "firing", groupKey: "{}", alerts });

itSays("alertmanager", [
  [
    "FIRING 5 alerts: DiskFull, HighLoad, NoCalls and 2 more",
    group(...["DiskFull", "HighLoad", "NoCalls", "A", "B"].map((name) => alert(name))),
  ],
  ["FIRING 2 × DiskFull", group(alert("DiskFull", { job: "a" }), alert("DiskFull", { job: "b" }))],
  ["FIRING 12 × DiskFull", {
    ...group(alert("DiskFull", { job: "a" }), alert("DiskFull", { job: "b" })),
    truncatedAlerts: 10,
  }],
  [
    "FIRING DiskFull (and 1 resolved)",
    group(
      alert("DiskFull", { job: "a" }),
      { ...alert("DiskFull", { job: "b" }), status: "resolved" },
    ),
  ],
  ["FIRING 2 alerts: DiskFull, HighLoad", {
    ...group(alert("DiskFull"), alert("HighLoad")),
    commonAnnotations: { summary: "web is ill" },
  }],
]);

itSays("grafana", [
  [
    "FIRING Calls a minute (DatasourceNoData)",
    group(
      alert("DatasourceNoData", { rulename: "Calls a minute" }),
    ),
  ],
  ["[Alerting] No calls: nobody called", {
    title: "[Alerting] No calls",
    ruleName: "No calls",
    ruleUrl: "https://grafana.example.com/d/1?tab=alert",
    state: "alerting",
    message: "nobody called",
  }],
]);

describe("a group of alerts", () => {
  it("comes with a line for each", () => {
    const { text } = alertmanager.describe(group(
      { ...alert("DiskFull", { instance: "web-1" }), annotations: { summary: "91 % are used" } },
      alert("HighLoad"),
    ));
    assertEquals(text, "DiskFull on web-1: 91 % are used\nHighLoad");
  });

  it("of Grafana's old alerting links to the rule", () => {
    const { link } = grafana.describe({ ruleName: "x", ruleUrl: "https://g.example.com/d/1" });
    assertEquals(link, "https://g.example.com/d/1");
  });
});
