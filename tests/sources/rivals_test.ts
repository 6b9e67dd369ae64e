import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac, randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { sources } from "../../sources/mod.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import { NOW, request, signedSample } from "./request.ts";

/**
 * What receivers of webhooks are known to get wrong, tried on all of ours that
 * it could be wrong in.
 */

type Name = keyof typeof sources;
const all = Object.entries(sources) as [Name, Source][];
const WHSEC = `whsec_${btoa("0123456789abcdefghijklmn")}`;
/** Senders whose secret is a key in base64, or who have two kinds of it. */
const SECRET: Partial<Record<Name, string>> = {
  airtable: btoa("a secret key"),
  teams: btoa("a secret key"),
  gitlab: WHSEC,
};
const secretOf = (name: Name) => SECRET[name] ?? "a-secret-key";
/** They have no header of ours to sign with, or send the secret itself. */
const signing = all.filter(([, { sign, proof }]) => sign && !proof?.startsWith("the secret itself"))
  .filter(([name]) => name !== "msgraph");

const now = NOW / 1000;
const hex = (key: string, text: string | Uint8Array, hash = "sha256") =>
  createHmac(hash, key).update(text).digest("hex");

async function code(name: Name, incoming: Incoming, secrets = [secretOf(name)]) {
  const verdict = await (sources[name] as Source).verify!(incoming, secrets);
  return verdict.ok || verdict.code;
}

/** A source's first sample, signed; `body` instead of its own. */
async function signedAs(name: Name, body?: string | Uint8Array): Promise<Incoming> {
  const source: Source = sources[name];
  const [sample] = source.samples!;
  if (body === undefined) return await signedSample(source, sample, secretOf(name));
  const plain = request(body, sample.headers);
  return request(body, { ...sample.headers, ...await source.sign!(plain, secretOf(name)) });
}

/** The headers that `sign` added, which hold the signature, its time and its id. */
async function addedBy(name: Name): Promise<[header: string, value: string][]> {
  const source: Source = sources[name];
  const [{ body, headers }] = source.samples!;
  return Object.entries(await source.sign!(request(body, headers), secretOf(name)));
}

function withHeader(incoming: Incoming, header: string, value: string): Incoming {
  const headers = new Headers(incoming.headers);
  headers.set(header, value);
  return { ...incoming, headers };
}

