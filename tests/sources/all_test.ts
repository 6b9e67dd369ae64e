import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { readConfig, secretsOf } from "../../lib/config/config.ts";
import { countFields, parsePayload } from "../../sources/kit/payload.ts";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import {
  assertDescription,
  described,
  hostileRequests,
  NOW,
  request,
  signedSample,
} from "./request.ts";

const all = Object.entries<Source>(sources);
/** What every secret here is, in the form that the scheme wants. */
const SECRET: Record<string, string> = {
  airtable: btoa("a secret key"),
  gitlab: `whsec_${btoa("a secret key")}`,
  teams: btoa("a secret key"),
};
/** Their descriptions have a wording of their own. */
const FIXED = new Set(["github", "stripe", "slack", "twilio"]);
/** Only their vendors can sign: the secret is a public key. */
const UNSIGNABLE = new Set([
  "discord",
  "paypal",
  "pubsub",
  "sendgrid",
]);
/** They send the secret, or sign something else than the event. */
const TOKENS = new Set([
  "alertmanager",
  "argocd",
  "bigcommerce",
  "cloudevents",
  "datadog",
  "dockerhub",
  "dropboxsign",
  "eventgrid",
  "figma",
  "freshdesk",
  "homeassistant",
  "jenkins",
  "lark",
  "mailgun",
  "miro",
  "msgraph",
  "newrelic",
  "okta",
  "opsgenie",
  "postmark",
  "salesforce",
  "sns",
  "statuspage",
  "strava",
  "telegram",
  "uptimekuma",
]);
/** Their signatures cover a time; Linear's lies in the body, and Zendesk may keep an old one. */
const TIMED = [
  "box",
  "calendly",
  "clerk",
  "gitlab",
  "grafana",
  "hubspot",
  "openai",
  "paddle",
  "replicate",
  "resend",
  "slack",
  "standardwebhooks",
  "stripe",
  "svix",
  "twitch",
  "zoom",
];
/** Neither the vendor nor the payload has anything to tell one delivery from the next. */
const NO_ID = [
  "argocd",
  "dropbox",
  "freshdesk",
  "homeassistant",
];

const secretOf = (name: string) => SECRET[name] ?? "a-secret-key";

describe("every source", () => {
  it("has a label, a secret variable that the settings hear, and says what proves it", () => {
    for (const [name, source] of all) {
      assert(source.label, name);
      for (const variable of [source.secretVariable, source.verifyTokenVariable]) {
        if (!variable) continue;
        const config = readConfig({ [variable]: "one, two" });
        assertEquals(config.secrets.get(variable), ["one", "two"], variable);
      }
      const config = readConfig({ [`WEBHOOK_SECRET_${name.toUpperCase()}`]: "three" });
      assertEquals(secretsOf(config, name, source.secretVariable), ["three"]);
      assert(/^[a-z0-9]+$/.test(name), "the name must fit into a variable's");
      assert(source.verify, name);
    }
  });

  it("has samples with a title that says more than its name", () => {
    for (const [name, source] of all) {
      assert(source.samples?.length, name);
      for (const sample of source.samples) {
        const incoming = request(sample.body, sample.headers);
        const description = described(source, incoming);
        assertDescription(description);
        assert(description.title.length > source.label!.length + 4, description.title);
        assertEquals(description.event?.split(".")[0], sample.event.split(".")[0], name);
      }
    }
  });

  it("has the fixed wording, with the type as the sender wrote it", () => {
    for (const [name, source] of all) {
      if (FIXED.has(name)) continue;
      for (const sample of source.samples!) {
        const payload = parsePayload(new TextEncoder().encode(sample.body));
        const description = (type?: string) => source.describe(payload, { type }).description;
        const fields = countFields(payload);
        assertEquals(
          description(name.toUpperCase()),
          `Process ${name.toUpperCase()} webhook event with payload containing ${fields} fields.`,
        );
        assertEquals(
          description(),
          `Process ${name} webhook event with payload containing ${fields} fields.`,
        );
      }
    }
  });

  it("tells one delivery from the next, and knows a repeat", () => {
    const without: string[] = [];
    for (const [name, source] of all) {
      for (const { headers, body } of source.samples!) {
        const idOf = (id: string) => {
          const own = Object.fromEntries(
            Object.entries(headers).map(([key, value]) => [key, value.replace("SAMPLE", id)]),
          );
          return source.deliveryId?.(request(body.replaceAll("SAMPLE", id), own));
        };
        if (idOf("one") === undefined) without.push(name);
        else {
          assertEquals(idOf("one"), idOf("one"), name);
          assertNotEquals(idOf("one"), idOf("two"), name);
          assert(idOf("one")!.length <= 1_000);
        }
      }
    }
    assertEquals([...new Set(without)].sort(), NO_ID);
  });
});

