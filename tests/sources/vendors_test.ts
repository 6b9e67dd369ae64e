import { Signature } from "@hubspot/api-client";
import { LinearWebhookClient } from "@linear/sdk/webhooks";
import { signWebhookPayload, verifyWebhookSignature } from "@notionhq/client";
import { sign as signGitHub, verify as verifyGitHub } from "@octokit/webhooks-methods";
import { Environment, Paddle } from "@paddle/paddle-node-sdk";
import { EventWebhook } from "@sendgrid/eventwebhook";
import "@shopify/shopify-api/adapters/node";
import { ApiVersion, shopifyApi } from "@shopify/shopify-api";
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { HTTP } from "cloudevents";
import { verifyKey } from "discord-interactions";
import { Buffer } from "node:buffer";
import {
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signWithKey,
} from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { assertDescription, request } from "./request.ts";

/** A vendor as its own library has it: what it sends, and whether it would take it. */
interface Vendor {
  source: Source;
  /** A fresh secret, as we configure it. */
  secret(): string;
  sign(body: string, at: Date, secret: string): Promise<Record<string, string>>;
  takes(body: string, headers: Record<string, string>, secret: string): Promise<boolean>;
  /** Whether its library looks at the time that is signed, as we do. */
  timed?: boolean;
}

const URL_CALLED = "https://otto.example.com/webhook/hubspot?team=a%20b";
const random = () => randomBytes(24).toString("base64url");
const whsec = () => `whsec_${randomBytes(24).toString("base64")}`;
const hex = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");
const seconds = (at: Date) => String(Math.floor(at.getTime() / 1000));

/** Private keys by the public key that is configured. */
const privateKeys = new Map<string, KeyObject>();

const stripe = new Stripe("sk_test_x");
const paddle = new Paddle("key", { environment: Environment.sandbox });

function shopify(apiSecretKey: string) {
  return shopifyApi({
    apiKey: "key",
    apiSecretKey,
    scopes: [],
    hostName: "otto.example.com",
    apiVersion: Object.values(ApiVersion)[0],
    isEmbeddedApp: false,
    logger: { level: 0 },
  });
}

/** Whether a check passes, for libraries that say no by throwing. */
async function passes(check: () => unknown): Promise<boolean> {
  try {
    return await check() !== false;
  } catch {
    return false;
  }
}

