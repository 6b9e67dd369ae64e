import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac, generateKeyPairSync, sign as signWithKey } from "node:crypto";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { NOW, request, vector } from "./request.ts";

type Name = keyof typeof sources;

async function code(
  name: Name,
  body: unknown,
  headers: Record<string, string>,
  secrets: string[],
  more: Parameters<typeof request>[2] = {},
) {
  const source: Source = sources[name];
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const verdict = await source.verify!(request(text, headers, more), secrets);
  return verdict.ok || verdict.code;
}

const hex = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");
const idOf = (name: Name, body: unknown) =>
  (sources[name] as Source).deliveryId!(request(JSON.stringify(body)));

describe("GitLab's two kinds of secret", () => {
  const whsec = `whsec_${btoa("a signing token")}`;
  const signed = (body: string) =>
    (sources.gitlab as Source).sign!(request(body, { "webhook-id": "1" }), whsec);

  it("are told apart: a signing token must sign, and is no secret token", async () => {
    const headers = { "webhook-id": "1", ...await signed("{}") };
    assertEquals(await code("gitlab", "{}", headers, [whsec]), true);
    assertEquals(await code("gitlab", "{}", headers, [whsec, "token"]), true);
    assertEquals(await code("gitlab", "{ }", headers, [whsec]), "signature_mismatch");
    const sent = { "x-gitlab-token": whsec };
    assertEquals(await code("gitlab", "{}", sent, [whsec]), "signature_mismatch");
    assertEquals(await code("gitlab", "{}", { "x-gitlab-token": "token" }, ["token"]), true);
  });

  it("do not save each other: a wrong signature is wrong, whatever token comes with it", async () => {
    const headers = { "webhook-id": "1", ...await signed("{}"), "x-gitlab-token": "token" };
    assertEquals(await code("gitlab", "{ }", headers, [whsec, "token"]), "signature_mismatch");
  });
});

describe("Grafana's ways to prove itself", () => {
  const body = `{"status":"firing"}`;
  const timed = `${NOW / 1000}:${body}`;
  const HEADER = "x-grafana-alerting-signature";
  const TIME = "x-grafana-alerting-timestamp";

  it("may be a signature, with a time or without, or credentials", async () => {
    assertEquals(await code("grafana", body, { [HEADER]: hex("key", body) }, ["key"]), true);
    const headers = { [HEADER]: hex("key", timed), [TIME]: `${NOW / 1000}` };
    assertEquals(await code("grafana", body, headers, ["key"]), true);
    const basic = { authorization: `Basic ${btoa("grafana:key")}` };
    assertEquals(await code("grafana", body, basic, ["key"]), true);
    assertEquals(await code("grafana", body, {}, ["key"]), "signature_missing");
  });

  it("keep their time: without its header a timed signature is none, not even of the text it signs", async () => {
    const headers = { [HEADER]: hex("key", timed) };
    assertEquals(await code("grafana", body, headers, ["key"]), "signature_mismatch");
    assertEquals(await code("grafana", timed, headers, ["key"]), "signature_mismatch");
  });
});

describe("Grafana's timestamp", () => {
  const body = `{"status":"firing"}`;
  const SIGNATURE = "x-grafana-alerting-signature";
  const at = (age: number) => String(NOW / 1000 - age);

  it("may stand in a header of any name, for it has no default one", async () => {
    for (const name of ["x-grafana-timestamp", "x-time", "x-webhook-sent-at"]) {
      const of = (time: string) => ({
        [SIGNATURE]: hex("key", `${time}:${body}`),
        [name]: time,
        "x-org": "1234567890",
      });
      assertEquals(await code("grafana", body, of(at(0)), ["old", "key"]), true, name);
      assertEquals(await code("grafana", body, of(at(0)), ["other"]), "signature_mismatch");
      assertEquals(await code("grafana", body, of(at(301)), ["key"]), "timestamp_outside_window");
      const moved = { ...of(at(301)), [name]: at(0) };
      assertEquals(await code("grafana", body, moved, ["key"]), "signature_mismatch");
    }
  });

  it("is not every number that a proxy adds", async () => {
    const headers = { [SIGNATURE]: hex("key", body), "x-org": "1234567890" };
    assertEquals(await code("grafana", body, headers, ["key"]), true);
  });
});