describe("a receiver's known mistakes", () => {
  it("the body is parsed and written anew before it is checked", async () => {
    for (const [name] of signing) {
      if (name === "twilio") continue;
      const body = `{ "b" : 1.0,\t"a": "\\u00e9/\\/",\r\n "n": 1e2 }\r\n`;
      const incoming = await signedAs(name, body);
      assertEquals(await code(name, incoming), true, name);
      const anew = new TextEncoder().encode(JSON.stringify(JSON.parse(body)));
      assertEquals(await code(name, { ...incoming, body: anew }), "signature_mismatch", name);
    }
  });

  it("the body is taken for text: bytes that are none are lost", async () => {
    for (const [name] of signing) {
      if (name === "twilio") continue;
      const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0, 0xff, 0xfe, 0xc3, 0x28, 0x7d, 10]);
      assertEquals(await code(name, await signedAs(name, bytes)), true, name);
    }
    const bytes = new Uint8Array(randomBytes(1_000));
    const github = { "x-hub-signature-256": `sha256=${hex("a-secret-key", bytes)}` };
    assertEquals(await code("github", request(bytes, github)), true);
  });

  it("only the first, or only the last, of several signatures is tried", async () => {
    const [wrong, body] = ["0".repeat(64), "{}"];
    const key = "a-secret-key";
    const standard = new Webhook(WHSEC).sign("m", new Date(NOW), body);
    const id = { "webhook-id": "m", "webhook-timestamp": `${now}` };
    const rows: [Name, string, string, string, Record<string, string>?][] = [
      ["stripe", "stripe-signature", `t=${now},`, `v1=${hex(key, `${now}.${body}`)}`],
      ["calendly", "calendly-webhook-signature", `t=${now},`, `v1=${hex(key, `${now}.${body}`)}`],
      ["paddle", "paddle-signature", `ts=${now};`, `h1=${hex(key, `${now}:${body}`)}`],
      ["pagerduty", "x-pagerduty-signature", "", `v1=${hex(key, body)}`],
      ["standardwebhooks", "webhook-signature", "", standard, id],
      ["gitlab", "webhook-signature", "", standard, id],
    ];
    for (const [name, header, start, right, more = {}] of rows) {
      const between = name === "paddle" ? ";" : more === id ? " " : ",";
      const bad = name.startsWith("s") && more === id || name === "gitlab"
        ? `v1,${btoa("x".repeat(32))}`
        : right.slice(0, 3) + wrong;
      const secret = more === id ? WHSEC : key;
      for (const list of [[right], [right, bad], [bad, right], [bad, bad, right, bad]]) {
        const incoming = request(body, { ...more, [header]: start + list.join(between) });
        assertEquals(await code(name, incoming, ["old", secret]), true, `${name} ${list.length}`);
      }
      const none = request(body, { ...more, [header]: start + [bad, bad].join(between) });
      assertEquals(await code(name, none, [secret]), "signature_mismatch", name);
      // A version that is not known is no signature, whatever it holds.
      const other = right.replace(/^(v|h)1/, "v0");
      const unknown = request(body, { ...more, [header]: start + other });
      assertEquals(await code(name, unknown, [secret]), "signature_malformed", name);
    }
  });

  it("a header that came twice confuses the check, or is half read", async () => {
    const standard = new Webhook(WHSEC).sign("m", new Date(NOW), "{}");
    for (const [first, second] of [[standard, "v1,AAAA"], ["v1,AAAA", standard]]) {
      const headers = new Headers({ "webhook-id": "m", "webhook-timestamp": `${now}` });
      headers.append("webhook-signature", first);
      headers.append("webhook-signature", second);
      const incoming = { ...request("{}"), headers };
      assertEquals(await code("standardwebhooks", incoming, [WHSEC]), true);
    }
    for (const [name] of signing) {
      const incoming = await signedAs(name);
      for (const [header, value] of await addedBy(name)) {
        const headers = new Headers(incoming.headers);
        headers.append(header, value);
        const found = await code(name, { ...incoming, headers });
        // Lists may say a thing twice; what is one value may not.
        assert(found === true || /malformed|mismatch/.test(`${found}`), `${name} ${found}`);
      }
    }
  });

  it("SHA-1 passes for SHA-256, or one vendor's prefix for another's", async () => {
    const body = "{}";
    const key = "a-secret-key";
    const [weak, strong] = [hex(key, body, "sha1"), hex(key, body)];
    const rows: [Name, string, string][] = [
      ["github", "x-hub-signature-256", "sha256="],
      ["meta", "x-hub-signature-256", "sha256="],
      ["bitbucket", "x-hub-signature", "sha256="],
      ["jira", "x-hub-signature", "sha256="],
      ["notion", "x-notion-signature", "sha256="],
      ["linear", "linear-signature", ""],
      ["sentry", "sentry-hook-signature", ""],
      ["dropbox", "x-dropbox-signature", ""],
    ];
    for (const [name, header, prefix] of rows) {
      assertEquals(await code(name, request(body, { [header]: prefix + strong })), true, name);
      for (
        const value of [
          `sha1=${weak}`,
          `${prefix}${weak}`,
          `sha1=${strong}`,
          prefix ? strong : `sha256=${strong}`,
          `md5=${hex(key, body, "md5")}`,
          `sha512=${hex(key, body, "sha512")}`,
          `${prefix}${strong}00`,
          `${prefix}${strong.slice(2)}`,
          `${prefix}${strong},`,
        ]
      ) {
        const incoming = request(body, { [header]: value });
        assertEquals(await code(name, incoming), "signature_malformed", `${name} ${value}`);
      }
    }
    // Of GitHub's two headers the weak one is none.
    const legacy = request(body, { "x-hub-signature": `sha1=${weak}` });
    assertEquals(await code("github", legacy), "signature_missing");
  });

  it("what is no signature at all is a crash instead of a refusal", async () => {
    const garbage = [
      "",
      " ",
      "0",
      "zz".repeat(32),
      "0".repeat(63),
      "0".repeat(100_000),
      "=".repeat(44),
      "A".repeat(43),
      "%%%",
      "v1=",
      "sha256=",
      "t=,v1=",
      "null",
      "[object Object]",
      "\u00e9\u00ff",
      "v1,v1,v1",
      "v0=:",
      "Basic !!!",
      "Bearer ..",
      "HMAC",
    ];
    for (const [name, source] of all) {
      const headers = source.sign ? (await addedBy(name)).map(([header]) => header) : [];
      const told = [...(source.proof ?? "").matchAll(/`([A-Za-z]+(?:-[\w]+)+)`/g)]
        .map(([, header]) => header);
      const incoming = request(source.samples![0].body, source.samples![0].headers);
      for (const header of new Set([...headers, ...told, "authorization", "x-hub-signature"])) {
        for (const value of garbage) {
          const found = await code(name, withHeader(incoming, header, value));
          assert(
            found !== true && /^(signature|secret)_/.test(found),
            `${name} ${header} ${found}`,
          );
        }
      }
    }
  });

  it("a time that is no time passes for one", async () => {
    const seconds = [
      "",
      " ",
      "0",
      "1e9",
      "NaN",
      "Infinity",
      "-1",
      "now",
      `${now}.0`,
      `+${now}`,
      `0x${now.toString(16)}`,
      `${now}000`,
      `${now}, ${now}`,
      "2023-11-14",
      "9".repeat(400),
    ];
    for (const [name] of signing) {
      const incoming = await signedAs(name);
      for (const [header, value] of await addedBy(name)) {
        if (!/^\d{10}(\d{3})?$|^\d{4}-/.test(value)) continue;
        for (const time of seconds) {
          if (value.length === 13 && time === `${now}000`) continue;
          const found = await code(name, withHeader(incoming, header, time));
          assert(found !== true, `${name} took "${time}" for a time`);
        }
      }
    }
  });

  it("the future is never too far, and the last second is not the vendor's", async () => {
    for (const [name] of signing) {
      const incoming = await signedAs(name);
      const at = (age: number) => code(name, { ...incoming, receivedAt: NOW + age * 1_000 + 400 });
      if (await at(86_400) === true) continue;
      assertEquals(await at(-86_400), "timestamp_outside_window", name);
      // HubSpot counts milliseconds.
      if (name === "hubspot") continue;
      const most = { box: 600, calendly: 180, twitch: 600 }[name as string] ?? 300;
      const edges = [most, most + 1, -most, -most - 1];
      const found = [];
      for (const age of edges) found.push(await at(age) === true);
      assertEquals(found, [true, false, true, false], name);
    }
  });

  it("an empty secret means that nothing is checked", async () => {
    for (const [name, source] of all) {
      const [sample] = source.samples!;
      const bare = request(sample.body, sample.headers);
      for (const secrets of [[], [""], ["", ""]]) {
        assert(await code(name, bare, secrets) !== true, name);
      }
      // What everybody can make: an HMAC with an empty key.
      const empty = request("{}", {
        "x-hub-signature-256": `sha256=${hex("", "{}")}`,
        "x-hub-signature": `sha256=${hex("", "{}")}`,
        authorization: "Bearer ",
        "x-gitlab-token": "",
      });
      assert(await code(name, empty, [""]) !== true, name);
    }
  });

  it("a token is compared by its start, its case, or after it was trimmed", async () => {
    const secret = "Token-Abc";
    const tokens = all.filter(([, { proof }]) => proof?.startsWith("the secret itself"));
    assert(tokens.length >= 6);
    for (const [name, source] of tokens) {
      const write = (token: string) => {
        const value = encodeURIComponent(token);
        const url = `https://otto.example.com/webhook/${name}?token=${value}&access_token=${value}`;
        const headers: Record<string, string> = /^[\x21-\x7e]+$/.test(token)
          ? { "x-telegram-bot-api-secret-token": token, authorization: `Bearer ${token}` }
          : {};
        return request(source.samples![0].body, headers, { url });
      };
      assertEquals(await code(name, write(secret), [secret]), true, name);
      for (
        const bad of ["Token-Ab", "Token-Abcd", "token-abc", "", "\0", "*", "%", "Token-Abc\n"]
      ) {
        assert(await code(name, write(bad), [secret]) !== true, `${name} took "${bad}"`);
      }
    }
  });

  it("one sender's signature is another's", async () => {
    for (const [name] of signing) {
      const incoming = await signedAs(name);
      for (const [other] of all) {
        if (other === name) continue;
        const own = SECRET[other] === undefined ? "another-key" : `whsec_${btoa("another key")}`;
        assert(await code(other, incoming, [own]) !== true, `${other} took one of ${name}`);
      }
    }
  });

  it("a challenge is answered with what could sign a message", async () => {
    const signs = async (plainToken: unknown) => {
      const body = JSON.stringify({ event: "endpoint.url_validation", payload: { plainToken } });
      const known = { secrets: ["a-secret-key"], verifyTokens: [] };
      return await sources.zoom.handshake(await signedAs("zoom", body), known);
    };
    assertEquals((await signs("qgg8vlvZRS6UYooatFL8Aw"))?.status, 200);
    for (const token of [`v0:${now}:{}`, "{}", "", " ", 1, null, {}, "a".repeat(201)]) {
      assertEquals((await signs(token))?.status, 400, `${token}`);
    }
  });

  it("whoever sends a link is visited", () => {
    for (
      const SubscribeURL of [
        "http://169.254.169.254/latest/meta-data",
        "https://sns.us-east-1.amazonaws.com.evil.example/",
        "https://sns.us-east-1.amazonaws.com@evil.example/",
        "https://evil.example/sns.us-east-1.amazonaws.com",
        "https://evil.sns.us-east-1.amazonaws.com/",
        "javascript:alert(1)//sns.us-east-1.amazonaws.com",
      ]
    ) {
      const told = sources.sns.describe({ Type: "SubscriptionConfirmation", SubscribeURL });
      assertEquals(told.link, undefined, SubscribeURL);
    }
    const cert = (url: string) =>
      sources.paypal.certificateUrl(request("{}", { "paypal-cert-url": url }));
    const real = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594";
    assertEquals(cert(real), real);
    for (
      const url of [
        real.replace("https", "http"),
        real.replace("api.paypal.com", "api.paypal.com.evil.example"),
        real.replace("api.paypal.com", "api.paypal.com@evil.example"),
        real.replace("api.paypal.com", "evil.example/api.paypal.com"),
        real.replace("api.paypal.com", "evilpaypal.com"),
        `${real}/../../../redirect?to=https://evil.example`,
        `${real}#x`,
        `${real}\\@evil.example`,
      ]
    ) assertEquals(cert(url), undefined, url);
  });
});
