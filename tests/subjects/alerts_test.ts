import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { settle, withModel } from "./model_stage.ts";

/** One notification of a group, of alerts with their beginnings and ends. */
function group(...alerts: [name: string, began: string, ended?: string][]): string {
  const stateOf = (ended?: string) => ended ? "resolved" : "firing";
  return JSON.stringify({
    version: "4",
    groupKey: '{}:{cluster="a"}',
    status: alerts.some(([, , ended]) => !ended) ? "firing" : "resolved",
    externalURL: "https://alerts.example.com/am",
    groupLabels: { cluster: "a" },
    alerts: alerts.map(([alertname, began, ended]) => ({
      fingerprint: alertname,
      status: stateOf(ended),
      labels: { alertname, cluster: "a" },
      startsAt: `2026-01-02T${began}:00Z`,
      endsAt: ended ? `2026-01-02T${ended}:00Z` : "0001-01-01T00:00:00Z",
    })),
  });
}

describe("an alert that was silenced while others of its group came and went", () => {
  for (
    const [how, apart] of [["in one batch", false], ["in batches of their own", true]] as const
  ) {
    it(`is worked on when it is told of at last, however old it is, ${how}`, () =>
      withModel(() => Promise.resolve({}), async ({ stage, tasks }) => {
        const sent = [
          group(["Slow", "10:00"]),
          group(["Slow", "10:00", "10:30"]),
          group(["Full", "09:50"]),
        ];
        for (const body of sent) {
          await stage.otto.send("alertmanager", body, { "content-type": "application/json" });
          if (apart) await settle(stage);
        }
        await settle(stage);
        assertEquals((await tasks()).map(({ status }) => status), ["pending", "cancelled"]);
        const [subject] = (await stage.get("/api/subjects")).items;
        assertEquals([subject.state, subject.phase], ["open", "queued"]);
      }, { rules: { alertmanager: { later: "continue" } } }));
  }
});
