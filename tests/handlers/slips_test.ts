import { assertEquals, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { json, openOtto, type Otto } from "../otto.ts";

let otto: Otto;

const SECRETS = { META_APP_SECRET: "an app's secret", META_VERIFY_TOKEN: "a token of ours" };
const ping = { method: "POST", body: '{"action":"opened"}' };

describe("a webhook's URL with a slip", () => {
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  for (
    const path of [
      "/webhook/github/",
      "//webhook/github",
      "/webhook//github",
      "/webhook/github//",
      "//webhook//github//",
      "/webhook/github%20",
      "/webhook/github%0A",
      "/Webhook/github",
      "/webhook/github/?from=app",
    ]
  ) {
    it(`is taken: ${path}`, async () => {
      const answer = await json(await otto.ask(path, ping));
      assertEquals([answer.status, answer.webhook_type], ["received", "github"]);
    });
  }

  it("still names no type where there is none, and no page of ours is a type", async () => {
    for (const path of ["/webhook/", "//webhook//", "/webhook/github/events", "/webhook/../x"]) {
      const { status } = await otto.ask(path, ping);
      assertEquals([400, 404].includes(status), true, `${path}: ${status}`);
    }
    assertEquals((await otto.ask("/webhook/health/", { method: "GET" })).status, 200);
    assertEquals((await otto.ask("//webhook/health", ping)).status, 400);
  });

  it("keeps the URL as it was called", async () => {
    const { message_id } = await json(await otto.ask("/webhook/github/?a=1", ping));
    const { url } = await otto.get(`/api/messages/${message_id}`);
    assertStringIncludes(url, "/webhook/github/?a=1");
  });
});

describe("a source by another of its names", () => {
  beforeAll(async () => {
    otto = await openOtto(SECRETS);
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const greet = (name: string, token: string) =>
    otto.ask(
      `/webhook/${name}?hub.mode=subscribe&hub.verify_token=${
        encodeURIComponent(token)
      }&hub.challenge=1158201444`,
    );

  for (const name of ["whatsapp", "instagram", "messenger", "WhatsApp"]) {
    it(`greets and verifies as itself: ${name}`, async () => {
      const answer = await greet(name, SECRETS.META_VERIFY_TOKEN);
      assertEquals([answer.status, await answer.text()], [200, "1158201444"]);
      assertEquals((await greet(name, "another")).status, 403);
      const unsigned = await otto.ask(`/webhook/${name}`, ping);
      assertEquals((await json(unsigned, 401)).error.code, "signature_missing");
    });
  }

  it("is that source in what is kept", async () => {
    const here = await openOtto();
    try {
      const id = await here.send("whatsapp", '{"object":"whatsapp_business_account"}');
      const message = await here.get(`/api/messages/${id}`);
      assertEquals([message.source, message.webhook_type], ["meta", "whatsapp"]);
    } finally {
      await here[Symbol.asyncDispose]();
    }
  });
});

describe("a sender under a name that nobody knows", () => {
  beforeAll(async () => {
    otto = await openOtto();
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const FORM = { "content-type": "application/x-www-form-urlencoded" };
  const BODIES: [source: string, body: string, headers?: Record<string, string>][] = [
    ["mailgun", '{"signature":{"token":"t"},"event-data":{"event":"opened"}}'],
    ["mailgun", "recipient=a%40b.c&sender=x&body-plain=Hello&signature=s", FORM],
    ["postmark", '{"RecordType":"Bounce","MessageID":"1"}'],
    ["postmark", '{"FromFull":{"Email":"a@b.c"},"MailboxHash":"","Subject":"Hello"}'],
    ["msgraph", '{"value":[{"subscriptionId":"1","changeType":"created","resource":"r"}]}'],
    ["telegram", '{"update_id":1,"message":{"chat":{"id":1},"text":"hi"}}'],
    ["twilio", "AccountSid=AC1&MessageSid=SM1&Body=hi", FORM],
  ];
  for (const [source, body, headers] of BODIES) {
    it(`is known by its body where its headers say nothing: ${source}, ${body.slice(0, 20)}`, async () => {
      const id = await otto.send("inbox", body, headers);
      const { hint } = await otto.get(`/api/messages/${id}`);
      assertStringIncludes(hint ?? "none", `use /webhook/${source}`);
    });
  }

  it("is not, where the body is anybody's", async () => {
    const id = await otto.send("inbox", '{"message":"hi","from":"Ada","signature":"Best, Ada"}');
    assertEquals((await otto.get(`/api/messages/${id}`)).hint, null);
  });
});
