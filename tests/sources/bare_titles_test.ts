import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { parsePayload } from "../../sources/kit/payload.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import vectors from "../vectors/sources.json" with { type: "json" };

const registry = createRegistry();
const all = Object.entries(registry.all);

/** What a payload says of itself, whoever sent it. */
const SAYING = ["name", "title", "subject", "text", "event"];

function hasSaying(payload: unknown): boolean {
  return typeof payload === "object" && payload !== null && SAYING.some((key) => {
    const value = (payload as Record<string, unknown>)[key];
    return typeof value === "string" && /\p{L}/u.test(value);
  });
}

describe("no title is a bare one", () => {
  it("of the samples of any source", () => {
    for (const [name, source] of all) {
      for (const { headers, body } of source.samples ?? []) {
        const payload = parsePayload(new TextEncoder().encode(body), headers["content-type"]);
        const { title } = source.describe(payload, { headers: new Headers(headers), type: name });
        assertNotEquals(title, `${source.label} webhook`);
        assertNotEquals(title, `${name} webhook`);
      }
    }
  });

  it("of the requests that vendors have published, where they say what they are", () => {
    for (const { id, body } of vectors) {
      const name = id.split(/[^a-z]/)[0];
      const payload = typeof body === "string"
        ? parsePayload(new TextEncoder().encode(body))
        : undefined;
      if (!hasSaying(payload) || !Object.hasOwn(registry.all, name)) continue;
      const source = registry.all[name];
      assertNotEquals(source.describe(payload, { type: name }).title, `${source.label} webhook`);
    }
  });

  it("where a payload has a name, a title, a subject, a text or an event, whoever sent it", () => {
    const words = fc.stringMatching(/^[A-Z][a-z]{2,12}( [a-z]{2,8}){0,3}$/);
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.constantFrom(...SAYING),
        words,
        fc.constantFrom("", "data", "payload", "thing"),
        ([name, source], key, value, within) => {
          const said = { id: 7, [key]: value };
          const payload = within ? { [within]: said } : said;
          const { title } = source.describe(payload, { type: name });
          assert(
            title !== `${source.label} webhook` && title !== `${name} webhook`,
            `${name}: ${title} for ${JSON.stringify(payload)}`,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("and a module's own words stay", () => {
    const { source } = registry.find("sentry");
    const payload = { action: "created", data: { issue: { title: "It broke" } } };
    assert(source.describe(payload).title.includes("It broke"));
    assertEquals(
      registry.find("zoom").source.describe({ topic: "x", subject: "A new thing" }).title,
      "Zoom: x: A new thing",
    );
  });
});
