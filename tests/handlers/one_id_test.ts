import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { request } from "../sources/request.ts";

const all = Object.entries<Source>(sources);
/** Slack's come signed only. */
const SETTINGS = { ADMIN_TOKEN: "a token of the operator's own" };

/** One id is one event by its sender's documents, or is made of what makes it one. */
const ONE_BY_ITS_ID = ["alertmanager", "cloudevents", "grafana"];

/** A retry as its sender's documents have it: what is another value there. */
const RETRIES: Record<string, [first: unknown, retry: unknown]> = {
  stripe: [
    { id: "evt_1", type: "charge.failed", pending_webhooks: 2 },
    { id: "evt_1", type: "charge.failed", pending_webhooks: 1 },
  ],
  notion: [{ id: "n1", type: "page.moved", attempt_number: 1 }, {
    id: "n1",
    type: "page.moved",
    attempt_number: 2,
  }],
  intercom: [
    { id: "notif_1", topic: "user.created", delivery_attempts: 1, delivered_at: 0 },
    { id: "notif_1", topic: "user.created", delivery_attempts: 2, delivered_at: 5 },
  ],
  paddle: [{ event_id: "evt_1", notification_id: "ntf_1" }, {
    event_id: "evt_1",
    notification_id: "ntf_2",
  }],
  hubspot: [
    [{ eventId: 1, objectId: 2, attemptNumber: 0 }, { eventId: 2, objectId: 3, attemptNumber: 0 }],
    [{ eventId: 2, objectId: 3, attemptNumber: 1 }, { eventId: 1, objectId: 2, attemptNumber: 1 }],
  ],
  sendgrid: [
    [{ sg_event_id: "a", event: "open" }, { sg_event_id: "b", event: "click" }],
    [{ sg_event_id: "b", event: "click" }, { sg_event_id: "a", event: "open" }],
  ],
  line: [
    { events: [{ webhookEventId: "e1", deliveryContext: { isRedelivery: false } }] },
    { events: [{ webhookEventId: "e1", deliveryContext: { isRedelivery: true } }] },
  ],
  docusign: [
    { event: "envelope-sent", retryCount: 0, generatedDateTime: "2026-01-02T03:04:05Z" },
    { event: "envelope-sent", retryCount: 1, generatedDateTime: "2026-01-02T03:04:05Z" },
  ],
};

let otto: Otto;
const send = async (type: string, body: unknown, headers: Record<string, string> = {}) => {
  const answer = await otto.ask(`/webhook/${type}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
  assert(answer.ok, await answer.text());
  return answer.headers.get("x-message-id");
};

describe("an id that has come before", () => {
  beforeAll(async () => {
    otto = await openOtto(SETTINGS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("with another content is another message, whoever sent it", async () => {
    const repeated: string[] = [];
    for (const [name, source] of all) {
      if (!source.deliveryId || name === "slack") continue;
      const { headers, body } = source.samples![0];
      if (!/^\s*\{/.test(body)) continue;
      const other = JSON.stringify({ ...JSON.parse(body), told_by: "another" });
      const ids = [await send(name, body, headers), await send(name, other, headers)];
      if (ids[0] === ids[1]) repeated.push(name);
      // And what is the same to the byte is a repeat.
      if (source.deliveryId(request(body, headers))) {
        assertEquals(await send(name, body, headers), ids[0], name);
        assertEquals(await send(name, other, headers), ids[1], name);
      }
    }
    assertEquals(repeated.sort(), ONE_BY_ITS_ID);
  });

  for (const [name, [first, retry]] of Object.entries(RETRIES)) {
    it(`is a repeat where ${name} tries again, and news where it says something else`, async () => {
      const id = await send(name, first);
      assertEquals(await send(name, retry), id);
      const other = Array.isArray(first)
        ? [{ ...first[0], more: 1 }, first[1]]
        : { ...first as object, more: 1 };
      assertNotEquals(await send(name, other), id);
    });
  }

  it("makes a task for each of Stripe's test events, which all have the same", async () => {
    const ids = new Set<string | null>();
    for (const type of ["charge.refunded", "invoice.paid", "customer.created"]) {
      ids.add(await send("stripe", { id: "evt_00000000000000", type, livemode: false }));
    }
    // Their bytes may even be the same: it is no id.
    ids.add(
      await send("stripe", { id: "evt_00000000000000", type: "invoice.paid", livemode: false }),
    );
    assertEquals(ids.size, 4);
    await otto.workOff();
    for (const id of ids) {
      const answer = await otto.ask(`/api/messages/${id}`, {
        headers: { authorization: `Bearer ${SETTINGS.ADMIN_TOKEN}` },
      });
      assert((await json(answer)).task_id);
    }
  });

  it("loses no alert of an Alertmanager that has no fingerprints", async () => {
    const alert = (instance: string, startsAt: string) => ({
      version: "4",
      groupKey: '{}:{alertname="Down"}',
      status: "firing",
      alerts: [{ status: "firing", labels: { alertname: "Down", instance }, startsAt }],
    });
    const first = await send("alertmanager", alert("web-1", "2026-01-01T00:00:00Z"));
    assertNotEquals(await send("alertmanager", alert("web-2", "2026-01-02T00:00:00Z")), first);
    assertNotEquals(await send("alertmanager", alert("web-1", "2026-01-02T00:00:00Z")), first);
    assertEquals(await send("alertmanager", alert("web-1", "2026-01-01T00:00:00Z")), first);
  });

  it("is told apart by what is explained, too", async () => {
    const body = { id: "evt_7", type: "charge.failed" };
    const first = await send("stripe", body);
    const explain = async (payload: unknown) =>
      (await json(
        await otto.ask("/webhook/stripe/explain", {
          method: "POST",
          body: JSON.stringify(payload),
          headers: { authorization: `Bearer ${SETTINGS.ADMIN_TOKEN}` },
        }),
      )).repeat_of;
    assertEquals(await explain(body), first);
    assertEquals(await explain({ ...body, type: "charge.succeeded" }), null);
  });
});
