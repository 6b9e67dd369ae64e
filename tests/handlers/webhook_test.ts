import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { sign } from "@octokit/webhooks-methods";
import Stripe from "stripe";
import twilio from "twilio";
import { openAdmin } from "../../lib/people/admin.ts";
import { json, JSON_TYPE, openOtto, type Otto } from "../otto.ts";
import { vector } from "../sources/request.ts";

const SECRETS = {
  GITHUB_WEBHOOK_SECRET: "the secret of github",
  STRIPE_WEBHOOK_SECRET: "whsec_the secret of stripe",
  TWILIO_AUTH_TOKEN: "the token of twilio",
  SLACK_SIGNING_SECRET: "an older secret,the secret of slack",
  PUBLIC_URL: "https://otto.example.com",
};

const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
const BAD = { method: "POST", headers: JSON_TYPE };

describe("a webhook", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto();
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("is answered with exactly the words a sender was promised", async () => {
    const answer = await otto.ask("/webhook/Demo.v1", { method: "POST", body: "{}" });
    assertEquals(answer.status, 200);
    assertMatch(answer.headers.get("content-type")!, /^application\/json/);
    const text = await answer.text();
    const id = answer.headers.get("x-message-id");
    assertEquals(text, `{"status":"received","message_id":"${id}","webhook_type":"Demo.v1"}`);
  });

  it("may be any JSON", async () => {
    for (const body of ["null", "1", '"x"', "[]", '[{"a":1}]', '{"a":{"b":[1,2]}}']) {
      const id = await otto.send("any", body, JSON_TYPE);
      assertEquals((await otto.get(`/api/messages/${id}`)).payload, JSON.parse(body));
    }
  });

  it("that is not JSON appears as raw_body", async () => {
    for (const body of ["hello <b>world</b>", "", "{broken", "{'a':1}"]) {
      const id = await otto.send("any", body, { "content-type": "text/plain" });
      assertEquals((await otto.get(`/api/messages/${id}`)).payload, {
        raw_body: body,
      });
    }
  });

  it("that is a form becomes fields, repeated ones arrays, a lone payload unwrapped", async () => {
    const id = await otto.send("any", "a=1&b=x+y&b=z%21", FORM_TYPE);
    const { payload } = await otto.get(`/api/messages/${id}`);
    assertEquals(payload, { a: "1", b: ["x y", "z!"] });
    const wrapped = await otto.send(
      "any",
      `payload=${encodeURIComponent('{"zen":"hi"}')}`,
      FORM_TYPE,
    );
    assertEquals((await otto.get(`/api/messages/${wrapped}`)).payload, { zen: "hi" });
  });

  it("keeps its bytes exactly", async () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x00, 0xff, 0xfe, 0x0d, 0x0a, 0x7d]);
    const id = await otto.send("any", bytes);
    const answer = await otto.ask(`/api/messages/${id}/body`);
    assertEquals(new Uint8Array(await answer.arrayBuffer()), bytes);
    assertMatch(answer.headers.get("content-disposition")!, /^attachment/);
  });

  it("keeps its headers, URL and sender, and shows no secret of them", async () => {
    const answer = await otto.ask("/webhook/any?token=abc&page=2", {
      method: "POST",
      body: "{}",
      headers: {
        "x-thing": "shown",
        authorization: "Bearer hidden",
        "x-hub-signature-256": "s",
        "x-functions-key": "hidden",
        "x-session-id": "hidden",
        referer: "https://me:hidden@x.example/a?token=hidden&page=2",
        "idempotency-key": "7",
      },
      from: "203.0.113.9",
    });
    const id = answer.headers.get("x-message-id");
    const message = await otto.get(`/api/messages/${id}`);
    assertEquals(message.headers["x-thing"], "shown");
    assertEquals(message.headers.authorization, "•••");
    assertEquals(message.headers["x-hub-signature-256"], "•••");
    assertEquals(message.headers["idempotency-key"], "7");
    assertStringIncludes(message.headers.referer, "page=2");
    assert(!JSON.stringify(message).includes("hidden"));
    assertEquals(message.client_ip, "203.0.113.9");
    assert(!JSON.stringify(message).includes("abc"), "the token of the URL is shown");
    assertStringIncludes(message.url, "page=2");
  });

  it("cannot lie about where it comes from", async () => {
    const answer = await otto.ask("/webhook/any", {
      method: "POST",
      body: "{}",
      headers: { "x-forwarded-for": "1.2.3.4", "x-real-ip": "1.2.3.4" },
      from: "203.0.113.9",
    });
    const id = answer.headers.get("x-message-id");
    assertEquals((await otto.get(`/api/messages/${id}`)).client_ip, "203.0.113.9");
  });

  it("without a type that can be one is refused with 400, never with 404", async () => {
    const types = ["", "a/b", "...", "a%20b", "%00", "%zz", "a".repeat(65), "ä", "Health"];
    for (const type of [...types, "stats", "status", "health"]) {
      const { error } = await json(await otto.ask(`/webhook/${type}`, BAD), 400);
      assertEquals(error.code, "bad_webhook_type", type);
    }
    await json(await otto.ask("/webhook", BAD), 400);
  });

  it("to a path that is nearly one is refused with 400, never with 404", async () => {
    for (const path of ["/webhook/a/b", "/webhook", "//webhook//"]) {
      const answer = await otto.ask(path, { method: "POST", body: "{}" });
      assertEquals((await json(answer, 400)).error.code, "bad_webhook_type", path);
    }
  });

  it("by another method is refused with 405", async () => {
    for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const answer = await otto.ask("/webhook/any", { method });
      assertEquals(answer.headers.get("allow"), "POST");
      assertEquals((await json(answer, 405)).error.code, "method_not_allowed");
    }
  });

  it("over the limit is refused with 413, announced or not", async () => {
    const body = new Uint8Array(1024 * 1024 + 1);
    const announced = { ...JSON_TYPE, "content-length": String(body.length) };
    await json(await otto.ask("/webhook/any", { method: "POST", body, headers: announced }), 413);
    const chunked = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
    });
    await json(await otto.ask("/webhook/any", { method: "POST", body: chunked }), 413);
    await otto.send("any", body.subarray(1));
  });

  it("of GitHub may be larger than others", async () => {
    await otto.send("github", new Uint8Array(2 * 1024 * 1024).fill(0x20));
  });

  it("that breaks off is refused with 400", async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error("connection reset"));
      },
    });
    const { error } = await json(await otto.ask("/webhook/any", { method: "POST", body }), 400);
    assertEquals(error.code, "body_unreadable");
  });

  it("with a Host that would choose another route is refused with 400", async () => {
    for (const host of ["x/h?", "evil@x", "x#", "a b", "", "x:99999999", "[::1", "x\\y"]) {
      const { error } = await json(
        await otto.ask("/webhook/any", { method: "POST", body: "{}", headers: { host } }),
        400,
      );
      assertEquals(error.code, "bad_host", host);
    }
  });

  it("may come by any host name", async () => {
    for (const host of ["hooks.example.com", "10.0.0.7:8000", "[::1]:8000"]) {
      await otto.send("any", "{}", { host });
    }
  });

  it("of Slack is refused while no secret is set, saying which", async () => {
    const { error } = await json(await otto.ask("/webhook/slack", { ...BAD, body: "{}" }), 401);
    assertEquals(error.code, "secret_not_configured");
    assertStringIncludes(error.hint, "SLACK_SIGNING_SECRET");
  });

  it("without a signature is kept as unverified while no secret is set", async () => {
    const id = await otto.send("github", '{"zen":"hi"}', JSON_TYPE);
    assertEquals((await otto.get(`/api/messages/${id}`)).verification, "unverified");
  });

  it("delivered again is one message, also a hundred times at once", async () => {
    const headers = { ...JSON_TYPE, "x-github-delivery": "d-100" };
    const body = '{"zen":"once"}';
    const ids = await Promise.all(
      Array.from({ length: 100 }, () => otto.send("github", body, headers)),
    );
    assertEquals(new Set(ids).size, 1);
    await otto.workOff();
    assertEquals(await otto.send("github", body, headers), ids[0]);
    const message = await otto.get(`/api/messages/${ids[0]}`);
    assertEquals(message.repeats, 100);
    assertEquals(message.delivery_id, "d-100");
  });
});

