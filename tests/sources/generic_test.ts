import { assertEquals, assertStrictEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { parsePayload } from "../../sources/kit/payload.ts";
import * as generic from "../../sources/generic.ts";
import { sources } from "../../sources/mod.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import type { Source } from "../../sources/source.ts";
import { assertDescription, described, request } from "./request.ts";

const registry = createRegistry();

describe("a source", () => {
  it("is found by its name in any case", () => {
    assertEquals(registry.find("GitHub").name, "github");
    assertStrictEquals(registry.find("STRIPE").source.verify, sources.stripe.verify);
  });

  it("is the generic one for every other name, those of Object.prototype too", () => {
    for (
      const type of [
        "demo",
        "generic",
        "__proto__",
        "constructor",
        "toString",
        "",
        "GİTHUB",
      ]
    ) {
      assertEquals(registry.find(type).name, "generic");
      assertStrictEquals(registry.find(type).source as unknown, generic);
    }
  });

  it("has samples that it describes", () => {
    for (
      const source of [...Object.values<Source>(sources), generic as Source]
    ) {
      for (const sample of source.samples ?? []) {
        const description = described(
          source,
          request(sample.body, sample.headers),
        );
        assertDescription(description);
        assertEquals(
          description.event?.split(".")[0],
          sample.event === "form" ? undefined : sample.event.split(".")[0],
        );
      }
    }
  });
});

describe("any other webhook's description", () => {
  const description = (payload: unknown, type?: string) =>
    generic.describe(payload, { type }).description;

  it("has the fixed wording, with the type as the sender wrote it", () => {
    assertEquals(
      description({ a: 1, b: { c: 2 } }, "Grafana"),
      "Process Grafana webhook event with payload containing 2 fields.",
    );
    assertEquals(
      description({ a: 1 }, "x"),
      "Process x webhook event with payload containing 1 fields.",
    );
    assertEquals(
      description([1, 2, 3], "x"),
      "Process x webhook event with payload containing 3 fields.",
    );
    assertEquals(
      description({ raw_body: "hello" }, "x"),
      "Process x webhook event with payload containing 1 fields.",
    );
    assertEquals(
      description({}),
      "Process generic webhook event with payload containing 0 fields.",
    );
    assertEquals(
      description(null),
      "Process generic webhook event with payload containing 0 fields.",
    );
  });
});

describe("any other webhook's title", () => {
  const title = (payload: unknown) => generic.describe(payload, { type: "grafana" }).title;

  it("is the most telling of the usual keys", () => {
    assertEquals(
      title({ type: "alert", title: "Disk\nfull" }),
      "grafana: Disk full (alert)",
    );
    assertEquals(title({ event: "order.created" }), "grafana: order.created");
    assertEquals(title({ title: {}, name: "x" }), "grafana: x");
    assertEquals(title({ raw_body: "hello\nworld" }), "grafana: hello world");
    assertEquals(title("just text"), "grafana: just text");
    assertEquals(
      title([{ event: "open" }, { event: "click" }]),
      "grafana: 2 events: first open",
    );
    assertEquals(title([{ event: "open" }]), "grafana: open");
  });

  it("is the type where the payload says nothing", () => {
    for (
      const payload of [{}, [], null, { x: 1 }, { title: " " }, {
        raw_body: "",
      }]
    ) {
      assertEquals(title(payload), "grafana webhook");
    }
  });

  it("comes with the plain values, the text and a link", () => {
    const { fields, text, link, event } = generic.describe({
      event: "deploy",
      ok: true,
      n: 5,
      deep: { x: 1 },
      message: "a\nb",
      url: "https://example.com/x",
      link: "javascript:alert(1)",
    });
    assertEquals({ fields, text, link, event }, {
      event: "deploy",
      text: "a\nb",
      link: "https://example.com/x",
      fields: {
        event: "deploy",
        ok: "true",
        n: "5",
        message: "a b",
        url: "https://example.com/x",
        link: "javascript:alert(1)",
        "deep.x": "1",
      },
    });
  });
});

describe("whatever is sent to any webhook", () => {
  it("is described calmly", () => {
    fc.assert(
      fc.property(
        fc.anything(),
        fc.string({ unit: "binary" }),
        (payload, type) => {
          assertDescription(generic.describe(payload, { type }));
        },
      ),
    );
    fc.assert(fc.property(fc.uint8Array(), fc.string(), (body, contentType) => {
      assertDescription(generic.describe(parsePayload(body, contentType)));
    }));
  });
});
