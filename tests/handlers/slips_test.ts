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
    const { url } = await json(await otto.ask(`/api/messages/${message_id}`));
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
      const message = await json(await here.ask(`/api/messages/${id}`));
      assertEquals([message.source, message.webhook_type], ["meta", "whatsapp"]);
    } finally {
      await here[Symbol.asyncDispose]();
    }
  });
});