describe("HubSpot's URL", () => {
  const sent = "https://otto.example.com/webhook/hubspot?a=x%3Ay%2Fz&b=1%262&c=%C3%A9+%20";
  /** What each reading of HubSpot's page makes of it; its library leaves it alone. */
  const SPELLINGS = [
    sent,
    "https://otto.example.com/webhook/hubspot?a=x:y/z&b=1%262&c=%C3%A9+%20",
    "https://otto.example.com/webhook/hubspot?a=x:y/z&b=1&2&c=%C3%A9+%20",
  ];

  it("may be signed with the escapes it has, or with those decoded that its page lists", async () => {
    for (const url of SPELLINGS) {
      const text = `POST${url}[]${NOW}`;
      const headers = {
        "x-hubspot-signature-v3": createHmac("sha256", "key").update(text).digest("base64"),
        "x-hubspot-request-timestamp": `${NOW}`,
      };
      assertEquals(await code("hubspot", "[]", headers, ["old", "key"], { url: sent }), true, url);
      assertEquals(
        await code("hubspot", "[]", headers, ["key"], { url: `${sent}1` }),
        "signature_mismatch",
      );
    }
  });

  it("is a part of what version 2 signs, and either version is tried where none is named", async () => {
    for (const id of ["hubspot-v1", "hubspot-v2-post", "hubspot-v2-get"]) {
      const { key, body, header, sig, url, method = "POST" } = vector(id);
      const more = { method, ...url ? { url } : {} };
      assertEquals(await code("hubspot", body, { [header]: sig }, [key], more), true, id);
      const other = {
        [header]: sig,
        "x-hubspot-signature-version": id.includes("v1") ? "v2" : "v1",
      };
      assertEquals(await code("hubspot", body, other, [key], more), "signature_mismatch", id);
    }
  });
});

describe("Mailgun's subaccounts", () => {
  it("have a second signature, of the account they belong to", async () => {
    const of = (key: string, token: string) => ({
      timestamp: "1700000000",
      token,
      signature: hex(key, `1700000000${token}`),
    });
    const body = {
      signature: of("the subaccount's key", "a".repeat(50)),
      "parent-signature": of("key", "b".repeat(50)),
      "event-data": { id: "1", event: "opened" },
    };
    assertEquals(await code("mailgun", body, {}, ["key"]), true);
    assertEquals(await code("mailgun", body, {}, ["the subaccount's key"]), true);
    assertEquals(await code("mailgun", body, {}, ["other"]), "signature_mismatch");
    const forged = { ...body, "parent-signature": { ...body["parent-signature"], token: "c" } };
    assertEquals(await code("mailgun", forged, {}, ["key"]), "signature_mismatch");
  });
});

describe("Zendesk's test of a webhook that is not saved", () => {
  const TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

  it("is signed with a secret that everybody knows, which proves nobody and is said", async () => {
    const time = "2023-11-14T22:13:20Z";
    const headers = {
      "x-zendesk-webhook-signature-timestamp": time,
      "x-zendesk-webhook-signature": createHmac("sha256", TEST_SECRET).update(`${time}{}`)
        .digest("base64"),
    };
    const verdict = await sources.zendesk.verify(request("{}", headers), ["secret"]);
    assert(!verdict.ok && verdict.code === "signature_mismatch");
    assertStringIncludes(verdict.hint, "everybody knows");
  });
});