describe("a webhook whose secret is set", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const asAdmin = async (path: string) => {
    const { services } = otto;
    void services;
    return await otto.ask(path, { headers: { authorization: `Bearer ${await token()}` } });
  };
  let adminToken: string | undefined;
  async function token() {
    const { config, database } = otto.services;
    return adminToken ??= await openAdmin(config, database).replaceToken();
  }
  const refused = async (type: string, body: BodyInit, headers: Record<string, string>) =>
    (await json(await otto.ask(`/webhook/${type}`, { method: "POST", body, headers }), 401)).error;

  it("of GitHub passes with the signature of GitHub's own library, and no other", async () => {
    const body = '{"zen":"Keep it simple"}';
    const signature = await sign(SECRETS.GITHUB_WEBHOOK_SECRET, body);
    const headers = { ...JSON_TYPE, "x-hub-signature-256": signature };
    const id = await otto.send("github", body, headers);
    assertEquals((await json(await asAdmin(`/api/messages/${id}`))).verification, "verified");
    assertEquals((await refused("github", body + " ", headers)).code, "signature_mismatch");
    assertEquals((await refused("github", body, JSON_TYPE)).code, "signature_missing");
  });

  it("is not taken unsigned, however its path and its method are written", async () => {
    const paths = ["GITHUB", "GitHub", "%67ithub", "github?x=github", "./github", "x/../github"];
    for (const path of [...paths, "github/", "github%20", "github%00", "github;x", "/github"]) {
      const answer = await otto.ask(`/webhook/${path}`, {
        method: "POST",
        body: "{}",
        headers: { ...JSON_TYPE, "x-http-method-override": "GET", "x-github-event": "push" },
      });
      assertEquals([400, 401].includes(answer.status), true, `${path} ${answer.status}`);
      await answer.body?.cancel();
    }
    for (const type of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
      const answer = await otto.ask(`/webhook/${type}`, { method: "POST", body: "{}" });
      assertEquals((await json(answer)).webhook_type, type);
      assertEquals((await otto.ask(`/webhook/${type}`)).status, 405);
    }
  });

  it("of Stripe passes with the signature of Stripe's own library, and only in time", async () => {
    const stripe = new Stripe("sk_test_none");
    const payload = '{"id":"evt_1","object":"event","type":"invoice.paid"}';
    const secret = SECRETS.STRIPE_WEBHOOK_SECRET;
    const header = (timestamp: number) =>
      stripe.webhooks.generateTestHeaderStringAsync({ payload, secret, timestamp });
    const now = Math.floor(Date.now() / 1000);
    await otto.send("stripe", payload, { "stripe-signature": await header(now) });
    const late = await refused("stripe", payload, { "stripe-signature": await header(now - 400) });
    assertEquals(late.code, "timestamp_outside_window");
  });

  it("of Twilio passes over the public URL, and a form is answered with empty TwiML", async () => {
    const fields = { MessageSid: "SM1", From: "+15550001", To: "+15550002", Body: "Hi & bye" };
    const signature = twilio.getExpectedTwilioSignature(
      SECRETS.TWILIO_AUTH_TOKEN,
      "https://otto.example.com/webhook/twilio",
      fields,
    );
    const post = {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { "x-twilio-signature": signature },
    };
    const answer = await otto.ask("/webhook/twilio", post);
    assertEquals(answer.status, 200);
    assertMatch(answer.headers.get("content-type")!, /^text\/xml/);
    assertEquals(await answer.text(), '<?xml version="1.0" encoding="UTF-8"?><Response/>');
    assert(answer.headers.get("x-message-id"));
    const again = await otto.ask("/webhook/twilio", post);
    assertEquals(again.headers.get("x-message-id"), answer.headers.get("x-message-id"));
    assertEquals(
      (await refused("twilio", new URLSearchParams({ Body: "x" }), {})).code.slice(0, 9),
      "signature",
    );
  });

  async function slackHeaders(body: string, at = Math.floor(Date.now() / 1000)) {
    const hex = await sign("the secret of slack", `v0:${at}:${body}`);
    return {
      "x-slack-request-timestamp": String(at),
      "x-slack-signature": hex.replace("sha256=", "v0="),
    };
  }

  it("of Slack passes with any of several secrets, five minutes both ways", async () => {
    const body = '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}';
    const now = Math.floor(Date.now() / 1000);
    const first = await otto.send("slack", body, await slackHeaders(body, now - 290));
    assertEquals(await otto.send("slack", body, await slackHeaders(body)), first);
    for (const at of [now - 310, now + 310]) {
      const { code } = await refused("slack", body, await slackHeaders(body, at));
      assertEquals(code, "timestamp_outside_window");
    }
    const unsigned = await refused("slack", body, {});
    assertEquals(unsigned.code, "signature_missing");
  });

  it("of Slack that asks for its challenge gets it only when signed, and is not kept", async () => {
    const body = '{"type":"url_verification","challenge":"abc123"}';
    assertEquals((await refused("slack", body, {})).code, "signature_missing");
    const answer = await otto.ask("/webhook/slack", {
      method: "POST",
      body,
      headers: await slackHeaders(body),
    });
    assertEquals(await answer.text(), "abc123");
    assertEquals(answer.headers.get("x-message-id"), null);
  });

  it("of Slack that only checks our certificate gets 200 and nothing else", async () => {
    const answer = await otto.ask("/webhook/slack", {
      method: "POST",
      body: "ssl_check=1&token=x",
      headers: FORM_TYPE,
    });
    assertEquals([answer.status, await answer.text()], [200, ""]);
  });

  it("of Slack's slash commands is answered with an empty body", async () => {
    const body = vector("slack").body.replace(/trigger_id=[^&]+/, "trigger_id=1.2.3");
    const answer = await otto.ask("/webhook/slack", {
      method: "POST",
      body,
      headers: { ...FORM_TYPE, ...await slackHeaders(body) },
    });
    assertEquals([answer.status, await answer.text()], [200, ""]);
    assert(answer.headers.get("x-message-id"));
  });
});

describe("with WEBHOOK_REQUIRE_VERIFIED", () => {
  it("nothing comes in that nobody vouches for", async () => {
    await using otto = await openOtto({ WEBHOOK_REQUIRE_VERIFIED: "true" });
    for (const type of ["github", "demo"]) {
      const { error } = await json(await otto.ask(`/webhook/${type}`, { ...BAD, body: "{}" }), 401);
      assertEquals(error.code, "unverified");
    }
  });
});

describe("behind one trusted proxy", () => {
  it("the sender is whom the proxy saw, whatever stands left of it", async () => {
    await using otto = await openOtto({ TRUST_PROXY: "1" });
    const id = await otto.send("any", "{}", { "x-forwarded-for": "1.2.3.4, 203.0.113.9" });
    const [message] = await otto.services.database.query(
      "look",
      (sql) =>
        sql<{ envelope: string }[]>`select envelope from message_contents where message_id = ${id}`,
    );
    assertEquals(JSON.parse(message.envelope).client_ip, "203.0.113.9");
  });
});
