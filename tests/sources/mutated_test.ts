import examples from "@octokit/webhooks-examples/api.github.com/index.json" with { type: "json" };
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import process from "node:process";
import { type Random, randomFor } from "../../bench/storm/random.ts";
import { PayloadError } from "../../sources/kit/payload.ts";
import * as generic from "../../sources/generic.ts";
import { sources } from "../../sources/mod.ts";
import { readQuery } from "../../sources/kit/query.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import vectors from "../vectors/sources.json" with { type: "json" };
import { assertDescription, described, request } from "./request.ts";

/** The same on every run; `SEED=…` tries others. A failure names the one it began with. */
const SEED = Number(process.env.SEED ?? 20_261_129);
const ROUNDS = Number(process.env.ROUNDS ?? 150);
const SECRET = "whsec_QSBzZWNyZXQgb2YgdGhpcyB0ZXN0";

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const string = (text: string) => JSON.stringify(text);

/** What no vendor writes where it writes something else, as JSON. */
const VALUES = [
  "null",
  "true",
  "0",
  "-0",
  "1e999",
  "-1e999",
  "1e-999",
  "9".repeat(400),
  "123456789012345678901234567890",
  "0.1e21",
  "[]",
  "{}",
  "[[]]",
  "[null]",
  `[${"null,".repeat(2_000)}null]`,
  `{"a":{"b":{"c":[1,{"d":2}]}}}`,
  deep(60),
  string(""),
  string("  \n\t "),
  string("\0"),
  string("line one\nline two\r\nline three\u2028four"),
  String.raw`"\ud800"`,
  String.raw`"\udc00\ud800x"`,
  string("\u202Eevil\u2066\u200B\uFEFF"),
  string("e" + "\u0301".repeat(300)),
  string("👩‍👩‍👧‍👦".repeat(100)),
  string("x".repeat(50_000)),
  string("<".repeat(20_000)),
  string("&lt;script&gt;".repeat(500)),
  string("%".repeat(1_000)),
  string("javascript:alert(1)"),
  string("https://user:pass@example.com/\n"),
  string("http://["),
  string("9".repeat(400)),
  string("0001-01-01T00:00:00Z"),
  string("😀"),
];
/** Names that every object has, or that mean something to somebody. */
const KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "length", "then", "", "0"];
const TYPES = [
  "application/json",
  "application/json; charset=utf-16",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=b",
  "multipart/form-data",
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "text/plain",
  ";",
];

