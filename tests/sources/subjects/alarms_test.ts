import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { about, assertTold, summary } from "./told.ts";

describe("what a Sentry webhook is about", () => {
  const installation = { uuid: "u-1" };
  const hook = (resource: string) => ({ "sentry-hook-resource": resource });

  it("is one issue, whatever tells of it", () => {
    const issue = { id: "1637164584", title: "TypeError", shortId: "PHONE-3F", permalink: null };
    const byUrl = { web_url: "https://otto.sentry.io/issues/1637164584/?project=1" };
    const on = (action: string, data: unknown) => ({ action, installation, data });
    assertTold("sentry", [
      [on("created", { issue }), "opens u-1:1637164584", hook("issue")],
      [on("unresolved", { issue }), "opens u-1:1637164584", hook("issue")],
      [on("assigned", { issue }), "notes u-1:1637164584", hook("issue")],
      [on("resolved", { issue }), "closes u-1:1637164584", hook("issue")],
      [on("archived", { issue }), "closes u-1:1637164584", hook("issue")],
      [on("ignored", { issue }), "closes u-1:1637164584", hook("issue")],
      [
        on("triggered", { event: { issue_id: "1637164584" } }),
        "opens u-1:1637164584",
        hook("event_alert"),
      ],
      [on("triggered", { event: byUrl }), "opens u-1:1637164584", hook("event_alert")],
      [on("created", { error: byUrl }), "opens u-1:1637164584", hook("error")],
      [on("created", { issue_id: 1637164584 }), "notes u-1:1637164584", hook("comment")],
    ]);
    const found = about("sentry", on("created", { issue }), hook("issue"));
    assertEquals([found?.name, found?.link], ['PHONE-3F "TypeError"', undefined]);
  });

  it("is a metric's alert until it is resolved, and nothing without an installation", () => {
    const data = { metric_alert: { id: 5, title: "Slow" } };
    const told = (action: string) => ({ action, installation, data });
    assertTold("sentry", [
      [told("critical"), "opens u-1:metric:5", hook("metric_alert")],
      [told("warning"), "opens u-1:metric:5", hook("metric_alert")],
      [told("resolved"), "closes u-1:metric:5", hook("metric_alert")],
      [{ action: "created", data: { issue: { id: "3" } } }, undefined, hook("issue")],
      [{ action: "created", installation, data: { issue: {} } }, undefined, hook("issue")],
      [{ project_name: "phone", message: "x", event: {} }, undefined],
    ]);
  });
});

describe("what a PagerDuty webhook is about", () => {
  it("is an incident, also where the event's own data is a note", () => {
    const incident = { id: "P1", type: "incident", number: 42, title: "Down" };
    const told = (event_type: string, data: unknown = incident) => ({
      event: {
        event_type,
        resource_type: "incident",
        occurred_at: "2026-01-02T03:04:05Z",
        data,
      },
    });
    const roles = {
      triggered: "opens",
      reopened: "opens",
      priority_updated: "continues",
      escalated: "continues",
      status_update_published: "continues",
      acknowledged: "notes",
      reassigned: "notes",
      delegated: "notes",
      resolved: "closes",
    };
    for (const [did, role] of Object.entries(roles)) {
      assertEquals(summary("pagerduty", told(`incident.${did}`)), `${role} P1`);
    }
    const note = { id: "N9", type: "incident_note", incident: { id: "P1" } };
    assertEquals(summary("pagerduty", told("incident.annotated", note)), "continues P1");
    assertEquals(about("pagerduty", told("incident.triggered"))?.name, '#42 "Down"');
    assertEquals(
      about("pagerduty", told("incident.triggered"))?.at,
      Date.UTC(2026, 0, 2, 3, 4, 5),
    );
    const service = {
      event: { event_type: "service.updated", resource_type: "service", data: {} },
    };
    assertEquals(summary("pagerduty", service), undefined);
  });
});

describe("what alerts are about", () => {
  const group = (status: string, states: string[], more = {}) => ({
    groupKey: '{}/{severity="page"}:{alertname="Slow", cluster="a{b}"}',
    externalURL: "https://alerts.example.com/am",
    status,
    groupLabels: { alertname: "Slow", cluster: "a" },
    alerts: states.map((state, at) => ({
      status: state,
      startsAt: `2026-01-02T03:04:0${at}Z`,
      endsAt: state === "firing" ? "0001-01-01T00:00:00Z" : `2026-01-02T04:00:0${at}Z`,
    })),
    ...more,
  });

  for (const name of ["alertmanager", "grafana"] as const) {
    it(`is the group of ${name}, from its firing to its end`, () => {
      const firing = about(name, group("firing", ["firing", "firing"]));
      const less = about(name, group("firing", ["firing", "resolved"]));
      const over = about(name, group("resolved", ["resolved", "resolved"]));
      assert(/^alerts\.example\.com:[0-9a-f]{64}$/.test(firing?.key ?? ""), firing?.key);
      assertEquals([less?.key, over?.key], [firing?.key, firing?.key]);
      assertEquals([firing?.role, less?.role, over?.role], ["opens", "continues", "closes"]);
      assertEquals(firing?.name, "Slow (cluster a)");
      // The newest beginning and end, so that an end told late does not close what began after it.
      assertEquals(firing?.at, Date.UTC(2026, 0, 2, 3, 4, 1));
      assertEquals(over?.at, Date.UTC(2026, 0, 2, 4, 0, 1));
    });

    it(`ends with the first of the alerts of ${name} where the newest had ended before`, () => {
      const both = about(name, group("firing", ["firing", "firing"]));
      const rest = about(name, group("resolved", ["resolved"]));
      assertEquals(rest?.role, "closes");
      assert(rest!.at! > both!.at!, "its end is older than the other's beginning");
    });

    it(`is another for another group or address of ${name}, and none without them`, () => {
      const one = about(name, group("firing", []));
      assertNotEquals(one?.key, about(name, group("firing", [], { groupKey: "{}" }))?.key);
      const other = group("firing", [], { externalURL: "https://other.example.com/am" });
      assertNotEquals(one?.key, about(name, other)?.key);
      for (const groupKey of [undefined, "", "a\nb", "x".repeat(10_000), {}]) {
        assertEquals(about(name, group("firing", [], { groupKey })), undefined);
      }
      assertEquals(about(name, group("firing", [], { externalURL: "none" })), undefined);
    });
  }
});
