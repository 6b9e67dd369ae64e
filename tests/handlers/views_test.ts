import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { barChart } from "../../handlers/views/parts/chart.ts";
import { curlOf } from "../../handlers/views/parts/curl.ts";
import { said } from "../../handlers/views/task/event_words.ts";
import { ownPath } from "../../handlers/pages/form.ts";
import { jsonTree } from "../../handlers/views/parts/json_tree.ts";
import { markdown } from "../../handlers/views/parts/markdown.ts";
import { spansOf } from "../../handlers/views/task/spans.ts";
import { firstLine } from "../../lib/markdown/plain.ts";
import type { Task, TaskEvent } from "../../lib/task/task.ts";

/** The HTML without the spaces between elements. */
const plain = (made: unknown) => String(made).replace(/\s+/g, " ").replace(/> </g, "><").trim();

describe("a result's Markdown", () => {
  const inside = (text: string) =>
    plain(markdown(text)).replace(/^<div class="markdown" dir="auto">(.*)<\/div>$/, "$1");

  it("shows where a link leads, whichever way a text turns round", () => {
    const shown = inside("\u202e[\u202emoc.knab](https://evil.example/) https://evil.example/x");
    const links = shown.match(/<a [^]*?<\/a>/g) ?? [];
    assertEquals(links.length, 2);
    // What an attribute of direction and <bdi> enclose is turned by itself alone.
    for (const link of links) assertMatch(link, /^<a [^>]*dir="auto"/);
    assertStringIncludes(links[0] ?? "", "<bdi>\u202emoc.knab</bdi><span");
  });

  it("has headings, lists, quotes, code and emphasis", () => {
    assertEquals(
      inside("# A\n\nb **c** _d_ `e`"),
      "<h3>A</h3><p>b <strong>c</strong><em>d</em><code>e</code></p>",
    );
    assertEquals(inside("- a\n- b"), "<ul><li>a</li><li>b</li></ul>");
    assertEquals(inside("1. a\n2. b"), "<ol><li>a</li><li>b</li></ol>");
    assertEquals(inside("- a\n  - b"), "<ul><li>a<ul><li>b</li></ul></li></ul>");
    assertStringIncludes(inside("> a"), "<blockquote><p>a</p></blockquote>");
    assertStringIncludes(inside("````text\n```\n<b>\n````\nafter"), "<code>``` &lt;b&gt;</code>");
    assertEquals(inside("a\nb"), "<p>a<br>b</p>");
    assertEquals(inside("***a***"), "<p><strong><em>a</em></strong></p>");
    assertEquals(inside("- [x] a\n- [ ] b"), "<ul><li>☑ a</li><li>☐ b</li></ul>");
    assertEquals(inside("3. a\n4. b"), '<ol start="3"><li>a</li><li>b</li></ol>');
    assertEquals(
      inside("__a__ ~~b~~ snake__case__name"),
      "<p><strong>a</strong><del>b</del> snake__case__name</p>",
    );
    assertStringIncludes(
      inside('    {"a": "*b*"}\n\n      c\n\nd'),
      "<code>{&quot;a&quot;: &quot;*b*&quot;} c</code></pre><p>d</p>",
    );
    assertEquals(inside("\\*a\\* \\[b\\]\\(c\\)"), "<p>*a* [b](c)</p>");
  });

  // The cases are those of GitHub's specification: github.github.com/gfm/#tables-extension-.
  it("has tables", () => {
    const cells = (text: string) =>
      [...inside(text).matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
        [...row.matchAll(/<t([hd])[^>]*>(.*?)<\/t[hd]>/g)].map(([, kind, cell]) =>
          `${kind} ${cell}`
        )
      );
    assertEquals(cells("| foo | bar |\n| --- | --- |\n| baz | bim |"), [
      ["h foo", "h bar"],
      ["d baz", "d bim"],
    ]);
    const aligned = inside("| abc | defghi |\n:-: | -----------:\nbar | baz");
    assertStringIncludes(aligned, '<th scope="col" class="center">abc</th>');
    assertStringIncludes(aligned, '<td class="right">baz</td>');
    assertEquals(cells("| f\\|oo  |\n| ------ |\n| b `\\|` az |\n| b **\\|** im |").flat(), [
      "h f|oo",
      "d b <code>|</code> az",
      "d b <strong>|</strong> im",
    ]);
    assertStringIncludes(
      inside("| abc | def |\n| --- | --- |\n| bar | baz |\n> bar"),
      "</table></div><blockquote><p>bar</p></blockquote>",
    );
    assertStringIncludes(
      inside("| abc | def |\n| --- | --- |\n| bar | baz |\nbar\n\nbar"),
      '<td class="">bar</td><td colspan="1"></td></tr></tbody></table></div><p>bar</p>',
    );
    assertEquals(
      inside("| abc | def |\n| --- |\n| bar |"),
      "<p>| abc | def |<br>| --- |<br>| bar |</p>",
    );
    assertEquals(cells("| abc | def |\n| --- | --- |\n| bar |\n| bar | baz | boo |"), [
      ["h abc", "h def"],
      ["d bar", "d "],
      ["d bar", "d baz"],
    ]);
    assertEquals(cells("before\na|b\n-|-"), [["h a", "h b"]]);
    assertStringIncludes(inside("- a\n  x|y\n  -|-\n  1|2"), "<li>a <div");
    assertEquals(cells("<b>|[a](javascript:alert(1))\n-|-\n"), [
      ["h &lt;b&gt;", "h [a](javascript:alert(1))"],
    ]);
  });

  it("is as long as it is, however many cells a table says to have", () => {
    const short = `${"a|".repeat(50)}\n${"-|".repeat(50)}\n${"a\n".repeat(25_000)}`;
    assert(inside(short).length < 40 * short.length);
    assert(!inside(`${"a|".repeat(51)}\n${"-|".repeat(51)}`).includes("<table"));
    assert(!inside(`${"|".repeat(30_000)}\n${"-|".repeat(15_000)}`).includes("<table"));
  });

  it("leads where a URL with an underscore or parentheses leads, and leaves no space behind it", () => {
    assertStringIncludes(inside("(https://a.example/b_c)."), 'href="https://a.example/b_c"');
    assertStringIncludes(inside("see https://a.example/b."), "</span></a>.");
    assertStringIncludes(inside("[a](https://a.example/b_(c))."), 'href="https://a.example/b_(c)"');
    assertStringIncludes(inside("_https://a.example/b_"), 'href="https://a.example/b"');
  });

  it("is told in one line where there is no room for more", () => {
    assertEquals(firstLine("\n## I have **told** `ada`\n\nMore"), "I have told ada");
    assertEquals(firstLine("- see [the docs](https://example.com/x), ![a](b)"), "see the docs, a");
    assertEquals(firstLine("---\n\n> x < y"), "x < y");
    assertEquals(firstLine(""), "");
    assertEquals(firstLine("## a\\_b \\[c\\]"), "a_b [c]");
    assertEquals(firstLine("| a | b |\n|---|---|\n| c | d |"), "a · b");
    assertEquals(firstLine("😀a".repeat(9_000)).length, 401);
  });

  it("lets no HTML through, and no image", () => {
    assertEquals(inside("<script>x</script>"), "<p>&lt;script&gt;x&lt;/script&gt;</p>");
    assertEquals(
      inside("`<img>` **<b>**"),
      "<p><code>&lt;img&gt;</code><strong>&lt;b&gt;</strong></p>",
    );
    const image = inside("![a cat](https://evil.example.com/cat.png)");
    assert(!image.includes("<img"), image);
    assertStringIncludes(image, "(evil.example.com)");
  });

  it("says where a link leads, whatever its words say, and leads nowhere but to the web", () => {
    const link = inside("[https://bank.example](https://evil.example/x?a=1&b=2)");
    assertStringIncludes(link, 'href="https://evil.example/x?a=1&amp;b=2"');
    assertStringIncludes(link, "(evil.example)");
    assertStringIncludes(link, 'rel="noreferrer noopener"');
    for (const target of ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/tasks"]) {
      assert(!inside(`[a](${target})`).includes("<a "), target);
    }
    assert(!inside("<javascript:alert(1)>").includes("<a "));
    assert(!inside("[a](https://me:pw@evil.example)").includes("<a "));
    assertStringIncludes(inside("see https://a.example/b."), ">https://a.example/b<");
  });

  it("ends soon, whatever it is given", () => {
    const nasty = ["*", "_", "`", "[", "](", "> ", "- ", "  - ", "**a", "![[", "<https:", "#"];
    const started = performance.now();
    for (const each of nasty) markdown(each.repeat(30_000));
    for (const each of nasty) firstLine(`${each}a`.repeat(30_000));
    for (const each of nasty) markdown(`${each}\n`.repeat(5_000));
    // A pattern that runs away takes minutes, not seconds.
    assert(performance.now() - started < 60_000);
  });
});