describe("a secret that is sent as it is", () => {
  it("may be a bearer's, a password, or the whole header", async () => {
    const name = "alertmanager";
    for (
      const authorization of [
        "Bearer secret",
        "bearer secret",
        "secret",
        "GenieKey secret",
        "Api-Key secret",
        `Basic ${btoa("otto:secret")}`,
        `Basic ${btoa(":secret")}`,
      ]
    ) assertEquals(await code(name, {}, { authorization }, ["old", "secret"]), true, authorization);
    assertEquals(
      await code(name, {}, { authorization: `Basic ${btoa("otto:x")}` }, ["otto:x"]),
      true,
    );
    for (
      const authorization of [
        "Bearer secre",
        "Bearer secrets",
        "Bearer",
        "Basic secret",
        `Basic ${btoa("secret:otto")}`,
        "Bearer old secret",
      ]
    ) {
      const found = await code(name, {}, { authorization }, ["secret"]);
      assertEquals(found, "signature_mismatch", authorization);
    }
  });

  it("may stand in the URL where a sender has no headers", async () => {
    const url = "https://otto.example.com/webhook/cloudevents?access_token=secret";
    assertEquals(await code("cloudevents", {}, {}, ["secret"], { url }), true);
    assertEquals(await code("cloudevents", {}, {}, ["other"], { url }), "signature_mismatch");
    assertEquals(await code("alertmanager", {}, {}, ["secret"], { url }), "signature_missing");
  });

  it("must be in every item of Microsoft Graph's", async () => {
    const items = (...states: (string | undefined)[]) => ({
      value: states.map((clientState) => ({ clientState })),
    });
    assertEquals(await code("msgraph", items("a", "b"), {}, ["a", "b"]), true);
    assertEquals(await code("msgraph", items("a", "c"), {}, ["a", "b"]), "signature_mismatch");
    assertEquals(await code("msgraph", items("c", "a"), {}, ["a", "b"]), "signature_mismatch");
    assertEquals(await code("msgraph", items("a", undefined), {}, ["a"]), "signature_missing");
    assertEquals(await code("msgraph", items(), {}, ["a"]), "signature_missing");
  });
});

describe("Discord's time", () => {
  it("may be as old as an interaction can be answered, and no older", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
    const codes = [-360, 0, 840, 960].map(async (age) => {
      const time = String(NOW / 1000 - age);
      const text = new TextEncoder().encode(`${time}{}`);
      return await code("discord", "{}", {
        "x-signature-timestamp": time,
        "x-signature-ed25519": signWithKey(null, text, privateKey).toString("hex"),
      }, [key]);
    });
    const late = "timestamp_outside_window";
    assertEquals(await Promise.all(codes), [late, true, true, late]);
  });
});

describe("several signatures in one header", () => {
  const wrong = "0".repeat(64);

  it("are each tried, for PagerDuty and Paddle", async () => {
    const right = hex("key", "{}");
    const pagerduty = { "x-pagerduty-signature": `v1=${wrong}, v1=${right}` };
    assertEquals(await code("pagerduty", "{}", pagerduty, ["key"]), true);
    const ts = NOW / 1000;
    const paddle = `ts=${ts};h1=${hex("key", `${ts}:{}`)};h1=${wrong}`;
    assertEquals(await code("paddle", "{}", { "paddle-signature": paddle }, ["key"]), true);
  });

  it("have one time: two that differ are none", async () => {
    const ts = NOW / 1000;
    const signature = hex("key", `${ts}.{}`);
    const header = (times: string) => ({ "calendly-webhook-signature": `${times}v1=${signature}` });
    assertEquals(await code("calendly", "{}", header(`t=${ts},`), ["key"]), true);
    const two = header(`t=${ts},t=${ts + 1},`);
    assertEquals(await code("calendly", "{}", two, ["key"]), "signature_malformed");
    assertEquals(await code("calendly", "{}", header(""), ["key"]), "signature_malformed");
  });
});

describe("a secret that cannot be a key", () => {
  it("is said to be the trouble, not the signature", async () => {
    const signature = "0".repeat(64);
    for (
      const [name, headers, secret] of [
        ["discord", {
          "x-signature-ed25519": signature.repeat(2),
          "x-signature-timestamp": "1700000000",
        }, "my discord app"],
        ["airtable", { "x-airtable-content-mac": `hmac-sha256=${signature}` }, "not base64!"],
        ["standardwebhooks", {
          "webhook-id": "1",
          "webhook-timestamp": "1700000000",
          "webhook-signature": `v1,${btoa("x".repeat(32))}`,
        }, "whsec_not base64"],
      ] as const
    ) assertEquals(await code(name, "{}", headers, [secret]), "secret_unusable", name);
  });

  it("of a right form but a wrong length is no crash", async () => {
    const headers = {
      "x-signature-ed25519": "0".repeat(128),
      "x-signature-timestamp": "1700000000",
    };
    for (const key of ["11", "1".repeat(62), "1".repeat(66), "1".repeat(64)]) {
      assertEquals(await code("discord", "{}", headers, [key]), "signature_mismatch");
    }
  });
});

