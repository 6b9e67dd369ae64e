import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac, generateKeyPairSync, type KeyObject, sign as signWithKey } from "node:crypto";
import { readConfig } from "../../lib/config/config.ts";
import { findStrangeNames } from "../../lib/config/strange_names.ts";
import { describeStart } from "../../lib/config/start.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import { testFolder } from "../folder.ts";
import { json, openOtto } from "../otto.ts";

const pemOf = (key: KeyObject, type: "spki" | "pkcs1" = "spki") =>
  key.export({ type, format: "pem" }) as string;
const startLines = (env: Record<string, string>) => {
  const { all, ruled } = createRegistry();
  return describeStart({ config: readConfig(env), port: 8000, sources: all, ruled });
};

describe("a public key in PEM", () => {
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const BODY = '[{"event":"bounce","email":"ada@example.com","sg_event_id":"1"}]';

  const sendGrid = (time = String(Math.floor(Date.now() / 1_000))) => ({
    "x-twilio-email-event-webhook-timestamp": time,
    "x-twilio-email-event-webhook-signature": signWithKey(
      "sha256",
      new TextEncoder().encode(time + BODY),
      ec.privateKey,
    )
      .toString("base64"),
  });

  for (
    const [how, key] of [
      ["over several lines", pemOf(ec.publicKey)],
      ["on one line", pemOf(ec.publicKey).replaceAll("\n", "\\n")],
      ["as base64", ec.publicKey.export({ type: "spki", format: "der" }).toString("base64")],
    ]
  ) {
    it(`verifies SendGrid's events: ${how}`, async () => {
      await using otto = await openOtto({ SENDGRID_WEBHOOK_PUBLIC_KEY: key });
      const id = await otto.send("sendgrid", BODY, sendGrid());
      assertEquals((await otto.get(`/api/messages/${id}`)).verification, "verified");
      assertStringIncludes(
        await startLines({ SENDGRID_WEBHOOK_PUBLIC_KEY: key }),
        "sendgrid verified",
      );
    });
  }

  it("verifies by RSA and Ed25519, of a source of one's own", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const ed = generateKeyPairSync("ed25519");
    await using folder = await testFolder();
    const scheme = { header: "X-Sig", encoding: "base64" };
    const SOURCES_FILE = await folder.write("sources.json", {
      one: { scheme: { type: "rsa", key: "base64", ...scheme } },
      two: { scheme: { type: "ed25519", key: "hex", ...scheme } },
      old: { scheme: { type: "rsa", key: "base64", ...scheme } },
    });
    await using otto = await openOtto({
      SOURCES_FILE,
      WEBHOOK_SECRET_ONE: pemOf(rsa.publicKey),
      WEBHOOK_SECRET_TWO: pemOf(ed.publicKey),
      WEBHOOK_SECRET_OLD: pemOf(rsa.publicKey, "pkcs1"),
    });
    const body = new TextEncoder().encode("{}");
    const signatures = {
      one: signWithKey("sha256", body, rsa.privateKey),
      two: signWithKey(null, body, ed.privateKey),
      old: signWithKey("sha256", body, rsa.privateKey),
    };
    for (const [name, signature] of Object.entries(signatures)) {
      const id = await otto.send(name, "{}", { "x-sig": signature.toString("base64") });
      const message = await otto.get(`/api/messages/${id}`);
      assertEquals(message.verification, "verified", name);
    }
  });

  it("that is none is said so by the first lines, as by the doctor", async () => {
    assertMatch(
      await startLines({
        SENDGRID_WEBHOOK_PUBLIC_KEY: "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----",
      }),
      /sendgrid FAILED: SENDGRID_WEBHOOK_PUBLIC_KEY: it is no key/,
    );
  });
});

