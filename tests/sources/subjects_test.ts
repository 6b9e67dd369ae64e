import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { parseContent } from "../../sources/kit/body/content.ts";
import {
  agreedSubject,
  idAt,
  isIdText,
  keyOf,
  timeAt,
} from "../../sources/kit/subject/subject_key.ts";
import { sources } from "../../sources/mod.ts";
import { subjectIn } from "../../sources/rules/subject/subject.ts";
import type { Source } from "../../sources/source.ts";
import { type Subject, SUBJECT_ROLES } from "../../sources/subject.ts";
import { hostileRequests } from "./request.ts";

const MIB = 1024 * 1024;
const telling = Object.entries<Source>(sources).filter(([, { subject }]) => subject);
const HOSTILE = [
  "line\nbreak",
  "x".repeat(10_000),
  "__proto__",
  "{order.id}",
  "\0",
  "\u202Eabc",
  " ",
];

/** Its sender's samples: each payload with the headers that it comes with. */
function samplesOf(source: Source): { payload: unknown; headers: Headers; event: string }[] {
  return (source.samples ?? []).map(({ body, headers, event }) => ({
    payload: parseContent(new TextEncoder().encode(body), new Headers(headers), MIB).payload,
    headers: new Headers(headers),
    event,
  }));
}

function assertSubject(found: Subject | undefined, what: string): void {
  if (found === undefined) return;
  const { key, role, aliases = [], joins = [], at } = found;
  for (const each of [key, ...aliases, ...joins]) assert(isIdText(each), `${what}: ${each}`);
  assert(SUBJECT_ROLES.includes(role), what);
  assert(at === undefined || Number.isFinite(at) && at > 0, what);
}

/** The payload with another value at one of its leaves, for each leaf. */
function* withEach(payload: unknown, value: unknown): Generator<unknown> {
  if (typeof payload !== "object" || payload === null) return void (yield value);
  for (const [key, its] of Object.entries(payload)) {
    for (const changed of withEach(its, value)) {
      yield Array.isArray(payload)
        ? payload.map((each, at) => String(at) === key ? changed : each)
        : { ...payload, [key]: changed };
    }
  }
}

describe("what a message is about", () => {
  it("is said by GitHub and others, each with a line for the docs", () => {
    assert(telling.length > 0);
    for (const [name, source] of Object.entries<Source>(sources)) {
      assertEquals(source.about !== undefined, source.subject !== undefined, name);
    }
    const without = telling.filter(([name, source]) =>
      !samplesOf(source).some(({ payload, headers }) =>
        source.subject!(payload, { type: name, headers })
      )
    );
    // A command, two mails, a text and a follower: these samples are about nothing that lasts.
    assertEquals(without.map(([name]) => name).sort(), ["discord", "sendgrid", "sns", "twitch"]);
  });

  for (const [name, source] of telling) {
    it(`is an id or nothing, whatever stands in a payload of ${name}`, () => {
      const payloads = samplesOf(source);
      for (const { payload, headers, event } of payloads) {
        const found = source.subject!(payload, { headers, type: name });
        assertSubject(found, event);
        // Without the headers, too, and twice the same.
        assertSubject(source.subject!(payload), event);
        assertEquals(source.subject!(payload, { headers, type: name }), found);
        for (const hostile of [...HOSTILE, null, 1.5, 2 ** 60, [], {}, true]) {
          for (const changed of withEach(payload, hostile)) {
            const other = source.subject!(changed, { headers, type: name });
            assertSubject(other, `${event} with ${JSON.stringify(hostile).slice(0, 40)}`);
            if (typeof hostile === "string") {
              assert(!other?.key.includes(hostile) || hostile === " ", other?.key);
            }
          }
        }
      }
    });

    it(`never throws on what was never ${name}'s`, () => {
      const keys = samplesOf(source).flatMap(({ payload }) => Object.keys(payload as object));
      fc.assert(fc.property(hostileRequests([], keys.slice(0, 20)), (request) => {
        let payload: unknown;
        try {
          payload = parseContent(request.body, request.headers, MIB).payload;
        } catch {
          return;
        }
        assertSubject(source.subject!(payload, { type: name, headers: request.headers }), name);
      }));
      for (const odd of [undefined, null, 1, "text", [], [null], { __proto__: null }]) {
        assertSubject(source.subject!(odd), name);
      }
    });
  }

  it("is told apart by the name in the URL", () => {
    const named = { name: "github", source: sources.github as Source };
    const [{ payload, headers }] = samplesOf(sources.github);
    const keyFor = (type: string) => subjectIn(named, {}, { type, payload, headers })?.key;
    assertEquals(keyFor("GitHub"), "github:octo/phone#7");
    assertNotEquals(keyFor("acme"), keyFor("github"));
  });
});

describe("the parts of a key", () => {
  it("are ids exactly as they were sent, or there is none", () => {
    const payload = { a: " padded", b: "fine id", c: 7, d: 2 ** 53, e: -3, f: "", g: "•••" };
    assertEquals(idAt(payload, "a"), undefined);
    assertEquals(idAt(payload, "b"), "fine id");
    assertEquals(idAt(payload, "c"), "7");
    assertEquals(idAt(payload, "d"), undefined);
    assertEquals(idAt(payload, "e"), "-3");
    assertEquals([idAt(payload, "f"), idAt(payload, "g"), idAt(payload, "h")], [
      undefined,
      undefined,
      undefined,
    ]);
    for (const hostile of HOSTILE) assertEquals(idAt([hostile], 0), undefined);
  });

  it("make no key when one is missing, or when all of it is too long", () => {
    assertEquals(keyOf`${"octo/phone"}#${"7"}`, "octo/phone#7");
    assertEquals(keyOf`${"octo/phone"}#${undefined}`, undefined);
    assertEquals(keyOf`${"a".repeat(150)}:${"b".repeat(150)}`, undefined);
  });

  it("have times in ISO 8601, seconds or milliseconds", () => {
    const moment = Date.UTC(2026, 10, 30, 9, 5, 7);
    for (const given of ["2026-11-30T09:05:07Z", moment, moment / 1_000, String(moment / 1_000)]) {
      assertEquals(timeAt([given], 0), moment);
    }
    for (const given of ["soon", null, -1, 1e20, "9".repeat(400), "9999-01-01T00:00:00Z"]) {
      assertEquals(timeAt([given], 0), undefined);
    }
  });

  it("make a batch's subject only where all of it agrees", () => {
    const one: Subject = { key: "1", role: "opens", name: "One" };
    assertEquals(agreedSubject([]), undefined);
    assertEquals(agreedSubject([one, { ...one, key: "2" }]), undefined);
    assertEquals(agreedSubject([one, undefined]), undefined);
    const both = agreedSubject([one, { key: "1", role: "closes" }, { key: "1", role: "notes" }]);
    assertEquals([both?.key, both?.role, both?.name], ["1", "closes", "One"]);
  });
});