describe("a source's signature", () => {
  const signed = all.filter(([name]) => !UNSIGNABLE.has(name));

  for (const [name, source] of signed) {
    it(`is taken, and refused when anything is changed: ${name}`, async () => {
      const secret = secretOf(name);
      for (const sample of source.samples!) {
        const incoming = await signedSample(source, sample, secret);
        assertEquals(await source.verify!(incoming, [secret]), { ok: true });
        assertEquals(await source.verify!(incoming, ["old", secret]), { ok: true }, "rotated");
        assertEquals((await source.verify!(incoming, [btoa("another")])).ok, false);
        for (const secrets of [[], [""], ["", " "]]) {
          assertEquals((await source.verify!(incoming, secrets)).ok, false);
        }
        const unsigned = request(sample.body, sample.headers);
        const bare = await source.verify!(unsigned, [secret]);
        assertEquals(bare.ok || bare.code, "signature_missing");
        if (TOKENS.has(name)) continue;
        await fc.assert(
          fc.asyncProperty(
            fc.nat(incoming.body.length - 1),
            fc.integer({ min: 1, max: 255 }),
            async (place, change) => {
              const body = incoming.body.slice();
              body[place] ^= change;
              assertEquals((await source.verify!({ ...incoming, body }, [secret])).ok, false);
            },
          ),
          { numRuns: 20 },
        );
      }
    });
  }

  it("of a time is refused when it is old, and when it is of the future", async () => {
    const timed: string[] = [];
    for (const [name, source] of signed) {
      const secret = secretOf(name);
      const incoming = await signedSample(source, source.samples![0], secret);
      const codes: (string | true)[] = [];
      for (const age of [-3_600, -60, 0, 60, 3_600]) {
        const receivedAt = NOW + age * 1_000;
        const verdict = await source.verify!({ ...incoming, receivedAt }, [secret]);
        codes.push(verdict.ok || verdict.code);
      }
      if (codes[0] === true) assertEquals(codes, Array(5).fill(true), name);
      else {
        timed.push(name);
        const late = "timestamp_outside_window";
        assertEquals(codes, [late, true, true, true, late], name);
      }
    }
    assertEquals(timed.sort(), TIMED);
  });
});

describe("a refusal", () => {
  it("says what to do in a sentence", async () => {
    for (const [name, source] of all) {
      for (const secret of [secretOf(name), btoa("another")]) {
        const signed = UNSIGNABLE.has(name)
          ? request("{}")
          : await signedSample(source, source.samples![0], btoa("a third"));
        for (const incoming of [signed, request("{}")]) {
          const verdict = await source.verify!(incoming, [secret]);
          if (verdict.ok) continue;
          for (const text of [`${verdict.message}.`, verdict.hint]) {
            assert(/^[A-Z].*[\w)"'}]\.$/.test(text) && !text.includes(",,"), text);
          }
        }
      }
    }
  });
});

describe("whatever is sent", () => {
  for (const [name, source] of all) {
    it(`is taken calmly: ${name}`, async () => {
      const { keys, headers } = wordsOf(source);
      await fc.assert(
        fc.asyncProperty(hostileRequests(headers, keys), fc.boolean(), async (found, isGet) => {
          const incoming = isGet ? { ...found, method: "GET" } : found;
          const known = { secrets: [secretOf(name), ""], verifyTokens: ["token"] };
          assertEquals((await source.verify!(incoming, known.secrets)).ok, false);
          const id = source.deliveryId?.(incoming);
          assert(id === undefined || (id.trim() !== "" && id.length <= 1_000));
          await source.probe?.(incoming, known);
          await source.handshake?.(incoming, known);
          source.answer?.(incoming);
          assertDescription(described(source, incoming));
          assertDescription(source.describe(parsePayload(incoming.body)));
        }),
        { numRuns: 150 },
      );
    });
  }

  it("is described in no time, however large", () => {
    const scales = [
      { text: "<a ".repeat(100_000) + "<at>".repeat(100_000), items: 1 },
      { text: " x", items: 20 },
    ];
    for (const [name, source] of all) {
      for (const sample of source.samples!) {
        if (!sample.body.startsWith("{") && !sample.body.startsWith("[")) continue;
        for (const { text, items } of scales) {
          const payload = JSON.parse(
            sample.body,
            (_, value) =>
              typeof value === "string"
                ? value + text
                : Array.isArray(value)
                ? Array.from({ length: items * value.length }, (_, i) => value[i % value.length])
                : value,
          );
          const start = performance.now();
          assertDescription(source.describe(payload));
          assert(performance.now() - start < 2_000, name);
        }
      }
    }
  });
});

/** The keys and headers that a source's samples have: what it looks at. */
function wordsOf(source: Source) {
  const keys = new Set<string>(["type", "event", "challenge"]);
  const headers = new Set<string>(["authorization", "x-hub-signature-256", "webhook-signature"]);
  for (const { body, headers: own } of source.samples!) {
    for (const name of Object.keys(own)) headers.add(name);
    for (const [, key] of body.matchAll(/"([^"]{1,40})":/g)) keys.add(key);
  }
  for (const [, header] of (source.proof ?? "").matchAll(/`([\w-]+)`/g)) headers.add(header);
  return { keys: [...keys], headers: [...headers] };
}