/** A JSON text with some of its values, and perhaps a key, replaced. */
function mutate(json: string, random: Random): string {
  const places = random.between(1, 4);
  let parts = json;
  for (let i = 0; i < places; i++) {
    const found = [
      ...parts.matchAll(/(?<=[:[,])\s*(?:"(?:[^"\\]|\\.)*"|[-\d.eE+]+|true|false|null)/g),
    ];
    if (found.length === 0) break;
    const { index, 0: old } = random.pick(found);
    parts = parts.slice(0, index) + random.pick(VALUES) + parts.slice(index + old.length);
    // Longer texts would only be slower to walk.
    if (parts.length > 200_000) break;
  }
  if (random.next() < 0.15) {
    const keys = [...parts.matchAll(/"(?:[^"\\]|\\.)*"(?=:)/g)].slice(0, 200);
    if (keys.length > 0) {
      const { index, 0: old } = random.pick(keys);
      parts = parts.slice(0, index) + string(random.pick(KEYS)) + parts.slice(index + old.length);
    }
  }
  if (random.next() < 0.05) parts = `{"a":${deep(600)},"b":${parts}}`;
  if (random.next() < 0.1) parts = `[${parts},${parts}]`;
  return parts;
}

/** The body as JSON, as a form, in parts, or broken. */
function bodyOf(json: string, random: Random): Uint8Array {
  const encoder = new TextEncoder();
  const kind = random.next();
  if (kind < 0.1) return encoder.encode(`payload=${encodeURIComponent(json.slice(0, 20_000))}`);
  if (kind < 0.2) return encoder.encode(formOf(json));
  if (kind < 0.25) {
    const part = (name: string, value: string) =>
      `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    return encoder.encode(`${part("payload", json)}${part("__proto__", "x")}--b--`);
  }
  const bytes = encoder.encode(json);
  if (kind < 0.3) return bytes.subarray(0, Math.floor(random.next() * bytes.length));
  if (kind < 0.4 && bytes.length > 0) {
    for (let i = 0; i < 3; i++) {
      bytes[Math.floor(random.next() * bytes.length)] = random.between(0, 255);
    }
  }
  return bytes;
}

/** The plain values at the top as a form's fields, one of them twice. */
function formOf(json: string): string {
  try {
    const fields = Object.entries(JSON.parse(json) ?? {})
      .map((
        [name, value],
      ) => [name, (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 500)]);
    return new URLSearchParams([...fields, ...fields.slice(0, 1)]).toString();
  } catch {
    return "a=%&b=%ff&=&&c";
  }
}

function requestOf(seeds: readonly Seed[], headers: readonly string[], random: Random): Incoming {
  const seed = random.pick(seeds);
  const own: Record<string, string> = { ...seed.headers };
  if (random.next() < 0.3) own["content-type"] = random.pick(TYPES);
  for (let i = 0; i < 3; i++) {
    if (random.next() < 0.6) continue;
    const value = random.pick(VALUES).replace(/[^\x20-\x7e\xa0-\xff]/g, "").slice(0, 2_000);
    own[random.pick(headers)] = value;
  }
  const body = bodyOf(mutate(seed.body, random), random);
  const query = formOf(mutate(seed.body, random)).slice(0, 4_000);
  const url = random.pick(["https://otto.example.com/webhook/test", "https://[::1]:8/", "x"]);
  const isGet = random.next() < 0.15;
  return request(isGet ? "" : body, own, {
    method: isGet ? "GET" : random.pick(["POST", "POST", "POST", "PUT", "HEAD", "OPTIONS"]),
    url: random.next() < 0.5 ? `${url}?${query}` : url,
  });
}

interface Seed {
  body: string;
  headers: Record<string, string>;
}

function seedsOf(name: string, source: Source): Seed[] {
  const github = name === "github"
    ? examples.map(({ name: event, examples: [first] }) => ({
      body: JSON.stringify(first),
      headers: { "x-github-event": event },
    }))
    : [];
  const published = vectors.filter(({ id, body }) => id.startsWith(name) && body.startsWith("{"))
    .map(({ body }) => ({ body, headers: {} }));
  const samples = (source.samples ?? []).map(({ body, headers }) => ({
    body: body.startsWith("{") || body.startsWith("[")
      ? body
      : JSON.stringify(Object.fromEntries(new URLSearchParams(body))),
    headers,
  }));
  return [...samples, ...published, ...github];
}

describe(`whatever is made of a vendor's own events (seed ${SEED})`, () => {
  for (const [name, source] of Object.entries<Source>({ ...sources, generic })) {
    it(`is taken calmly: ${name}`, async () => {
      const seeds = seedsOf(name, source);
      const headers = [
        ...new Set([
          ...seeds.flatMap((seed) => Object.keys(seed.headers)),
          ...[...(source.proof ?? "").matchAll(/`([\w-]+)`/g)].map(([, header]) => header),
          "authorization",
          "content-type",
          "ce-type",
          "x-hook-secret",
        ]),
      ];
      const known = { secrets: [SECRET, ""], verifyTokens: ["token"] };
      for (let round = 0; round < ROUNDS; round++) {
        const seed = SEED + round;
        const incoming = readQuery(source, requestOf(seeds, headers, randomFor("mutated", seed)));
        const start = performance.now();
        try {
          const verdict = await source.verify?.(incoming, known.secrets);
          assertEquals(verdict?.ok ?? false, false);
          const id = source.deliveryId?.(incoming);
          assert(id === undefined || (id.trim() !== "" && id.length <= 1_000), "the id");
          for (const ask of [source.probe, source.handshake]) {
            const reply = await ask?.(incoming, known);
            if (reply) new Response(reply.body ?? null, { headers: reply.headers });
          }
          source.answer?.(incoming);
          source.signedContentKeys?.(incoming);
          describeCalmly(source, incoming);
          assert(performance.now() - start < 2_000, "it took too long");
        } catch (error) {
          const body = new TextDecoder().decode(incoming.body).slice(0, 600);
          throw new Error(`with SEED=${seed}: ${body}`, { cause: error });
        }
      }
    });
  }
});

/** A body beyond what is parsed is the only thing that may have no description. */
function describeCalmly(source: Source, incoming: Incoming): void {
  try {
    assertDescription(described(source, incoming));
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
  }
}
