import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  withoutCommands,
  withoutEchoes,
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
      "a+@mallory.example",
      "a/@1",
      "_a_@v4",
      "a@v4-fan",
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
    const versions = "Take actions/checkout@v4, deno@2.9.6 or foo-1@3.";
    for (
      const said of [versions, "5 @ 3", "at the end @", "&#640;", "&#x401;", "R&D; #64", address]
    ) {
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
      "#<b>12</b>",
      "_GH-12_",
      "GH\\-12",
      "GH&#45;12",
      "GL-12",
      "!12",
      "octo/phone!12",
      "&#33;12",
      "&excl;12",
      "&12",
      "&amp;12",
      "&#38;12",
    ]
  ) {
    it(`is told nowhere else, as ${said}`, () => {
      const shown = rendered(withoutReferences(said)).replaceAll("&num;", "#")
        .replaceAll("&excl;", "!").replaceAll("&amp;", "&").replaceAll("\\-", "-");
      assertMatch(shown, /(?:#|G[HL]-|!|&)\u200B(?:<b>)?12/i);
    });
  }

  for (
    const [said, shown] of [
      ["[issue:12]", "[issue\u200B:12]"],
      ["[work_item:o/r/12]", "[work_item\u200B:o/r/12]"],
      ["[epic&#58;12]", "[epic\u200B&#58;\u200B12]"],
      ["!&#49;2", "!\u200B&#49;\u200B2"],
      ["&&#49;2", "&\u200B&#49;\u200B2"],
      ["#&#49;2", "#\u200B&#49;\u200B2"],
      ["&#71;H-12", "&#71;\u200BH-12"],
      ["|https://a.example/|o/r#12|", "|https://a.example/|o/r#\u200B12|"],
      ["http://-/o/r#12", "http://-/o/r#\u200B12"],
      ["https:\\/\\/a.example/o/r#12", "https:\\/\\/a.example/o/r#\u200B12"],
    ]
  ) {
    it(`is told nowhere else, in another writing, as ${said}`, () => {
      assertEquals(withoutReferences(said), shown);
    });
  }

  it("links to no issue's own address however that is written", () => {
    for (
      const said of [
        "[x](https:\\/\\/github.com/o/r/issues/12)",
        "[x](https://github\\.com/o/r/issues/12)",
        "[x]: https://github.com\\/o/r/issues\\/12",
      ]
    ) assertMatch(withoutReferences(said), /https:\/\/redirect\.github\.com\/o\/r\/issues\/12/);
    for (
      const said of [
        "[x](https&colon;//github.com/o/r/issues/12)",
        "[x](https:&#47;/github.com/o/r/issues/12)",
        "[x](h&#116;tps://github.com/o/r/issues/12)",
        "[x](https://github.com/o/r/iss&#117;es/12)",
        '<a href="https://github&#46;com/o/r/issues/12">x</a>',
      ]
    ) assertMatch(withoutReferences(said), /&\u200B|;\u200B/);
  });

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
      "&#62; &#62;",
      "issue: 12",
    ];
    for (const said of kept) assertEquals(withoutReferences(said), said);
    for (const kind of ["issues", "pull", "discussions"]) {
      assertEquals(
        withoutReferences(`[see](https://www.github.com/o/r/${kind}/12#issuecomment-3)`),
        `[see](https://redirect.github.com/o/r/${kind}/12#issuecomment-3)`,
      );
    }
  });

  // Found by rendering at random what was made harmless, with cmark-gfm.
  for (
    const said of [
      "`http://a.example/`#12",
      "http://a_b/#12",
      "xhttp://a.example/#12",
      "</div>http://a.example/#12",
      "[http://a.example/#12",
      "[http://a.example/!12",
    ]
  ) {
    it(`is told nowhere else where an address is none, as ${said}`, () => {
      assertMatch(withoutReferences(said), /[#!]\u200B12$/);
    });
  }

  it("links to no issue's own address on GitHub, whatever stands before it", () => {
    for (const before of ["1", "_", "`", "é", "[", "<div>"]) {
      const said = `${before}https://github.com/o/r/issues/12`;
      assertEquals(withoutReferences(said), said.replace("github", "redirect.github"));
    }
  });

  it("links to what GitLab has by a number with the port, by which it is no reference", () => {
    for (
      const [said, shown] of [
        ["https://gitlab.com/o/r/-/issues/7", "https://gitlab.com:443/o/r/-/issues/7"],
        [
          "see [it](http://git.example/gitlab/o/sub/r/merge_requests/7#note_3).",
          "see [it](http://git.example:80/gitlab/o/sub/r/merge_requests/7#note_3).",
        ],
        ["https://gitlab.com/o/r/-/issues/%37", "https://gitlab.com:443/o/r/-/issues/%37"],
        ["https://git.example:8443/o/r/-/issues/7", "https://git.example:08443/o/r/-/issues/7"],
        ["https://gitlab.com/o/r/-/issues", "https://gitlab.com/o/r/-/issues"],
      ]
    ) assertEquals(withoutReferences(said), shown);
  });
});

