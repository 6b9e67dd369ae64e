import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  withoutCommands,
  withoutMentions,
  withoutReferences,
} from "../../sources/kit/reply/harmless.ts";

/** Entities as a renderer reads them, of the kinds that stand for characters of a name. */
function rendered(text: string): string {
  return text.replaceAll("&commat;", "@").replace(
    /&#(?:x([\da-f]+)|(\d+));?/gi,
    (_, hex, decimal) => String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );
}

describe("what a model says in a comment", () => {
  for (
    const said of [
      "@mallory",
      "(@octo/team)",
      "\\@mallory",
      "&#64;mallory",
      "&#064;mallory",
      "&#x40;mallory",
      "&#X0040;mallory",
      "&commat;mallory",
      "<p>&#64mallory</p>",
      "@&#109;allory",
      "@&#x6d;allory",
      "&#64;&#109;allory",
      "@_mallory",
      "＠@mallory",
      "a@dependabot merge",
      "_a_@octo.example",
      "é@mallory.example",
      "&#32@mallory.example",
      "&nbsp@mallory.example",
    ]
  ) {
    it(`calls nobody, as ${said}`, () => {
      const shown = rendered(withoutMentions(said));
      assertMatch(shown, /@\u200B/);
      assertEquals(/@(?!\u200B)/.test(shown), false, shown);
    });
  }

  it("stays as it is where no @ begins a name", () => {
    const address = "Write to ada.l+otto@mail.example.com.";
    for (const said of ["5 @ 3", "at the end @", "&#640;", "&#x401;", "R&D; #64", address]) {
      assertEquals(withoutMentions(said), said);
    }
  });

  for (const space of ["", " ", "\t", "\v", "\f", "\u00A0", "\u3000", "> ", ">> \t"]) {
    it(`commands nothing behind ${JSON.stringify(space)} at a line's beginning`, () => {
      assertEquals(withoutCommands(`Done.\n${space}/close`), `Done.\n${space}\\/close`);
    });
  }

  it("is no command in the middle of a line, or where nothing has its name", () => {
    for (
      const said of [
        "and/or",
        "see /etc",
        "/",
        "/ 2",
        "//x",
        "... so",
        "!",
        "3. x",
        "a duplicate of",
      ]
    ) {
      assertEquals(withoutCommands(said), said);
    }
  });

  it("commands nothing whatever a vendor takes out before it looks", () => {
    for (const said of ["Done.\n/\rclose", "Done.\r/close", "Done.\n\r/close", "\r\n/close"]) {
      const seen = withoutCommands(said).replaceAll("\r", "");
      assertEquals(/^\/\w/m.test(seen), false, seen);
    }
  });

  for (const said of [".deploy production", "!deploy", "Duplicate of #12", "> duplicate  of #12"]) {
    it(`commands nothing as ${said}`, () => {
      assertMatch(withoutCommands(said), /^(?:\\[.!]deploy|(?:> )?duplicate\u200B +of)/i);
    });
  }

  it("commands nothing at its very beginning, whatever follows the word", () => {
    for (const said of [".deploy:production", "!deploy(production)", "> .deploy/production"]) {
      assertMatch(withoutCommands(said), /^(?:> )?\\[.!]deploy/);
    }
  });

  it("is code as it was, where a line begins like no command", () => {
    const code = "```js\nfetch(url)\n  .then(read)\n.github/ci.yml\n!important;\n.a:hover {\n```";
    assertEquals(withoutCommands(code), code);
  });

  for (
    const said of [
      "#12",
      "(octo/phone#12)",
      "see octo/phone#12.",
      "GH-12",
      "gh-12",
      "&#35;12",
      "&#x23;12",
      "&num;12",
      "#&#49;2",
      "!12",
      "octo/phone!12",
      "&12",
    ]
  ) {
    it(`is told nowhere else, as ${said}`, () => {
      const shown = rendered(withoutReferences(said)).replaceAll("&num;", "#");
      assertMatch(shown, /(?:#|GH-|!|&)\u200B12/i);
    });
  }

  it("links as before, but to no issue's own address on GitHub", () => {
    const kept = [
      "https://github.com/octo/phone/actions/runs/12",
      "https://example.com/page#12",
      "https://gitlab.example.com/octo/phone/-/jobs/12",
      "2>&1",
      "a && b",
      "## Heading",
      "C#",
      "R&D",
      "&#39;",
    ];
    for (const said of kept) assertEquals(withoutReferences(said), said);
    for (const kind of ["issues", "pull", "discussions"]) {
      assertEquals(
        withoutReferences(`[see](https://www.github.com/o/r/${kind}/12#issuecomment-3)`),
        `[see](https://redirect.github.com/o/r/${kind}/12#issuecomment-3)`,
      );
    }
  });
});
