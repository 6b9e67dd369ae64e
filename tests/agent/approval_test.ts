import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { call, eventsOf, finish, issue, openStage } from "./stage.ts";

describe("a call that people are asked about", () => {
  it("shows characters that nobody sees as what they are", async () => {
    await using stage = await openStage({
      sources: { github: { tools: ["set_title"], approve: ["set_title"] } },
    });
    // Read from right to left it would end in "exe.txt"; the tags spell what only a machine reads.
    stage.fake.script = [
      call("set_title", { title: "a\u202etxt.exe\u200b\u2800 \u{e0041}" }),
      finish("Done"),
    ];
    const id = await stage.signed(issue);
    const { question } = await stage.task(id);
    const exact = String.raw`a\u202etxt.exe\u200b\u2800 \udb40\udc41`;
    assertStringIncludes(question, exact);
    for (const path of [`/tasks/${id}`, "/"]) {
      const page = await (await stage.otto.ask(path, { headers: { accept: "text/html" } })).text();
      const [, shown] = /aria-label="Arguments[^>]*>([^<]*)</.exec(page) ?? [];
      assert(shown, `${path} shows no call`);
      assertEquals(
        JSON.parse(shown.replaceAll("&quot;", '"')),
        { title: "a\u202etxt.exe\u200b\u2800 \u{e0041}" },
      );
      assertStringIncludes(shown, exact);
    }
  });

  it("is asked for under the rules, and not under the budgets", async () => {
    const versionUnder = async (rules: Record<string, unknown>) => {
      await using stage = await openStage({
        sources: { github: { tools: ["set_title"], approve: ["set_title"], ...rules } },
      });
      stage.fake.script = [call("set_title", { title: "x" })];
      const [{ data }] = eventsOf(
        await stage.task(await stage.signed(issue)),
        "approval_requested",
      );
      return data.policy;
    };
    const usual = await versionUnder({});
    assertEquals(await versionUnder({ budgets: { tokens: 50_000, tasks_per_hour: 9 } }), usual);
    assertNotEquals(await versionUnder({ instruction: "Be bold." }), usual);
  });
});
