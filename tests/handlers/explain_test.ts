import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { sign } from "@octokit/webhooks-methods";
import { diagnose } from "../../sources/diagnosis/diagnosis.ts";
import { hintFor, recogniseSender } from "../../sources/diagnosis/fingerprint.ts";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { json, openOtto, type Otto } from "../otto.ts";
import { request, signedSample } from "../sources/request.ts";

const ADMIN_TOKEN = "a token of the operator's own";
const GITHUB = "the secret of github";
const BODY = '{"zen":"Keep it simple","hook_id":7}';
const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` };

describe("an explanation", () => {
  let otto: Otto;
  beforeAll(async () => {
    otto = await openOtto({
      ADMIN_TOKEN,
      GITHUB_WEBHOOK_SECRET: GITHUB,
      SLACK_BOT_TOKEN: "xoxb-1",
      SLACK_API_URL: "http://127.0.0.1:9",
      SLACK_CHANNELS: "github=C0123ABCD",
    });
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  const explain = async (type: string, body: string, headers: Record<string, string> = {}) =>
    await json(
      await otto.ask(`/webhook/${type}/explain`, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", ...bearer, ...headers },
      }),
    );
  const signed = async (secret: string, delivery: string) => ({
    "content-type": "application/json",
    "x-hub-signature-256": await sign(secret, BODY),
    "x-github-event": "ping",
    "x-github-delivery": delivery,
  });
  const count = async () =>
    (await json(await otto.ask("/api/messages", { headers: bearer }))).items.length;

  it("of a request says what would become of it, and leaves no trace", async () => {
    const before = await count();
    const told = await explain("github", BODY, await signed(GITHUB, "d-1"));
    assertEquals(
      [told.verdict, told.becomes, told.source, told.delivery_id, told.repeat_of],
      ["verified", "message", "github", "d-1", null],
    );
    assertMatch(told.scheme, /X-Hub-Signature-256/);
    assertMatch(told.why, /GITHUB_WEBHOOK_SECRET/);
    assertMatch(told.description, /^Process GitHub ping event/);
    assertEquals(told.route, { place: "C0123ABCD", thread_ts: null });
    assertEquals(told.answer.status, 200);
    assert(!JSON.stringify(told).includes(GITHUB));
    await otto.services.quarantine.idle();
    assertEquals(await count(), before);
    // Had it been taken, this would be a repeat.
    const first = await otto.send("github", BODY, await signed(GITHUB, "d-1"));
    assertEquals((await explain("github", BODY, await signed(GITHUB, "d-1"))).repeat_of, first);
    const message = await json(await otto.ask(`/api/messages/${first}`, { headers: bearer }));
    assertEquals(message.repeats, 0);
  });

  it("of a forged request says why, and keeps nothing", async () => {
    const before = await count();
    const told = await explain("github", BODY, await signed("another", "d-2"));
    assertEquals([told.verdict, told.becomes, told.answer.status], ["rejected", "rejected", 401]);
    assertMatch(told.why, /fits no secret/);
    assertEquals(told.route, null);
    await otto.services.quarantine.idle();
    assertEquals(await count(), before);
  });

  it("of a request that no task can be made of says the error", async () => {
    const told = await explain("demo", "[".repeat(100_000));
    assertEquals([told.becomes, told.verdict, told.title], ["message", "unverified", null]);
    assert(told.error.length > 0);
  });

  it("shows the handshake's answer", async () => {
    const told = await explain("slack", "ssl_check=1&token=x", {
      "content-type": "application/x-www-form-urlencoded",
    });
    assertEquals([told.becomes, told.answer.status], ["handshake", 200]);
  });

  it("predicts the answer a sender gets", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const told = await explain("twilio", "MessageSid=SM1&Body=hi&From=%2B1555", form);
    const answer = await otto.ask("/webhook/twilio", {
      method: "POST",
      body: "MessageSid=SM1&Body=hi&From=%2B1555",
      headers: form,
    });
    assertEquals(told.answer, {
      status: answer.status,
      content_type: answer.headers.get("content-type"),
      body: await answer.text(),
    });
  });

  it("of a kept message is the same", async () => {
    const id = await otto.send("github", BODY, await signed(GITHUB, "d-3"));
    await otto.workOff();
    const told = await json(await otto.ask(`/api/messages/${id}/explain`, { headers: bearer }));
    assertEquals([told.verdict, told.delivery_id, told.repeat_of], ["verified", "d-3", null]);
    const message = await json(await otto.ask(`/api/messages/${id}`, { headers: bearer }));
    assertEquals(told.title, message.title);
    await json(await otto.ask("/api/messages/x/explain", { headers: bearer }), 400);
    await json(
      await otto.ask(`/api/messages/${id.replace(/.$/, "0").replace(/^./, "f")}/explain`, {
        headers: bearer,
      }),
      404,
    );
  });

  it("is for the admin alone, and bears any bytes", async () => {
    await json(await otto.ask("/webhook/github/explain", { method: "POST", body: "{}" }), 401);
    for (const type of ["github", "stripe", "slack", "twilio", "demo", "paypal", "discord"]) {
      for (const body of ["", "\0", "{", "[1e999]", '{"__proto__":{"a":1}}']) {
        await explain(type, body);
      }
    }
    const bad = await otto.ask("/webhook/stats/explain", {
      method: "POST",
      body: "{}",
      headers: bearer,
    });
    assertEquals((await json(bad, 400)).error.code, "bad_webhook_type");
  });
});

describe("a known sender under another name", () => {
  it("is told on the message, and once in the log", async () => {
    const lines: string[] = [];
    const otto = await openOtto({ LOG_LEVEL: "warn" }, { write: (line) => lines.push(line) });
    try {
      const headers = { "sentry-hook-resource": "issue", "content-type": "application/json" };
      const ids = [1, 2].map((n) => otto.send("errors", `{"n":${n}}`, headers));
      for (const id of await Promise.all(ids)) {
        const message = await otto.get(`/api/messages/${id}`);
        assertEquals(message.hint, "looks like Sentry: use /webhook/sentry");
      }
      const { items } = await otto.get("/api/messages");
      assertEquals(items[0].hint, "looks like Sentry: use /webhook/sentry");
      assertEquals(lines.filter((line) => line.includes("webhook.unknown_sender")).length, 1);
      const page = await (await otto.ask("/", { headers: { accept: "text/html" } })).text();
      assert(page.includes("looks like Sentry"));
      const push = await otto.send("gitlab", "{}", { "x-github-event": "push" });
      const { hint } = await otto.get(`/api/messages/${push}`);
      assertEquals(hint, "looks like GitHub: use /webhook/github");
      const plain = await otto.send("errors", "{}", { "x-thing": "1" });
      assertEquals((await otto.get(`/api/messages/${plain}`)).hint, null);
    } finally {
      await otto[Symbol.asyncDispose]();
    }
  });

  it("is told of the names that Otto knows, and of what several senders write not by them", () => {
    const [github, svix, hub] = [["x-github-event", "push"], ["svix-id", "msg_1"], [
      "x-hub-signature-256",
      "sha256=00",
    ]] as const;
    const gitlab = ["x-gitlab-event", "Push Hook"] as const;
    const standard = ["webhook-id", "msg_1"] as const;
    const grid = ["aeg-event-type", "Notification"] as const;
    const event = ["content-type", "application/cloudevents+json; charset=utf-8"] as const;
    const told: [name: string, headers: (readonly [string, string])[], source?: string][] = [
      ["gitlab", [github, hub], "github"],
      ["meta", [github, hub], "github"],
      ["github", [github, hub]],
      ["github", [hub]],
      ["generic", [hub], "meta"],
      ["generic", [["user-agent", "GitHub-Hookshot/1"], hub], "github"],
      ["generic", [svix], "svix"],
      ["generic", [standard], "standardwebhooks"],
      ["generic", [event], "cloudevents"],
      ["generic", [["content-type", "application/json"]]],
      ["generic", [["paypal-transmission-id", "1"]], "paypal"],
      ["generic", [["authorization", "HMAC AAAA"]], "teams"],
      ["generic", [["authorization", "Bearer HMAC"]]],
      ["clerk", [svix]],
      ["gitlab", [gitlab, standard]],
      ["standardwebhooks", [gitlab, standard]],
      ["svix", [gitlab, standard], "gitlab"],
      ["cloudevents", [grid, event]],
      ["cloudevents", [github], "github"],
      ["my-own", [github]],
    ];
    for (const [name, headers, source] of told) {
      const wanted = source && new RegExp(`: use /webhook/${source}$`);
      const hint = hintFor(headers, name);
      if (wanted) assertMatch(hint ?? "", wanted, name);
      else assertEquals(hint, undefined, name);
    }
  });

  it("is not told where a refused message only has headers that several write", async () => {
    const headers = { "x-hub-signature-256": `sha256=${"0".repeat(64)}` };
    const said: [name: keyof typeof sources, more: Record<string, string>, wanted: RegExp][] = [
      ["github", {}, /It fits no secret that is set/],
      ["github", { "x-hook-uuid": "1" }, /It looks like Bitbucket: use \/webhook\/bitbucket/],
    ];
    for (const [name, more, wanted] of said) {
      const source: Source = sources[name];
      const incoming = request("{}", { ...headers, ...more });
      const verdict = await source.verify!(incoming, ["a secret"]);
      assert(!verdict.ok);
      const keyring = { own: ["a secret"], variable: "X", all: new Map(), retired: [], sources };
      assertMatch(await diagnose(verdict, incoming, { name, source }, keyring), wanted);
    }
  });

  it("is never taken for a third", async () => {
    // Whose samples carry the headers of the scheme that they share.
    const family: Record<string, string[]> = {
      standardwebhooks: ["clerk", "openai", "replicate", "resend", "svix", "gitlab"],
    };
    for (const [name, source] of Object.entries<Source>(sources)) {
      if (!source.sign) continue;
      for (const sample of source.samples ?? []) {
        // As the text, base64 and hexadecimal digits: any scheme takes one of them.
        const { headers } = await signedSample(source, sample, "00112233445566778899aabbccddeeff");
        const found = recogniseSender(headers);
        assert(
          found === undefined || found === name || family[found]?.includes(name),
          `${name} is taken for ${found}`,
        );
      }
    }
  });
});
