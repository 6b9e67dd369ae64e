import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { ConfigError } from "../../lib/config/config.ts";
import { parseJson } from "../../lib/config/json_file.ts";
import { createRegistry } from "../../sources/rules/registry.ts";
import { sourcesFile } from "../../sources/rules/settings.ts";
import { subjectIn } from "../../sources/rules/subject/subject.ts";

const read = (settings: unknown) =>
  parseJson("sources.json (SOURCES_FILE)", JSON.stringify(settings), sourcesFile);

/** What a payload is about under a file's rules. */
function about(settings: unknown, type: string, payload: unknown) {
  const registry = createRegistry(read(settings));
  const named = registry.find(type);
  return subjectIn(named, registry.settingsOf(named.name), {
    type,
    payload,
    headers: new Headers(),
  });
}

const order = (id: unknown, more: Record<string, unknown> = {}) => ({
  order: { id, number: 12 },
  ...more,
});
const acme = {
  acme: {
    subject: {
      key: "{order.id}",
      name: "Order {order.number}",
      link: "https://acme.example/o/{order.id}",
    },
    later: "continue",
    close: [{ path: "status", equals: "done" }],
  },
};

describe("subjects in the operator's file", () => {
  it("are made of a template, and end as it says", () => {
    const found = about(acme, "Acme", order(77));
    assertEquals(found?.key, "acme:77");
    assertEquals(found?.name, "Order 12");
    assertEquals(found?.link, "https://acme.example/o/77");
    assertEquals(found?.role, "opens");
    assertEquals(about(acme, "acme", order(77, { status: "done" }))?.role, "closes");
  });

  it("have no half keys, and no strange ones", () => {
    const two = { acme: { subject: { key: "{order.id}/{order.part}" } } };
    assertEquals(about(two, "acme", order(1)), undefined);
    const spare = { acme: { subject: { key: "{order.id}/{order.part|all}" } } };
    assertEquals(about(spare, "acme", order(1))?.key, "acme:1/all");
    for (
      const id of ["a\nb", "x".repeat(10_000), "__proto__", "{order}", "", null, 2 ** 60, [], {}]
    ) assertEquals(about(acme, "acme", order(id)), undefined, JSON.stringify(id));
  });

  it("are one thing where all items of a list agree, and else nothing", () => {
    const rules = { acme: { subject: { key: "{items[*].order}" } } };
    const keyOf = (...orders: unknown[]) =>
      about(rules, "acme", { items: orders.map((id) => ({ order: id })) })?.key;
    assertEquals(keyOf("7", "7"), "acme:7");
    assertEquals(
      [keyOf("7", "8"), keyOf("7", null), keyOf(7, "7"), keyOf()],
      Array(4).fill(undefined),
    );
  });

  it("replace a known source's own key, or leave it out", () => {
    const issue = { repository: { full_name: "octo/phone" }, issue: { number: 8 } };
    assertEquals(about({}, "github", issue)?.key, "github:octo/phone#8");
    assertEquals(about({ github: { subject: false } }, "github", issue), undefined);
    const byRepository = { github: { subject: { key: "{repository.full_name}" } } };
    assertEquals(about(byRepository, "github", issue)?.key, "github:octo/phone");
    const second = { work: { scheme: { type: "like", source: "github" } } };
    assertEquals(about(second, "work", issue)?.key, "work:octo/phone#8");
  });

  it("deliver what the file lets through, and end only as it says", () => {
    const comment = (author_association: string) => ({
      action: "created",
      repository: { full_name: "octo/phone" },
      issue: { number: 8 },
      comment: { author_association },
    });
    const contributors = {
      github: {
        deliver: { any: [{ path: "comment.author_association", equals: "CONTRIBUTOR" }] },
      },
    };
    assertEquals(about(contributors, "github", comment("CONTRIBUTOR"))?.role, "continues");
    assertEquals(about(contributors, "github", comment("OWNER"))?.role, "notes");
    const closed = {
      action: "closed",
      repository: { full_name: "octo/phone" },
      issue: { number: 8 },
    };
    assertEquals(about(contributors, "github", closed)?.role, "closes");
    assertEquals(about({ github: { close: [] } }, "github", closed)?.role, "continues");
    const byLabel = { github: { close: [{ path: "label.name", equals: "done" }] } };
    assertEquals(about(byLabel, "github", closed)?.role, "continues");
    assertEquals(
      about(byLabel, "github", { ...closed, action: "labeled", label: { name: "done" } })?.role,
      "closes",
    );
  });

  it("are refused where they could never hold", () => {
    const refused: [settings: unknown, why: RegExp][] = [
      [{ acme: { later: "continue" } }, /acme\.later.*say it in "subject"/],
      [{ acme: { close: [{ path: "a", exists: true }] } }, /acme\.close.*"subject"/],
      [{ github: { subject: false, later: "continue" } }, /github\.later.*"subject" is false/],
      [
        { acme: { subject: { key: "all" } } },
        /acme\.subject.*every message would be about the same/,
      ],
      [{ acme: { subject: { key: "{a} " } } }, /acme\.subject.*could never be a key/],
      [{ acme: { subject: { key: "Order\n{a}" } } }, /acme\.subject.*could never be a key/],
      [{ acme: { subject: "{a}" } }, /acme\.subject: must be such as \{"key"/],
      [{ acme: { subject: null } }, /acme\.subject: must be such as \{"key"/],
      [{ acme: { subject: { name: "It" } } }, /acme\.subject\.key: is missing/],
      [
        { acme: { subject: { key: "{a}" }, close: [{ path: "b", equals: [1] }] } },
        /acme\.close\.all\.0\.equals: must be a text, a number/,
      ],
      [
        { acme: { subject: { key: "{a}" }, close: "done" } },
        /acme\.close: must be a list of conditions/,
      ],
      [{ acme: { subject: { key: "{a}" }, later: "sometimes" } }, /acme\.later.*"apart"/],
      [
        { acme: { subject: { key: "{user.id}" }, redact: ["user"] } },
        /acme\.subject.*"redact" takes away/,
      ],
      [
        {
          acme: {
            subject: { key: "{a}" },
            close: [{ path: "b", equals: 1 }, { path: "b", equals: 2 }],
          },
        },
        /acme\.close.*can never be met/,
      ],
    ];
    for (const [settings, why] of refused) {
      const error = assertThrows(() => read(settings), ConfigError) as Error;
      assertMatch(error.message.replaceAll("\n", " "), why);
    }
  });
});
