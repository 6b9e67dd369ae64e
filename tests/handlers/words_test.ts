import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import { call, finish, openStage, type Stage } from "../agent/stage.ts";
import type { Asked, Say } from "../fakes/server.ts";
import { openOtto, type Otto } from "../otto.ts";
import { until } from "../servers/wait.ts";

const HTML = { accept: "text/html,application/xhtml+xml" };
/** More pages than a small Otto has. */
const MOST_PAGES = 400;

const MARKDOWN =
  "# Found\n\nIt is **bad** and *new*, see `log` and [the page](https://example.com/x).\n\n" +
  "| What | Where |\n|:---|---:|\n| crash | start |\n\n- one\n- two\n\n```\ncode | code\n```\n";

const NOUNS = "answer|approval|attempt|byte|call|character|day|delivery|deliveries|event|failure|" +
  "field|header|hour|line|message|minute|notification|page|person|question|refusal|replay|row|run|" +
  "secret|second|source|step|task|time|token|try|tries|webhook|worker";

/** What no page may say to people, and what is wrong with it. */
const WRONG: [what: string, pattern: RegExp][] = [
  ["one of them with an s", new RegExp(`(?<![\\d.,:/-])1 (?:model )?(?:${NOUNS})s\\b`)],
  ["tries of one", /(?<![\d.,:/-])1 (?:tries|deliveries|people)\b/],
  ["several without an s", new RegExp(`(?<![\\d.,:/-])[02] (?:${NOUNS})(?! of| in the|s)\\b`)],
  ["a pipe", /(?:^|\s)\|(?:\s|$)|\|-/],
  ["raw Markdown", /\*\*|```|\]\(http|(?:^|\s)#{1,6} \p{L}|(?<=\s)[*_]\p{L}+[*_](?=\s)/u],
  ["a mark of code", /`/],
  ["a value of the program", /\bundefined\b|\bNaN\b|\[object /],
];

/** What people read of a page: not its code. */
function readable(html: string): string {
  return html
    .replaceAll(/<(script|style|pre|code|svg|textarea)\b[\s\S]*?<\/\1>/g, " ")
    .replaceAll(/<(?:option|li|p|td|th|dt|dd|h\d|tr|div|section|summary|a|button)\b[^>]*>/g, " \n ")
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

/** All pages that a person comes to by links, as text. */
async function walk({ ask }: Pick<Otto, "ask">): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  const waiting = ["/", "/messages", "/tasks", "/sources", "/users", "/system", "/docs"];
  while (waiting.length > 0 && pages.size < MOST_PAGES) {
    const path = waiting.shift()!;
    if (pages.has(path)) continue;
    const answer = await ask(path, { headers: HTML });
    if (!answer.headers.get("content-type")?.startsWith("text/html")) {
      await answer.body?.cancel();
      continue;
    }
    const html = await answer.text();
    assertEquals(answer.status, 200, `${path} is linked`);
    pages.set(path, readable(html));
    for (const [, link] of html.matchAll(/href="(\/[^"#]*)/g)) {
      const next = link.replaceAll("&amp;", "&");
      // The senders' pages are alike.
      if (/^\/(api|static|webhook|openapi)/.test(next)) continue;
      if (next.startsWith("/sources/") && !/\/(github|generic|demo|stripe)$/.test(next)) continue;
      waiting.push(next);
    }
  }
  return pages;
}

function wrongIn(pages: ReadonlyMap<string, string>): string[] {
  return [...pages].flatMap(([path, text]) =>
    WRONG.flatMap(([what, pattern]) => {
      const at = text.search(pattern);
      return at < 0 ? [] : [
        `${path} has ${what}: …${
          text.slice(Math.max(0, at - 40), at + 60).replaceAll(/\s+/g, " ")
        }…`,
      ];
    })
  );
}

/** What the model does, by the issue that it is asked about. */
function say({ text, body }: Asked): Say {
  if (text.includes("ask me")) return call("ask_human", { question: MARKDOWN });
  if (text.includes("fail now")) return finish(MARKDOWN, "failed");
  if (text.includes("approve it")) {
    return call("notify", { destination: "web:web", text: "Somebody should look" });
  }
  const turns = body.messages.filter(({ role }: { role: string }) => role === "assistant").length;
  return turns > 0
    ? finish(MARKDOWN)
    : { text: MARKDOWN, calls: [{ tool: "get_payload", args: { path: "issue.title" } }] };
}

const RULES = {
  sources: {
    github: {
      tools: ["get_payload", "notify", "ask_human", "finish"],
      approve: ["notify"],
      notify: ["web:web"],
    },
  },
};

/** As much of everything as the number says. */
async function fill(stage: Stage, number: number): Promise<void> {
  stage.fake.script = [say];
  for (let at = 0; at < number; at++) {
    for (const title of ["It crashes", "ask me", "fail now", "approve it"]) {
      await stage.signed({
        action: "opened",
        issue: { number: at + 1, title, body: "On start" },
        repository: { full_name: "o/r" },
        sender: { login: "ada" },
      });
    }
    await stage.unsigned({ title: "Sofa", number: at });
    const refused = await stage.otto.ask("/webhook/github", {
      method: "POST",
      body: JSON.stringify({ at }),
      headers: { "content-type": "application/json", "x-hub-signature-256": "sha256=00" },
    });
    assertEquals(refused.status, 401);
    await refused.body?.cancel();
  }
  await drain(stage.otto.services, { maxMs: 20_000, maxItems: 100 });
}

describe("what pages say", () => {
  for (const number of [0, 1, 2]) {
    it(`is English, of ${number} of everything, and never raw`, async () => {
      await using stage = await openStage(RULES);
      await fill(stage, number);
      const pages = await walk(stage.otto);
      assert(pages.size > 10 + number * 5, `${pages.size} pages`);
      assertEquals(wrongIn(pages), []);
    });
  }

  it("finds what would be wrong", () => {
    for (
      const text of [
        "1 messages",
        "2 task",
        "| What | Where |",
        "It is **bad**",
        "see [it](https://x.y)",
        "undefined",
        "# Found",
        "the `log`",
      ]
    ) {
      assertEquals(wrongIn(new Map([["/", `It has ${text} here`]])).length, 1, text);
    }
    assertEquals(wrongIn(new Map([["/", "1 message, 2 tasks, 101 tasks, 1.2 s, #7 opened"]])), []);
  });
});

describe("a source's badge", () => {
  it("does not say verified while it refuses", async () => {
    await using stage = await openStage({});
    const badge = async () =>
      /id="trust"[^>]*>([\s\S]*?)<\/p>/.exec(
        await (await stage.otto.ask("/sources/github", { headers: HTML })).text(),
      )![1].replaceAll(/<[^>]*>|\s+/g, " ").trim();
    assertEquals(await badge(), "verified");
    await (await stage.otto.ask("/webhook/github", {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json", "x-hub-signature-256": "sha256=00" },
    })).body?.cancel();
    await until(async () => (await badge()).startsWith("refusing"), {
      what: "the badge that says so",
    });
    await stage.signed({ action: "opened" });
    await until(async () => await badge() === "verified", { what: "the badge as it was" });
  });
});

describe("what is not there", () => {
  it("is said in people's words, with where to look", async () => {
    await using otto = await openOtto({});
    const id = "0190a5b4-0000-7000-8000-000000000000";
    for (
      const [path, heading, ways] of [
        [`/tasks/${id}`, "This task is not here", ["/tasks", "Search tasks"]],
        [`/messages/${id}`, "This message is not here", ["/messages", "Search messages"]],
        ["/sources/nobody+here", "This source is not here", ["/sources"]],
        ["/nowhere", "There is no page here", []],
      ] as const
    ) {
      const answer = await otto.ask(path, { headers: HTML });
      const html = await answer.text();
      assertEquals(answer.status, 404, path);
      assertStringIncludes(html, heading);
      assertStringIncludes(html, path);
      assertMatch(html, /href="\/">Back to Live/);
      for (const way of ways) assertStringIncludes(html, way);
      assert(!/\/api\/|RETENTION_DAYS|openapi\.json<\/|POST /.test(readable(html)), path);
    }
    // A program hears what it heard before.
    const { error } = await otto.get("/nowhere", 404);
    assertEquals(error.code, "no_such_page");
  });

  it("shows a hostile path as text, and not all of a long one", async () => {
    await using otto = await openOtto({});
    for (
      const path of ["/<script>hacked=1</script>", "/%3Cimg%20src=x%3E", `/${"a".repeat(5_000)}`]
    ) {
      const answer = await otto.ask(path, { headers: HTML });
      const html = await answer.text();
      assertEquals(answer.status, 404);
      assert(!html.includes("<script>hacked") && !html.includes("<img src=x"));
      assert(!html.includes("a".repeat(300)));
    }
  });
});
