import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { createWorker } from "../../lib/work/work.ts";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { testFolder } from "../folder.ts";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";

/** Otto with a file of sources. */
async function openWith(
  settings: unknown,
  env: Record<string, string> = {},
): Promise<Otto & { file: string }> {
  const folder = await testFolder();
  const file = await folder.write("sources.json", settings);
  const otto = await openOtto({ SOURCES_FILE: file, ...env });
  return {
    ...otto,
    file,
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const hmac = (key: string | Uint8Array, text: string, encoding: "hex" | "base64" = "hex") =>
  createHmac("sha256", key).update(text).digest(encoding);
const STRIPE = "whsec_test";
function stripeSignature(body: string): string {
  const at = Math.floor(Date.now() / 1_000);
  return `t=${at},v1=${hmac(STRIPE, `${at}.${body}`)}`;
}

async function count(otto: Otto): Promise<number> {
  await otto.services.quarantine.idle();
  return (await otto.get("/api/messages?limit=100")).items.length;
}

describe("senders that ask something first", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openWith({
      mailchimp: { handshake: { method: "GET" } },
      boards: {
        scheme: "jwt",
        handshake: { challenge: "challenge" },
      },
      birds: {
        handshake: {
          when: [{ path: "type", equals: "url_verification" }],
          challenge: "challenge",
          token: "token",
        },
      },
      sheets: {
        handshake: {
          challenge: "header:Smartsheet-Hook-Challenge",
          header: "Smartsheet-Hook-Response",
          when: [{ path: "challenge", exists: true }],
          text: '{"smartsheetHookResponse":"{challenge}"}',
        },
      },
      hub: {
        handshake: {
          method: "GET",
          challenge: "query:hub.challenge",
          token: "query:hub.verify_token",
        },
      },
      shop: {
        scheme: {
          type: "hmac",
          header: "X-WC-Webhook-Signature",
          encoding: "base64",
        },
        ping: [{ path: "webhook_id", exists: true }, { path: "id", exists: false }],
        id: "header:X-WC-Webhook-Delivery-ID",
      },
      salesforce: {
        id: "body:sha256",
        answer: { type: "text/xml", text: "<Envelope><Ack>true</Ack></Envelope>" },
      },
      accepted: { answer: { status: 202 } },
      head: { handshake: [{ method: "HEAD" }, { method: "OPTIONS", status: 204 }] },
      signedup: {
        scheme: { type: "hmac", header: "X-Sig" },
        handshake: {
          when: [{ path: "type", equals: "hello" }],
          challenge: "data.word",
          signed: true,
        },
      },
    }, {
      BIRDS_VERIFY_TOKEN: "word-of-lark",
      HUB_VERIFY_TOKEN: "word-of-the-hub",
      WEBHOOK_SECRET_SHOP: "secret-of-the-shop",
      WEBHOOK_SECRET_BOARDS: "secret-of-boards",
      WEBHOOK_SECRET_SIGNEDUP: "secret-of-signedup",
    });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const post = (type: string, body: string, headers: Record<string, string> = JSON_TYPE) =>
    otto.ask(`/webhook/${type}`, { method: "POST", body, headers });

  it("are greeted by GET (Mailchimp), HEAD and OPTIONS", async () => {
    assertEquals((await otto.ask("/webhook/mailchimp")).status, 200);
    assertEquals((await otto.ask("/webhook/head", { method: "HEAD" })).status, 200);
    assertEquals((await otto.ask("/webhook/head", { method: "OPTIONS" })).status, 204);
    assertEquals((await otto.ask("/webhook/head")).status, 405);
  });

  it("get their challenge back as they asked (monday)", async () => {
    const before = await count(otto);
    const answer = await post(
      "boards",
      '{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7"}',
    );
    assertEquals(await json(answer), { challenge: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7" });
    assertEquals((await post("boards", '{"challenge":"<script>"}')).status, 400);
    assertEquals(await count(otto), before, "nothing is kept of it");
  });

  it("show a token without Bearer (monday)", async () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const token = (secret: string) => {
      const text = `${part({ alg: "HS256", typ: "JWT" })}.${
        part({ exp: Math.floor(Date.now() / 1_000) + 300, aud: "https://otto.example.com" })
      }`;
      return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
    };
    const send = (authorization: string) =>
      post("boards", '{"event":{"type":"create_pulse"}}', { ...JSON_TYPE, authorization });
    assertEquals((await send(token("secret-of-boards"))).status, 200);
    assertEquals((await send(`Bearer ${token("secret-of-boards")}`)).status, 200);
    assertEquals((await json(await send(token("another")), 401)).error.code, "signature_mismatch");
    assertEquals((await post("boards", "{}")).status, 401);
  });

  it("prove themselves by a word that is set (Lark)", async () => {
    const ask = (token: string) =>
      post("birds", JSON.stringify({ type: "url_verification", challenge: "ajls384k", token }));
    assertEquals(await json(await ask("word-of-lark")), { challenge: "ajls384k" });
    assertEquals((await ask("another")).status, 403);
    assertEquals((await json(await post("birds", '{"type":"event"}'))).status, "received");
  });

  it("get it in a header and in their own JSON (Smartsheet)", async () => {
    const answer = await post("sheets", '{"challenge":"d78dd1d3"}', {
      ...JSON_TYPE,
      "smartsheet-hook-challenge": "d78dd1d3",
    });
    assertEquals(answer.headers.get("smartsheet-hook-response"), "d78dd1d3");
    assertEquals(await json(answer), { smartsheetHookResponse: "d78dd1d3" });
  });

  it("get it out of the URL as plain text (WebSub)", async () => {
    const ask = (token: string) =>
      otto.ask(`/webhook/hub?hub.mode=subscribe&hub.challenge=15f7d1a9&hub.verify_token=${token}`);
    const answer = await ask("word-of-the-hub");
    assertEquals([answer.status, await answer.text()], [200, "15f7d1a9"]);
    assertMatch(answer.headers.get("content-type")!, /^text\/plain/);
    assertEquals((await ask("another")).status, 403);
  });

  it("are answered only when they are signed, where the file says so", async () => {
    const body = '{"type":"hello","data":{"word":"abc"}}';
    assertEquals((await post("signedup", body)).status, 401);
    const signed = { ...JSON_TYPE, "x-sig": hmac("secret-of-signedup", body) };
    assertEquals(await json(await post("signedup", body, signed)), { word: "abc" });
  });

  it("may ping without a signature, and it makes no task (WooCommerce)", async () => {
    const before = await count(otto);
    const ping = await post("shop", "webhook_id=12", {
      "content-type": "application/x-www-form-urlencoded",
    });
    assertEquals(ping.status, 200);
    assertEquals(await count(otto), before);
    assertEquals((await post("shop", '{"id":7}')).status, 401);
    const body = '{"id":7,"status":"processing"}';
    const signature = hmac("secret-of-the-shop", body, "base64");
    const event = await post("shop", body, { ...JSON_TYPE, "x-wc-webhook-signature": signature });
    assertEquals(event.status, 200);
  });

  it("get their own answer, and the same bytes are the same delivery (Salesforce)", async () => {
    const xml = "<notifications><Id>04l5e000001</Id></notifications>";
    const first = await post("salesforce", xml, { "content-type": "text/xml" });
    assertEquals([first.status, first.headers.get("content-type")], [200, "text/xml"]);
    assertStringIncludes(await first.text(), "<Ack>true</Ack>");
    const again = await post("salesforce", xml, { "content-type": "text/xml" });
    assertEquals(again.headers.get("x-message-id"), first.headers.get("x-message-id"));
    const other = await post("salesforce", xml.replace("001", "002"), {});
    assert(other.headers.get("x-message-id") !== first.headers.get("x-message-id"));
    assertEquals((await post("accepted", "{}")).status, 202);
  });
});

describe("a signature in the body", () => {
  const KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
  const SIGNED = "{pspReference}:{originalReference}:{merchantAccountCode}:{merchantReference}:" +
    "{amount.value}:{amount.currency}:{eventCode}:{success}";
  // The example of Adyen's own libraries and page ("Verify HMAC signatures").
  const item = {
    pspReference: "7914073381342284",
    merchantAccountCode: "TestMerchant",
    merchantReference: "TestPayment-1407325143704",
    amount: { value: 1130, currency: "EUR" },
    eventCode: "AUTHORISATION",
    success: "true",
    additionalData: { hmacSignature: "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=" },
  };
  const body = (items: unknown[]) =>
    JSON.stringify({
      live: "false",
      notificationItems: items.map((each) => ({ NotificationRequestItem: each })),
    });

  it("is checked over the fields that the file names (Adyen)", async () => {
    await using otto = await openWith({
      pay: {
        scheme: {
          type: "hmac_in_body",
          key: "hex",
          encoding: "base64",
          items: "notificationItems[*].NotificationRequestItem",
          field: "additionalData.hmacSignature",
          signed: SIGNED,
        },
        answer: { text: "[accepted]" },
        titles: {
          "AUTHORISATION":
            "{notificationItems[0].NotificationRequestItem.merchantReference} was authorised",
        },
        event: "{notificationItems[0].NotificationRequestItem.eventCode}",
      },
    }, { WEBHOOK_SECRET_PAY: KEY });
    const send = (items: unknown[]) =>
      otto.ask("/webhook/pay", { method: "POST", body: body(items), headers: JSON_TYPE });
    const answer = await send([item]);
    assertEquals([answer.status, await answer.text()], [200, "[accepted]"]);
    await otto.workOff();
    const { items: [message] } = await otto.get("/api/messages");
    assertEquals([message.verification, message.title], [
      "verified",
      "TestPayment-1407325143704 was authorised",
    ]);
    for (
      const items of [
        [],
        [{ ...item, success: "false" }],
        [item, { ...item, amount: { value: 1, currency: "EUR" } }],
        [{ ...item, additionalData: {} }],
      ]
    ) assertEquals((await send(items)).status, 401, JSON.stringify(items));
  });
});

describe("a batch with a signature in each of its items", () => {
  const sign = (id: string) => ({
    id,
    sig: createHmac("sha256", "the key").update(`${id};`).digest("hex"),
  });

  it("is news where any of it is, and a repeat where all of it is old", async () => {
    await using otto = await openWith({
      batch: {
        scheme: { type: "hmac_in_body", items: "items[*]", field: "sig", signed: "{id};" },
      },
    }, { WEBHOOK_SECRET_BATCH: "the key" });
    const state = async (items: unknown[], more = {}) => {
      const id = await otto.send("batch", JSON.stringify({ items, ...more }), JSON_TYPE);
      await otto.workOff();
      return (await otto.get(`/api/messages/${id}`)).state;
    };
    assertEquals(await state([sign("old")]), "processed");
    assertEquals(await state([sign("old"), sign("new")]), "processed");
    assertEquals(await state([sign("new"), sign("old"), sign("old")], { more: 1 }), "filtered");
    const long = "x".repeat(10_000);
    const answer = await otto.ask("/webhook/batch", {
      method: "POST",
      body: JSON.stringify({
        items: [{ ...sign(long), id: `${long}changed` }, sign("x".repeat(10_001))],
      }),
      headers: JSON_TYPE,
    });
    assertEquals(answer.status, 401);
  });
});

describe("a second one of a known sender", () => {
  it("says who did what, and leaves out whom the rules leave out", async () => {
    await using otto = await openWith({
      "github-two": {
        scheme: { type: "like", source: "github" },
        ignore_actors: ["dependabot*"],
      },
      "zoom-two": { scheme: { type: "like", source: "zoom" }, label: "Zoom of Berlin" },
      "shop-two": { scheme: { type: "like", source: "whatsapp" } },
    }, { WEBHOOK_SECRET_GITHUB_TWO: "the second secret", AGENT_ACCOUNTS: "otto-bot" });
    const send = (login: string) => {
      const body = JSON.stringify({
        action: "opened",
        issue: {
          number: 7,
          title: "The bell is broken",
          html_url: "https://github.com/o/p/issues/7",
        },
        repository: { full_name: "octo/phone" },
        sender: { login },
      });
      return otto.send("github-two", body, {
        ...JSON_TYPE,
        "x-github-event": "issues",
        "x-github-delivery": crypto.randomUUID(),
        "x-hub-signature-256": `sha256=${hmac("the second secret", body)}`,
      });
    };
    const ids = [await send("ada"), await send("dependabot[bot]"), await send("otto-bot")];
    const zoom = await otto.send("zoom-two", sources.zoom.samples[0].body, JSON_TYPE);
    const meta = await otto.send("shop-two", sources.meta.samples[0].body, JSON_TYPE);
    await otto.workOff();
    const read = (id: string) => otto.get(`/api/messages/${id}`);
    const [ada, dependabot, own] = [await read(ids[0]), await read(ids[1]), await read(ids[2])];
    assertStringIncludes(ada.title, "The bell is broken");
    assertStringIncludes(ada.title, "ada");
    assertEquals([ada.state, dependabot.state, own.state], ["processed", "filtered", "filtered"]);
    assertStringIncludes(dependabot.reason, "ignore_actors");
    assertStringIncludes(own.reason, "AGENT_ACCOUNTS");
    assert(ada.delivery_id);
    const titles = [(await read(zoom)).title, (await read(meta)).title];
    assertStringIncludes(titles[0], "Weekly phone meeting");
    assertStringIncludes(titles[1], "Ada Byron");
  });

  it("asks for the published keys of whom it is like, and of nobody else", async () => {
    await using otto = await openWith({
      push: { scheme: { type: "like", source: "pubsub" } },
      grafana: { scheme: { type: "like", source: "pubsub" } },
      pubsub: { scheme: "bearer" },
      sns: { scheme: { type: "like", source: "github" } },
    });
    const { all } = otto.services.sources;
    assertEquals(all.push.keySetUrl, sources.pubsub.keySetUrl);
    assertEquals(all.grafana.keySetUrl, sources.pubsub.keySetUrl);
    assertEquals([all.pubsub.keySetUrl, all.sns.certificateUrl], [undefined, undefined]);
  });

  it("works what comes under a vendor's id with another content, and a captured request once", async () => {
    await using otto = await openWith({ stripe: { id: "header:X-Event" } }, {
      STRIPE_WEBHOOK_SECRET: STRIPE,
    });
    const send = async (text: string, event: string) => {
      const id = await otto.send("stripe", JSON.stringify({ id: "evt_1", type: "x", text }), {
        ...JSON_TYPE,
        "x-event": event,
        "stripe-signature": stripeSignature(JSON.stringify({ id: "evt_1", type: "x", text })),
      });
      await otto.workOff();
      return (await otto.get(`/api/messages/${id}`)).state;
    };
    assertEquals(await send("one", "1"), "processed");
    assertEquals(await send("two", "2"), "processed");
    assertEquals(await send("one", "3"), "filtered");
  });

  it("has the limits, samples and words of each model", async () => {
    const models = Object.entries<Source>(sources).filter(([, { verify }]) => verify);
    await using otto = await openWith(
      Object.fromEntries(
        models.map(([name]) => [`${name}-two`, { scheme: { type: "like", source: name } }]),
      ),
    );
    const { all } = otto.services.sources;
    for (const [name, model] of models) {
      const two = all[`${name}-two`];
      for (const sample of model.samples ?? []) {
        const payload = JSON.parse(JSON.stringify({ body: sample.body }));
        assertEquals(two.samples, model.samples, name);
        assertEquals(
          two.describe(payload, { type: "x" }).title,
          all[name].describe(payload, { type: "x" }).title,
          name,
        );
      }
      assertEquals(two.bodyLimit, model.bodyLimit, name);
      assertEquals(two.methods, model.methods, name);
    }
  });
});

describe("what a source's file says of its words", () => {
  it("has a title for each event, by its name or a pattern", async () => {
    await using otto = await openWith({
      orders: {
        event: "{type}",
        titles: {
          "order.paid": "{who} paid {total}",
          "order.*": "Order {number|without a number} changed",
        },
        title: "Something of the shop",
      },
    });
    const titleOf = async (payload: unknown) => {
      const id = await otto.send("orders", JSON.stringify(payload), JSON_TYPE);
      await otto.workOff();
      return (await otto.get(`/api/messages/${id}`)).title;
    };
    assertEquals(
      await titleOf({ type: "order.paid", who: "Ada", total: "5 EUR" }),
      "Ada paid 5 EUR",
    );
    assertEquals(await titleOf({ type: "order.sent", number: 7 }), "Order 7 changed");
    assertEquals(await titleOf({ type: "stock" }), "Something of the shop");
  });
});

describe("values that are never shown", () => {
  it("are in no page, answer, search, download, title or agent's hands", async () => {
    await using otto = await openWith({
      clinic: {
        title: "{patient.name} came",
        redact: ["patient.insurance", "visits[*].diagnosis", "secret_note", "header:X-Patient"],
      },
      generic: { redact: ["secret_note"] },
    });
    const payload = {
      patient: { name: "Ada", insurance: "I-4711-unseen" },
      visits: [{ day: "Monday", diagnosis: "unseen-measles" }, { day: "Friday" }],
      secret_note: "unseen-note",
      title: "A visit",
    };
    const id = await otto.send("clinic", JSON.stringify(payload), {
      ...JSON_TYPE,
      "x-patient": "unseen-header",
    });
    const form = await otto.send("clinic", "secret_note=unseen-form&a=1", {
      "content-type": "application/x-www-form-urlencoded",
    });
    const raw = await otto.send("clinic", "a text with unseen-words", {
      "content-type": "text/plain",
    });
    const other = await otto.send("any", '{"secret_note":"unseen-any","title":"x"}', JSON_TYPE);
    await otto.workOff();
    const message = await otto.get(`/api/messages/${id}`);
    assertEquals(message.title, "Ada came");
    assertEquals(message.payload.patient, { name: "Ada", insurance: "•••" });
    assertEquals(message.payload.visits, [{ day: "Monday", diagnosis: "•••" }, { day: "Friday" }]);
    const { task_id } = message;
    for (const each of [id, form, raw, other]) {
      for (
        const path of [
          `/api/messages/${each}`,
          `/api/messages/${each}/body`,
          `/api/messages/${each}/explain`,
          `/messages/${each}`,
          `/messages/${each}/edit`,
        ]
      ) {
        const text = await (await otto.ask(path)).text();
        assert(!text.includes("unseen"), `${path}: ${/.{40}unseen.{20}/.exec(text)}`);
      }
    }
    for (const path of [`/tasks/${task_id}`, `/api/tasks/${task_id}`, "/tasks", "/messages"]) {
      assert(!(await (await otto.ask(path)).text()).includes("unseen"), path);
    }
    for (const word of ["unseen-measles", "unseen-note", "unseen-any"]) {
      const found = await otto.get(`/api/messages?body=${word}`);
      assertEquals(found.items, [], word);
      const page = await (await otto.ask(`/messages?q=body:${word}`)).text();
      assertMatch(page, /Nothing was looked for in what came from clinic, generic/);
    }
    assert(!(await (await otto.ask("/messages?q=nobody")).text()).includes("Nothing was looked"));
    const { payload: given } = await otto.services.reader.describe({
      messageId: id,
      webhookType: "clinic",
      size: JSON.stringify(payload).length,
    });
    assert(!JSON.stringify(given).includes("unseen"), "what an agent reads");
  });

  it("are still what was signed, and are replayed whole", async () => {
    await using otto = await openWith({
      clinic: { scheme: { type: "hmac", header: "X-Sig" }, redact: ["note"] },
    }, { WEBHOOK_SECRET_CLINIC: "the secret" });
    const body = '{"note":"unseen","title":"x"}';
    const id = await otto.send("clinic", body, { ...JSON_TYPE, "x-sig": hmac("the secret", body) });
    await otto.workOff();
    const made = await otto.post(`/api/messages/${id}/replay`, undefined, 201);
    const message = await otto.get(`/api/messages/${made.message_id}`);
    assertEquals([message.verification, message.payload.note], ["verified", "•••"]);
  });
});

describe("a source with its own retention", () => {
  it("loses its messages before the others do", async () => {
    await using otto = await openWith({ clinic: { retention_days: 3 }, other: {} });
    const { database } = otto.services;
    const old = await otto.send("clinic", "{}");
    const kept = await otto.send("other", "{}");
    await otto.workOff();
    await database.query(
      "age them",
      (sql) => sql`update messages set stored_at = now() - interval '73 hours'`,
    );
    const fresh = await otto.send("clinic", "{}");
    await createWorker(otto.services).tidy();
    const { items } = await otto.get("/api/messages");
    const ids = items.map(({ message_id }: { message_id: string }) => message_id);
    assertEquals([ids.includes(old), ids.includes(kept), ids.includes(fresh)], [false, true, true]);
  });
});
