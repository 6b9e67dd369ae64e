import { assert, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { digestAgent } from "../../lib/agent/digest.ts";
import type { Assignment } from "../../lib/agent/agent.ts";

const assignment = (described: Partial<Assignment["described"]>): Assignment => ({
  taskId: "t",
  epoch: 1,
  title: described.title ?? "octocat pushed 2 commits to main",
  description: "Process GitHub push",
  source: "github",
  webhookType: "github",
  described: { title: "t", description: "d", ...described },
  loadPayload: () => Promise.resolve({}),
  verified: false,
  fromHere: false,
  receivedAt: new Date("2026-01-02T03:04:05Z"),
});
async function digest(described: Partial<Assignment["described"]>): Promise<string> {
  const outcome = await digestAgent.run(assignment(described), new AbortController().signal);
  assert(outcome.status === "completed");
  return outcome.text;
}

describe("the digest", () => {
  it("says what happened, who did it, where, and what they wrote", async () => {
    const text = await digest({
      event: "push",
      actor: "octocat",
      link: "https://github.com/o/r/compare/1...2",
      fields: { repository: "o/r", branch: "main" },
      text: "Fix the bug\n\nAnd another",
    });
    for (
      const part of [
        "octocat pushed 2 commits to main",
        "github (push)",
        "<https://github.com/o/r/compare/1...2>",
        "**branch:** main",
        "Fix the bug\n\nAnd another",
        "2026-01-02T03:04:05.000Z",
      ]
    ) assertStringIncludes(text, part);
  });

  it("says plainly that no model is configured, and which variables there are", async () => {
    assertMatch(await digest({}), /No model is configured/);
    assertMatch(await digest({}), /OPENAI_API_KEY/);
  });

  it("lets what a sender wrote be nothing but text", async () => {
    const text = await digest({
      title: "[Click](https://evil.example) ![x](https://evil.example/p.png) # <b>",
      text: "```\n# out of the fence\n````",
    });
    assert(!/(^|[^\\])\]\(/.test(text), text);
    assertStringIncludes(text, "`````text\n```");
  });
});
