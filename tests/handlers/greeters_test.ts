import { assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import { json, openOtto, type Otto } from "../otto.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const KEY = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";
const SECRETS: Record<string, string> = {
  ADYEN_HMAC_KEY: KEY,
  BUILDKITE_WEBHOOK_SECRET: "secret",
  CALCOM_WEBHOOK_SECRET: "secret",
  GITEA_WEBHOOK_SECRET: "secret",
  LINE_CHANNEL_SECRET: "secret",
  MAILCHIMP_WEBHOOK_SECRET: "secret",
  MANDRILL_WEBHOOK_KEY: "secret",
  MONDAY_SIGNING_SECRET: "secret",
  WOOCOMMERCE_WEBHOOK_SECRET: "secret",
};

let otto: Otto;

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  otto.ask(`/webhook/${path}`, { method: "POST", body, headers });
const sha256 = (body: string, encoding: "hex" | "base64") =>
  createHmac("sha256", "secret").update(body).digest(encoding);

/** How many messages are kept, whatever became of them. */
async function kept(): Promise<number> {
  const [{ count }] = await otto.services.database.query(
    "count the messages",
    (sql) => sql<{ count: number }[]>`select count(*)::int as count from messages`,
  );
  return count;
}

/** What came of an exchange, when nothing of it may be kept. */
async function greeted(asked: Promise<Response>): Promise<[number, string]> {
  const before = await kept();
  const answer = await asked;
  const found: [number, string] = [answer.status, await answer.text()];
  assertEquals(await kept(), before);
  return found;
}

describe("a sender that greets before it sends", () => {
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("hears what it wants, with a secret set, and makes no message", async () => {
    assertEquals(await greeted(post("woocommerce", "webhook_id=12", FORM)), [200, ""]);
    assertEquals(
      await greeted(post("monday", `{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd"}`)),
      [200, `{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd"}`],
    );
    assertEquals(await greeted(otto.ask("/webhook/mailchimp?token=secret")), [200, ""]);
    assertEquals(await greeted(otto.ask("/webhook/mandrill", { method: "HEAD" })), [200, ""]);
    assertEquals(await greeted(post("mandrill", "mandrill_events=%5B%5D", FORM)), [200, ""]);
    const trial = `{"destination":"U0","events":[]}`;
    const signed = { "x-line-signature": sha256(trial, "base64") };
    assertEquals(await greeted(post("line", trial, signed)), [200, ""]);
    const ping = `{"triggerEvent":"PING","createdAt":"t","payload":{}}`;
    const cal = { "x-cal-signature-256": sha256(ping, "hex") };
    assertEquals(await greeted(post("cal.com", ping, cal)), [200, ""]);
    const token = { "x-buildkite-event": "ping", "x-buildkite-token": "secret" };
    assertEquals(await greeted(post("buildkite", `{"event":"ping"}`, token)), [200, ""]);
  });

  it("is refused when it signs wrongly what it must sign", async () => {
    assertEquals(
      (await json(await post("line", `{"events":[]}`), 401)).error.code,
      "signature_missing",
    );
    const bad = { "x-buildkite-event": "ping", "x-buildkite-token": "other" };
    assertEquals(
      (await json(await post("buildkite", "{}", bad), 401)).error.code,
      "signature_mismatch",
    );
  });

  it("is answered without a secret, too", async () => {
    await using bare = await openOtto();
    for (
      const [type, body, headers] of [
        ["woocommerce", "webhook_id=12", FORM],
        ["line", `{"events":[]}`, {}],
        ["calcom", `{"triggerEvent":"PING"}`, {}],
        ["buildkite", `{"event":"ping"}`, { "x-buildkite-event": "ping" }],
      ] as const
    ) {
      const answer = await bare.ask(`/webhook/${type}`, { method: "POST", body, headers });
      assertEquals([answer.status, await answer.text()], [200, ""], type);
      assertEquals(answer.headers.get("x-message-id"), null);
    }
  });
});

describe("a sender with an answer or an address of its own", () => {
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("hears Adyen's words, and not before each item was checked", async () => {
    const item = {
      pspReference: "pspReference",
      originalReference: "originalReference",
      merchantAccountCode: "merchantAccount",
      merchantReference: "reference",
      amount: { currency: "EUR", value: 1000 },
      eventCode: "EVENT",
      success: "true",
      additionalData: { hmacSignature: "ipnxGCaUZ4l8TUW75a71/ghd2Fe5ffvX0pV4TLTntIc=" },
    };
    const bodyOf = (more: Record<string, unknown>) =>
      JSON.stringify({ notificationItems: [{ NotificationRequestItem: { ...item, ...more } }] });
    const answer = await post("adyen", bodyOf({}));
    assertEquals([answer.status, await answer.text()], [200, "[accepted]"]);
    assertMatch(answer.headers.get("content-type")!, /^text\/plain/);
    assertMatch(answer.headers.get("x-message-id")!, /^[0-9a-f-]{36}$/);
    const forged = await post("adyen", bodyOf({ success: "false" }));
    assertEquals((await json(forged, 401)).error.code, "signature_mismatch");
  });

  it("is found by the names of Gitea's kin, and a redelivery is a repeat", async () => {
    const body = `{"action":"opened","issue":{"number":1},"repository":{"full_name":"o/r"}}`;
    const send = async (type: string, delivery: string) => {
      const answer = await post(type, body, {
        "x-forgejo-signature": sha256(body, "hex"),
        "x-forgejo-event": "issues",
        "x-forgejo-delivery": delivery,
      });
      return (await json(answer)).message_id;
    };
    const first = await send("forgejo", "1");
    assertEquals(await send("gitea", "1"), first);
    // Sent again by hand it has another id; what it says is the same, and makes no second task.
    const byHand = await send("gogs", "2");
    await otto.workOff();
    const shown = await otto.ask(`/api/messages/${byHand}`);
    assertEquals((await json(shown)).task_id, null);
  });

  it("may send two WooCommerce orders in the same second", async () => {
    const send = async (id: number) => {
      const body = JSON.stringify({ id, date_modified_gmt: "2026-01-02T03:04:05" });
      const answer = await post("woocommerce", body, {
        "x-wc-webhook-signature": sha256(body, "base64"),
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-delivery-id": "of this second",
      });
      return (await json(answer)).message_id;
    };
    assertEquals(new Set([await send(1), await send(2), await send(1)]).size, 2);
  });
});