describe("Shopify's newer events", () => {
  it("leave the X- out of their headers", async () => {
    const signature = createHmac("sha256", "key").update("{}").digest("base64");
    assertEquals(await code("shopify", "{}", { "shopify-hmac-sha256": signature }, ["key"]), true);
    const both = {
      "shopify-hmac-sha256": signature,
      "x-shopify-hmac-sha256": btoa("x".repeat(32)),
    };
    assertEquals(await code("shopify", "{}", both, ["key"]), "signature_mismatch");
  });
});

describe("Mailgun's older webhooks", () => {
  it("have the signature's fields at the top of a form", async () => {
    const [timestamp, token] = ["1700000000", "t".repeat(50)];
    const fields = { timestamp, token, signature: hex("key", timestamp + token), event: "opened" };
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const form = new URLSearchParams(fields).toString();
    assertEquals(await code("mailgun", form, headers, ["key"]), true);
    assertEquals(await code("mailgun", form, headers, ["other"]), "signature_mismatch");
    assertEquals(await code("mailgun", { event: "opened" }, {}, ["key"]), "signature_missing");
  });
});

describe("a delivery that has no id of its own", () => {
  it("is known by its events, whatever their order and the attempt's number", () => {
    const item = (eventId: number, attemptNumber = 0) => ({
      eventId,
      subscriptionId: 1,
      objectId: 2,
      occurredAt: 3,
      attemptNumber,
    });
    const first = idOf("hubspot", [item(1), item(2)]);
    assert(first);
    assertEquals(idOf("hubspot", [item(2, 4), item(1, 4)]), first);
    assertNotEquals(idOf("hubspot", [item(1)]), first);
    assertNotEquals(idOf("hubspot", [item(1), item(3)]), first);
    assertEquals(idOf("hubspot", [item(1), {}]), undefined);
  });

  it("is a repeat while the same alerts fire, and news when one of them changes", () => {
    const alert = (fingerprint: string, status = "firing", startsAt = "2026-01-02T03:04:05Z") => ({
      fingerprint,
      status,
      startsAt,
      annotations: { value: Math.random() },
    });
    for (const name of ["alertmanager", "grafana"] as const) {
      const group = (...alerts: unknown[]) =>
        idOf(name, { groupKey: "g", status: "firing", alerts });
      const first = group(alert("a"), alert("b"));
      assert(first);
      assertEquals(group(alert("b"), alert("a")), first);
      assertNotEquals(group(alert("a")), first);
      assertNotEquals(group(alert("a"), alert("b", "resolved")), first);
      assertNotEquals(group(alert("a"), alert("b", "firing", "2026-01-03T03:04:05Z")), first);
      assertEquals(group(), undefined);
    }
  });

  it("is told apart by all that makes it one", () => {
    const open = { RecordType: "Open", MessageID: "m", ReceivedAt: "t", Recipient: "a@b.c" };
    assertNotEquals(idOf("postmark", open), idOf("postmark", { ...open, Recipient: "d@e.f" }));
    assertEquals(idOf("postmark", open), idOf("postmark", { ...open, Tag: "x" }));
    const update = (id: number) => ({ update_id: 1, message: { chat: { id } } });
    assertNotEquals(idOf("telegram", update(1)), idOf("telegram", update(2)));
    const message = (id: string) => ({ type: "message", id: "1", conversation: { id } });
    assertNotEquals(idOf("teams", message("a")), idOf("teams", message("b")));
    const joined = (user_id: string) => ({
      event: "meeting.participant_joined",
      event_ts: 1,
      payload: { object: { uuid: "u", participant: { user_id } } },
    });
    assertNotEquals(idOf("zoom", joined("1")), idOf("zoom", joined("2")));
  });

  it("has none where an id would join what is not the same", () => {
    assertEquals(
      idOf("msgraph", { value: [{ subscriptionId: "1", resource: "users/1", changeType: "x" }] }),
      undefined,
    );
    assertEquals(idOf("calendly", { event: "invitee.created" }), undefined);
    assertEquals(idOf("asana", { events: [{ action: "added" }] }), undefined);
    assertEquals(idOf("x", { tweet_create_events: [{ id_str: "1" }, { id_str: "2" }] }), undefined);
  });
});