const VENDORS: Record<string, Vendor> = {
  github: {
    source: sources.github,
    secret: random,
    sign: async (body, _, secret) => ({ "x-hub-signature-256": await signGitHub(secret, body) }),
    takes: (body, headers, secret) => verifyGitHub(secret, body, headers["x-hub-signature-256"]),
  },
  stripe: {
    source: sources.stripe,
    secret: () => `whsec_${random()}`,
    sign: async (payload, at, secret) => ({
      "stripe-signature": await stripe.webhooks.generateTestHeaderStringAsync({
        payload,
        secret,
        timestamp: Number(seconds(at)),
      }),
    }),
    takes: (body, headers, secret) =>
      passes(() =>
        stripe.webhooks.constructEventAsync(body, headers["stripe-signature"], secret, 300)
      ),
    timed: true,
  },
  standardwebhooks: {
    source: sources.standardwebhooks,
    secret: whsec,
    sign: (body, at, secret) =>
      Promise.resolve({
        "webhook-id": "msg_1",
        "webhook-timestamp": seconds(at),
        "webhook-signature": new StandardWebhook(secret).sign("msg_1", at, body),
      }),
    takes: (body, headers, secret) =>
      passes(() => new StandardWebhook(secret).verify(body, headers)),
    timed: true,
  },
  gitlab: {
    source: sources.gitlab,
    secret: whsec,
    sign: (body, at, secret) =>
      Promise.resolve({
        "webhook-id": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
        "webhook-timestamp": seconds(at),
        "webhook-signature": new StandardWebhook(secret)
          .sign("f5e5f430-f57b-4e6e-9fac-d9128cd7232f", at, body),
      }),
    takes: (body, headers, secret) =>
      passes(() => new StandardWebhook(secret).verify(body, headers)),
    timed: true,
  },
  svix: {
    source: sources.svix,
    secret: whsec,
    sign: (body, at, secret) =>
      Promise.resolve({
        "svix-id": "msg_2",
        "svix-timestamp": seconds(at),
        "svix-signature": new SvixWebhook(secret).sign("msg_2", at, body),
      }),
    takes: (body, headers, secret) => passes(() => new SvixWebhook(secret).verify(body, headers)),
    timed: true,
  },
  notion: {
    source: sources.notion,
    secret: () => `secret_${random()}`,
    sign: async (body, _, verificationToken) => ({
      "x-notion-signature": await signWebhookPayload({ body, verificationToken }),
    }),
    takes: (body, headers, verificationToken) =>
      verifyWebhookSignature({
        body,
        verificationToken,
        signature: headers["x-notion-signature"],
      }),
  },
  hubspot: {
    source: sources.hubspot,
    secret: random,
    sign: (requestBody, at, clientSecret) => {
      const timestamp = at.getTime();
      return Promise.resolve({
        "x-hubspot-request-timestamp": String(timestamp),
        "x-hubspot-signature-v3": Signature.getSignature(
          "POST",
          "v3",
          {
            clientSecret,
            requestBody,
            url: URL_CALLED,
            timestamp,
          } as Parameters<typeof Signature.getSignature>[2],
        ),
      });
    },
    takes: (requestBody, headers, clientSecret) =>
      passes(() =>
        Signature.isValid({
          method: "POST",
          signatureVersion: "v3",
          signature: headers["x-hubspot-signature-v3"],
          clientSecret,
          requestBody,
          url: URL_CALLED,
          timestamp: Number(headers["x-hubspot-request-timestamp"]),
        })
      ),
    timed: true,
  },
  linear: {
    source: sources.linear,
    secret: () => `lin_wh_${random()}`,
    sign: (body, _, secret) => Promise.resolve({ "linear-signature": hex(secret, body) }),
    takes: (body, headers, secret) =>
      passes(() =>
        new LinearWebhookClient(secret).verify(
          Buffer.from(body),
          headers["linear-signature"],
          JSON.parse(body).webhookTimestamp,
        )
      ),
    timed: true,
  },
  paddle: {
    source: sources.paddle,
    secret: () => `pdl_ntfset_${random()}`,
    sign: (body, at, secret) => {
      const ts = seconds(at);
      return Promise.resolve({
        "paddle-signature": `ts=${ts};h1=${hex(secret, `${ts}:${body}`)}`,
      });
    },
    takes: (body, headers, secret) =>
      passes(() => paddle.webhooks.isSignatureValid(body, secret, headers["paddle-signature"])),
    timed: true,
  },
  shopify: {
    source: sources.shopify,
    secret: random,
    sign: (body, _, secret) =>
      Promise.resolve({
        "x-shopify-hmac-sha256": createHmac("sha256", secret).update(body).digest("base64"),
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": "otto.myshopify.com",
        "x-shopify-api-version": "2026-01",
        "x-shopify-webhook-id": "1",
      }),
    takes: async (rawBody, headers, secret) => {
      const rawRequest = { method: "POST", url: "/webhook/shopify", headers };
      const result = await shopify(secret).webhooks.validate({ rawBody, rawRequest });
      return result.valid;
    },
  },
  discord: {
    source: sources.discord,
    secret: () => {
      const { publicKey, privateKey } = generateKeyPairSync("ed25519");
      const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
      privateKeys.set(key, privateKey);
      return key;
    },
    sign: (body, at, secret) => {
      const text = new TextEncoder().encode(seconds(at) + body);
      return Promise.resolve({
        "x-signature-timestamp": seconds(at),
        "x-signature-ed25519": signWithKey(null, text, privateKeys.get(secret)!).toString("hex"),
      });
    },
    takes: (body, headers, secret) =>
      verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], secret),
  },
  sendgrid: {
    source: sources.sendgrid,
    secret: () => {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
      privateKeys.set(key, privateKey);
      return key;
    },
    sign: (body, at, secret) => {
      const text = new TextEncoder().encode(seconds(at) + body);
      const signature = signWithKey("sha256", text, privateKeys.get(secret)!);
      return Promise.resolve({
        "x-twilio-email-event-webhook-timestamp": seconds(at),
        "x-twilio-email-event-webhook-signature": signature.toString("base64"),
      });
    },
    takes: (body, headers, secret) => {
      const theirs = new EventWebhook();
      return passes(() =>
        theirs.verifySignature(
          theirs.convertPublicKeyToECDSA(secret),
          body,
          headers["x-twilio-email-event-webhook-signature"],
          headers["x-twilio-email-event-webhook-timestamp"],
        )
      );
    },
  },
};

