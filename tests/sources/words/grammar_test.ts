import examples from "@octokit/webhooks-examples" with { type: "json" };
import { assert, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { sources } from "../../../sources/mod.ts";
import type { Source } from "../../../sources/source.ts";
import { described, request } from "../request.ts";
import { assertReads } from "./grammar.ts";

const all = Object.entries<Source>(sources);

describe("the title of every source", () => {
  it("reads well on each sample, whatever of it is missing", () => {
    for (const [name, source] of all) {
      for (const { body, headers } of source.samples ?? []) {
        assertReads(described(source, request(body, headers)).title);
        if (!body.startsWith("{") && !body.startsWith("[")) continue;
        for (const key of new Set([...body.matchAll(/"(\w+)":/g)].map(([, found]) => found))) {
          const less = JSON.parse(body, (each, value) => each === key ? undefined : value);
          if (less === undefined) continue;
          const { title } = source.describe(less, { headers: new Headers(headers) });
          assert(title.trim() !== "", `${name} without ${key}`);
          assertReads(title);
        }
      }
    }
  });

  it("is never the bare name where the payload has a word for it", () => {
    for (const [name, source] of all) {
      for (const key of ["name", "title", "subject", "text", "message", "event", "type"]) {
        for (const payload of [{ [key]: "order shipped" }, { data: { [key]: "order shipped" } }]) {
          if (key === "event" || key === "type") { if ("data" in payload) continue; }
          const { title } = source.describe(payload);
          assertNotEquals(title, `${source.label} webhook`, `${name} ${JSON.stringify(payload)}`);
        }
      }
    }
  });

  it("reads well with values that are none", () => {
    for (const [, source] of all) {
      for (const { body, headers } of source.samples ?? []) {
        if (!body.startsWith("{") && !body.startsWith("[")) continue;
        for (const none of [null, "", 0, {}, []]) {
          const less = JSON.parse(body, (_, value) => typeof value === "string" ? none : value);
          assertReads(source.describe(less, { headers: new Headers(headers) }).title);
        }
      }
    }
  });

  it("reads well on each of GitHub's published examples, with and without the header", () => {
    for (const { name, examples: payloads } of examples) {
      for (const payload of payloads) {
        for (const headers of [new Headers({ "x-github-event": name }), new Headers()]) {
          assertReads(sources.github.describe(payload, { headers }).title);
        }
      }
    }
  });
});