describe("a secret with a comma in it", () => {
  const SECRET = "left,right";
  const BODY = '{"action":"opened"}';
  const headers = (secret: string) => ({
    "x-github-event": "issues",
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(BODY).digest("hex")}`,
  });

  it("is tried as one, and as the two that it looks like", async () => {
    await using otto = await openOtto({ GITHUB_WEBHOOK_SECRET: SECRET });
    for (const secret of [SECRET, "left", "right"]) {
      const answer = await otto.ask("/webhook/github", {
        method: "POST",
        body: BODY,
        headers: headers(secret),
      });
      assertEquals(answer.status, 200, secret);
      const { message_id } = await json(answer);
      const { why } = await otto.get(`/api/messages/${message_id}/explain`);
      if (secret === SECRET) assertStringIncludes(why, "as one secret, with its comma");
      else assertStringIncludes(why, "fits the secret in GITHUB_WEBHOOK_SECRET");
    }
  });
});

describe("a variable that nobody reads", () => {
  const strange = (env: Record<string, string>) =>
    findStrangeNames(readConfig(env), createRegistry());

  it("is told of where it is close to one that is read, or a known sender's", async () => {
    for (
      const [name, says] of [
        ["GITHUB_WEBHOOK_SECERT", /did you mean GITHUB_WEBHOOK_SECRET\?/],
        ["GITHUB_WEBHOK_SECRET", /did you mean GITHUB_WEBHOOK_SECRET\?/],
        ["STRIPE_SIGNING_SECRET", /webhooks of Stripe, set STRIPE_WEBHOOK_SECRET/],
        ["GITHUB_SECRET", /webhooks of GitHub, set GITHUB_WEBHOOK_SECRET/],
        ["SENDGRID_VERIFICATION_KEY", /set SENDGRID_WEBHOOK_PUBLIC_KEY/],
        ["WEBHOOK_SECRETS_GITHUB", /did you mean WEBHOOK_SECRET_GITHUB\?/],
      ] as const
    ) {
      const [told] = strange({ [name]: "the secret itself" });
      assertMatch(told ?? "nothing", says, name);
      assert(!told.includes("the secret itself"));
      assertStringIncludes(await startLines({ [name]: "x" }), name);
    }
  });

  it("is not where it is right, or nothing like one", () => {
    assertEquals(strange({ GITHUB_WEBHOOK_SECRET: "x", GITHUB_TOKEN: "y", PATH: "/bin" }), []);
    assertEquals(strange({ SLACK_BOT_TOKEN: "xoxb-1", OPENAI_API_KEY: "sk" }), []);
  });
});

describe("a handshake of a sender with a token in its URL", () => {
  const validation = JSON.stringify([{
    eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
    data: { validationCode: "512d38b6-c7b8-40c8-89fe-f46f9e9622b6" },
  }]);

  it("is answered by its token alone, where one is set (Event Grid)", async () => {
    await using otto = await openOtto({ EVENTGRID_WEBHOOK_SECRET: "the token" });
    const ask = (query: string) =>
      otto.ask(`/webhook/eventgrid${query}`, { method: "POST", body: validation });
    assertEquals((await ask("")).status, 401);
    assertEquals((await ask("?token=another")).status, 401);
    assertEquals(await json(await ask("?token=the%20token")), {
      validationResponse: "512d38b6-c7b8-40c8-89fe-f46f9e9622b6",
    });
    await using open = await openOtto();
    const answer = await open.ask("/webhook/eventgrid", { method: "POST", body: validation });
    assertEquals(answer.status, 200);
  });

  it("is answered by its token alone, where one is set (CloudEvents)", async () => {
    await using otto = await openOtto({ CLOUDEVENTS_WEBHOOK_SECRET: "the token" });
    const ask = (query: string, headers: Record<string, string> = {}) =>
      otto.ask(`/webhook/cloudevents${query}`, {
        method: "OPTIONS",
        headers: { "webhook-request-origin": "eventgrid.azure.net", ...headers },
      });
    assertEquals((await ask("")).status, 401);
    assertEquals((await ask("?access_token=the%20token")).status, 200);
    const answer = await ask("", { authorization: "Bearer the token" });
    assertEquals(answer.headers.get("webhook-allowed-origin"), "eventgrid.azure.net");
  });
});

describe("a caller who presses the same key twice", () => {
  it("is heard twice (Twilio's Gather)", async () => {
    const token = "the token of twilio";
    await using otto = await openOtto({
      TWILIO_AUTH_TOKEN: token,
      PUBLIC_URL: "https://otto.example.com",
      ADMIN_TOKEN: "a token of the operator's own",
    });
    const fields: Record<string, string> = {
      CallSid: "CA1",
      CallStatus: "in-progress",
      Digits: "1",
      From: "+15005550006",
    };
    const text = "https://otto.example.com/webhook/twilio" +
      Object.keys(fields).sort().map((name) => name + fields[name]).join("");
    const ids = [];
    for (const idempotency of ["one", "two"]) {
      ids.push(
        await otto.send("twilio", new URLSearchParams(fields).toString(), {
          "content-type": "application/x-www-form-urlencoded",
          "i-twilio-idempotency-token": idempotency,
          "x-twilio-signature": createHmac("sha1", token).update(text).digest("base64"),
        }),
      );
    }
    await otto.workOff();
    for (const id of ids) {
      const { state } = await json(
        await otto.ask(`/api/messages/${id}`, {
          headers: { authorization: "Bearer a token of the operator's own" },
        }),
      );
      assertEquals(state, "processed");
    }
  });
});