describe("a vendor's own library and ours agree", () => {
  for (const [name, vendor] of Object.entries(VENDORS)) {
    const { source, sign, takes } = vendor;

    /** Ours and theirs on the same request, which arrives now. */
    const both = async (body: string, headers: Record<string, string>, secret: string) => {
      const incoming = request(body, headers, { url: URL_CALLED, receivedAt: Date.now() });
      const ours = (await source.verify!(incoming, [secret])).ok;
      assertEquals(ours, await takes(body, headers, secret), `${name} differs`);
      return ours;
    };

    it(`on what is right, changed, late or of another secret: ${name}`, async () => {
      // ECDSA's DER is shorter when a number happens to begin with zeros: several rounds meet that.
      for (let round = 0; round < (name === "sendgrid" ? 40 : 4); round++) {
        const secret = vendor.secret();
        const now = new Date();
        const bodyAt = (time: Date) =>
          JSON.stringify({ id: `é${round}\n`, webhookTimestamp: time.getTime() }) + "\r\n";
        const body = bodyAt(now);
        const headers = await sign(body, now, secret);
        assertEquals(await both(body, headers, secret), true);
        assertEquals(await both(body + " ", headers, secret), false);
        assertEquals(await both(body.replace("é", "e"), headers, secret), false);
        assertEquals(await both(body, headers, vendor.secret()), false);
        const anew = request(body, headers, { url: URL_CALLED, receivedAt: Date.now() });
        const rotated = await source.verify!(anew, [vendor.secret(), secret]);
        assertEquals(rotated, { ok: true });
        const old = new Date(now.getTime() - 600_000);
        const oldHeaders = await sign(bodyAt(old), old, secret);
        assertEquals(await both(bodyAt(old), oldHeaders, secret), !vendor.timed);
        for (const [header, value] of Object.entries(headers)) {
          if (!/signature|hmac|timestamp/.test(header)) continue;
          const other = value.replace(/[0-9a-f](?=[^0-9a-f]*$)/i, (c) => c === "1" ? "2" : "1");
          assert(other !== value);
          const changed = { ...headers, [header]: other };
          const incoming = request(body, changed, { url: URL_CALLED, receivedAt: Date.now() });
          assertEquals((await source.verify!(incoming, [secret])).ok, false, header);
        }
      }
    });
  }

  it("on several signatures in one header, while a secret is rolled", async () => {
    const [old, anew] = [whsec(), whsec()];
    const now = new Date();
    const signatures = [old, anew].map((key) => new StandardWebhook(key).sign("1", now, "{}"));
    const headers = {
      "webhook-id": "1",
      "webhook-timestamp": seconds(now),
      "webhook-signature": ["v2,AAAA", ...signatures].join(" "),
    };
    for (const secret of [old, anew]) {
      new StandardWebhook(secret).verify("{}", headers);
      const incoming = request("{}", headers, { receivedAt: now.getTime() });
      assertEquals(await sources.standardwebhooks.verify!(incoming, [secret]), { ok: true });
    }
  });

  it("on HubSpot's older versions, where the newest is not sent", async () => {
    const clientSecret = random();
    const body = `[{"eventId":1}]`;
    for (const version of ["v1", "v2"]) {
      const signature = Signature.getSignature(
        "POST",
        version,
        {
          clientSecret,
          requestBody: body,
          url: URL_CALLED,
        } as Parameters<typeof Signature.getSignature>[2],
      );
      const headers = {
        "x-hubspot-signature": signature,
        "x-hubspot-signature-version": version,
      };
      const incoming = request(body, headers, { url: URL_CALLED });
      assertEquals(await sources.hubspot.verify(incoming, [clientSecret]), { ok: true });
      assertEquals((await sources.hubspot.verify(incoming, [random()])).ok, false);
      // A bad new signature is not saved by a good old one.
      const both = request(body, {
        ...headers,
        "x-hubspot-signature-v3": btoa("x".repeat(32)),
        "x-hubspot-request-timestamp": "1700000000000",
      }, { url: URL_CALLED });
      assertEquals((await sources.hubspot.verify(both, [clientSecret])).ok, false);
    }
  });

  it("on Standard Webhooks' asymmetric signatures", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const key = `whpk_${raw.toString("base64")}`;
    const text = new TextEncoder().encode("msg_1.1700000000.{}");
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": "1700000000",
      "webhook-signature": `v1a,${signWithKey(null, text, privateKey).toString("base64")}`,
    };
    const { verify } = sources.standardwebhooks;
    assertEquals(await verify!(request("{}", headers), [key]), { ok: true });
    assertEquals(await verify!(request("{}", headers), [whsec(), key]), { ok: true });
    assertEquals((await verify!(request("{ }", headers), [key])).ok, false);
    // Whoever knows the public key must not be able to make an HMAC with it.
    for (const secret of [key, raw]) {
      const forged = createHmac("sha256", secret).update(text).digest("base64");
      const bad = { ...headers, "webhook-signature": `v1,${forged}` };
      assertEquals((await verify!(request("{}", bad), [key])).ok, false);
    }
  });
});