describe("code in a comment", () => {
  const fenced = [
    "Set this:",
    "```css",
    "a { color: #333; } /* see https://github.com/o/r/issues/12 and !12 */",
    "```",
    "and this:",
    "",
    "```",
    "npm i @types/node@20.1.0 && echo &12 > #1",
    "uses: actions/checkout@v4",
    "  ```".trim(),
  ].join("\n");
  const spans = "- Set `color: #333` or (`#fff`/`#000`).\n- Run `npm i @types/node`";

  for (const said of [fenced, spans, `${fenced}\n\n${spans}`, `${fenced}\n---\n${fenced}`]) {
    it(`is as it was: ${JSON.stringify(said.slice(-40))}`, () => {
      assertEquals(withoutEchoes(said), said);
    });
  }

  it("has no names in it all the same: bots read what was written", () => {
    assertEquals(
      withoutEchoes("`@bors r+`\n\n```\n@dependabot merge\n```"),
      [
        "`@\u200Bbors r+`\n\n```\n@\u200Bdependabot merge\n```",
      ].join(""),
    );
  });

  const fence = "```";
  const smuggled: [string, string][] = [
    ["a fence that never ends", `${fence}\nx\n${fence}\n#12 ${fence}\ny`],
    ["a fence of four", `${fence}\`\nx\n${fence}\n${fence}\n#12\n${fence}\n${fence}\``],
    ["a longer end", `${fence}\nx\n${fence}\`\n#12\n${fence}\ny\n${fence}`],
    ["an end that is none", `${fence}\nx\n    ${fence}\ny\n${fence}\n#12\n${fence}`],
    ["an end with a tab", `${fence}\nx\n\t${fence}\ny\n${fence}\n#12\n${fence}`],
    ["an indented end", `${fence}\nx\n ${fence}\n#12\n${fence}\ny\n${fence}`],
    ["an end with a word", `${fence}\nx\n${fence}js\n${fence}\n#12\n${fence}`],
    ["a fence in a list", `- x\n  ${fence}\n#12\n  ${fence}`],
    ["a fence in a quote", `> ${fence}\n#12\n> ${fence}`],
    ["tildes around", `~~~\n${fence}\n~~~\n#12\n~~~\n${fence}\n~~~`],
    ["HTML around", `<div>\n${fence}\n#12\n${fence}\n</div>`],
    ["a comment around", `<!--\n${fence}\n-->\n#12\n<!--\n${fence}\n-->`],
    ["GitLab's quote around", `>>>\n${fence}\n>>>\n#12\n>>>\n${fence}\n>>>`],
    ["front matter around", `---\n${fence}\n---\n#12\n\n${fence}\n`],
    ["front matter below", `coding: x\n---\n${fence}\n---\n#12\n\n${fence}\n`],
    ["GitLab's table", `${fence}json:table\n{"markdown":true,"items":[{"a":"#12"}]}\n${fence}`],
    ["JavaScript's own line", `x\u2028${fence}\n#12\n${fence}\n${fence}`],
    ["inline words behind a fence", `${fence} \`#12\` ${fence}`],
    ["an escaped backtick", "\\`#12`"],
    ["a backtick that is alone", "a ` b\n\nc `#12"],
    ["two of them", "``x`y`` #12 `"],
    ["an odd line", "`a\nb` #12 `c` d"],
    ["a table's cells", "` | a ` b `#12` |"],
    ["a link's address", "[a](`) #12 `"],
    ["a link's address on the next line", "[a](\n`) #12 `"],
    ["a footnote's name", "[^`]: `a` #12 `"],
    ["an address", "http://a.example/` `x` #12 `"],
    ["GitLab's math", "$`$ #12 `x"],
    ["a tag", '<a title="`">#12</a> `'],
    ["an autolink", "<http://a.example/`> #12 `"],
  ];
  for (const [name, said] of smuggled) {
    it(`is none in doubt: ${name}`, () => {
      const shown = withoutEchoes(said);
      assertEquals(shown.replace("#\u200B12", ""), said.replace("#12", ""));
    });
  }

  it("takes linear time to find, whatever is said", () => {
    for (const unit of ["```\n", "`", "\n", " ", "> ", "`a` ", "\n \n", "coding:", "[`"]) {
      const said = unit.repeat(200_000 / unit.length);
      assertEquals(withoutEchoes(said).length, said.length);
    }
  });
});