describe("a message as a command", () => {
  const curl = (body: string, headers: Record<string, string> = {}) =>
    curlOf({
      id: "the-id",
      url: "https://otto.example/webhook/demo?token=hush&a=1",
      headers: new Headers(headers),
      body: new TextEncoder().encode(body),
    });

  it("is one that a shell takes word by word", async () => {
    const body = `{"a": "it's $HOME \`id\` \\\\ \\"x\\"\\n!"}`;
    const command = curl(body, { "content-type": "application/json", "x-odd": "a'b;c" });
    const script = command.replace("curl -X POST", "printf '%s\\0' ");
    const { stdout } = await new Deno.Command("bash", { args: ["-c", script] }).output();
    const words = new TextDecoder().decode(stdout).split("\0");
    assertEquals(words.slice(1, -1), [
      "-H",
      "content-type: application/json",
      "-H",
      "x-odd: a'b;c",
      "--data-binary",
      body,
    ]);
  });

  it("has no secret in it, and says which headers it leaves out", () => {
    const command = curl("{}", {
      authorization: "Bearer hush",
      "x-hub-signature-256": "sha256=hush",
      cookie: "hush",
    });
    assert(!command.includes("hush"), command);
    assertStringIncludes(command, "x-hub-signature-256");
  });

  it("takes a body from a file that is long, binary, or speaks to the terminal", () => {
    for (const body of ["x".repeat(20_000), "\x1b[201~ rm", "a\0b", "\u202eabc", "a\rb"]) {
      assertStringIncludes(curl(body), "--data-binary @the-id.bin");
    }
  });
});