describe("the cloudevents library's requests", () => {
  const event = {
    specversion: "1.0",
    id: "1",
    source: "/lines",
    type: "call.ended",
    subject: "line 1",
    data: { message: "The caller hung up" },
  };

  it("are one event, binary or structured, with one id and one title", async () => {
    const { CloudEvent } = await import("cloudevents");
    for (const write of [HTTP.binary, HTTP.structured]) {
      const { headers, body } = write(new CloudEvent(event));
      const flat = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)]));
      const incoming = request(String(body), flat);
      const told = sources.cloudevents.describe(JSON.parse(String(body)), {
        headers: incoming.headers,
      });
      assertDescription(told);
      assertEquals(told.title, "call.ended line 1 (The caller hung up) from /lines");
      assertEquals(told.event, "call.ended");
      assertEquals(sources.cloudevents.deliveryId(incoming), "/lines 1");
    }
  });

  it("in a batch are told by the first, each once", () => {
    const batch = [event, event, { ...event, id: "2" }];
    const told = sources.cloudevents.describe(batch);
    assertEquals(told.title, "2 events: first call.ended line 1 (The caller hung up) from /lines");
  });

  it("may have attributes with escapes, as the specification writes them", () => {
    const headers = new Headers({
      "ce-type": "x",
      "ce-id": "1",
      "ce-source": "/",
      "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80",
    });
    assertEquals(sources.cloudevents.describe({}, { headers }).fields?.subject, "Euro € 😀");
    for (
      const [written, read] of [
        ["100%", "100%"],
        ["%C3", "%C3"],
        ["%25C3", "%C3"],
        [`"Euro%20%E2%82%AC"`, "Euro €"],
        [String.raw`"a \"b\" \\ c"`, String.raw`a "b" \ c`],
        ["a+b", "a+b"],
      ]
    ) {
      headers.set("ce-subject", written);
      assertEquals(sources.cloudevents.describe({}, { headers }).fields?.subject, read);
    }
  });
});
