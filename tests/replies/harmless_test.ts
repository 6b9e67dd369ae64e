import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { withoutCommands, withoutMentions } from "../../sources/kit/reply/harmless.ts";

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
    ]
  ) {
    it(`calls nobody, as ${said}`, () => {
      const shown = rendered(withoutMentions(said));
      assertMatch(shown, /@\u200B/);
      assertEquals(/@(?!\u200B)/.test(shown), false, shown);
    });
  }

  it("stays as it is where no @ begins a name", () => {
    for (const said of ["5 @ 3", "at the end @", "&#640;", "&#x401;", "R&D; #64"]) {
      assertEquals(withoutMentions(said), said);
    }
  });

  for (const space of ["", " ", "\t", "\v", "\f", "\u00A0", "\u3000", "> ", ">> \t"]) {
    it(`commands nothing behind ${JSON.stringify(space)} at a line's beginning`, () => {
      assertEquals(withoutCommands(`Done.\n${space}/close`), `Done.\n${space}\\/close`);
    });
  }

  it("is no command in the middle of a line, or where nothing has its name", () => {
    for (const said of ["and/or", "see /etc", "/", "/ 2", "//x"]) {
      assertEquals(withoutCommands(said), said);
    }
  });
});