describe("a payload's tree", () => {
  it("is cut where it has too many values, or one too long", () => {
    const tree = plain(jsonTree(Array.from({ length: 100_000 }, (_, i) => i)));
    assert(tree.length < 100_000);
    assertStringIncludes(tree, "Only the first 600 values are drawn");
    assert(plain(jsonTree({ a: "x".repeat(1_000_000) })).length < 5_000);
  });

  it("is cut where it is too deep", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 500; i++) deep = [deep];
    assertStringIncludes(plain(jsonTree(deep)), "deeper than is drawn");
  });

  it("shows names and values as text", () => {
    const tree = plain(jsonTree({ "<b>": "<i>", n: null, e: {}, t: true }));
    assertStringIncludes(tree, "&lt;b&gt;");
    assert(!tree.includes("<i>"));
  });
});

describe("the waterfall", () => {
  const start = Date.UTC(2026, 0, 1);
  const event = (kind: string, seconds: number, data: unknown = {}): TaskEvent => ({
    id: `${kind}${seconds}`,
    task_id: "t",
    at: new Date(start + seconds * 1_000),
    kind,
    actor: "model",
    content: null,
    data,
  });
  const task = (finished?: number) =>
    ({ finished_at: finished === undefined ? null : new Date(start + finished * 1_000) }) as Task;
  const spans = (events: TaskEvent[], finished?: number) =>
    spansOf(task(finished), events, start + 100_000).map((
      { what, kind, from, to, open, verdict },
    ) =>
      [what, kind, (from - start) / 1_000, (to - start) / 1_000, open ?? false, verdict] as const
    );

  it("has a model's steps end where they were told of, and calls last until their result", () => {
    assertEquals(
      spans([
        event("created", 0),
        event("started", 2),
        event("step", 5, { step: 1, ms: 2_000 }),
        event("tool_call", 5, { tool: "get_payload", verdict: "allow" }),
        event("tool_result", 6, { tool: "get_payload" }),
        event("tool_denied", 7, { tool: "delete_all", rule: "unknown_tool" }),
        event("completed", 9),
      ], 9),
      [
        ["Waiting for a worker", "wait", 0, 2, false, undefined],
        ["Agent started", "mark", 2, 2, false, undefined],
        ["Model step 1", "step", 3, 5, false, undefined],
        ["get_payload", "tool", 5, 6, false, "allow"],
        ["delete_all", "tool", 7, 7, false, "deny"],
        ["Done", "mark", 9, 9, false, undefined],
      ],
    );
  });

  it("shows one wait for a person, which goes on until they have decided", () => {
    const asked = [
      event("approval_requested", 1, { tool: "notify" }),
      event("waiting_input", 1.01, { question: "May I?" }),
    ];
    assertEquals(spans(asked), [["Asks to call notify", "person", 1, 100, true, "ask"]]);
    const decided = spans([...asked, event("approved", 11, { tool: "notify" })]);
    assertEquals(decided[0], ["Asks to call notify", "person", 1, 11, false, "ask"]);
  });

  it("shows that the agent is at work, before it has told of a step", () => {
    const running = { status: "running", started_at: new Date(start), finished_at: null } as Task;
    const at = (events: TaskEvent[]) =>
      spansOf(running, events, start + 9_000).map(({ what, from, open }) => [what, from, open]);
    const begun = [event("created", 0), event("started", 2)];
    assertEquals(at(begun).at(-1), ["At work", start + 2_000, true]);
    const called = at([...begun, event("tool_call", 5, { tool: "notify" })]);
    assertEquals(called.at(-1), ["notify", start + 5_000, true]);
  });

  it("has words for an entry of any kind, whatever its data", () => {
    for (const data of [null, [], 7, "x", { tool: 7 }, { reason: {} }]) {
      for (const kind of ["tool_call", "step", "something_new"]) {
        assert(said({ kind, data }).what.length > 0);
      }
    }
  });
});

describe("a chart", () => {
  it("says its numbers in words, too", () => {
    const chart = plain(barChart({
      title: "Received",
      series: [{ name: "messages", tone: "main", values: [0, 3, 1] }],
      unit: String,
      ticks: ["then", "now"],
      says: (index) => `hour ${index}`,
      empty: "Nothing.",
    }));
    assertStringIncludes(chart, 'aria-label="Received. messages: 4"');
    assertStringIncludes(chart, "<title>hour 1: 3 messages</title>");
  });
});

describe("the way back after a form", () => {
  it("is a path of ours, or the one given instead", () => {
    for (const path of ["/", "/messages?q=a%20b", "/tasks/1#x"]) {
      assertEquals(ownPath(path, "/no"), path);
    }
    for (
      const path of ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\nb", null]
    ) {
      assertEquals(ownPath(path, "/no"), "/no");
    }
  });
});
