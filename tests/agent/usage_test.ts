import { assert, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { openOtto } from "../otto.ts";
import { finish, issue, openStage, type Stage } from "./stage.ts";

const systemPage = async ({ otto }: Pick<Stage, "otto">): Promise<string> =>
  (await (await otto.ask("/system", { headers: { accept: "text/html" } })).text())
    .replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");

describe("the System page", () => {
  it("says what each source's tasks have used, and what is left of its budgets", async () => {
    await using stage = await openStage({
      sources: { github: { budgets: { tokens_per_day: 1_000, tasks_per_hour: 1 } } },
    });
    stage.fake.script = [finish("Done.")];
    await stage.signed(issue);
    const page = await systemPage(stage);
    assertMatch(page, /Tokens in 24 hours .* GitHub 110 890 1 none: it waits/);
  });

  it("calls nothing fine that has a limit", async () => {
    await using otto = await openOtto({});
    const page = await systemPage({ otto });
    assertMatch(page, /database limited embedded: safe when the process is killed/i);
    assertMatch(page, /model limited no model is configured/i);
    assertMatch(page, /queue \(local\) fine/i);
    assert(page.includes("No model works here"));
  });
});
