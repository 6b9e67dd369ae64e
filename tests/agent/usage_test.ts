import { assert, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { openOtto } from "../otto.ts";
import { eventsOf, finish, issue, openStage, type Stage } from "./stage.ts";

const systemPage = async ({ otto }: Pick<Stage, "otto">): Promise<string> =>
  (await (await otto.ask("/system", { headers: { accept: "text/html" } })).text())
    .replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ");

describe("the System page", () => {
  it("says what each source's tasks have used, and what is left of its budgets", async () => {
    await using stage = await openStage({
      sources: { github: { budgets: { tokens_per_day: 10_000, tasks_per_hour: 1 } } },
    });
    stage.fake.script = [finish("Done.")];
    await stage.signed(issue);
    const page = await systemPage(stage);
    assertMatch(page, /Tokens in 24 hours .* GitHub 110 9,890 1 none: it waits/);
  });

  it("counts sources apart and together, to the hour, as their budgets do", async () => {
    await using stage = await openStage({
      default: { budgets: { tokens_per_day: 10_000, tasks_per_hour: 3 } },
      all_budgets: { tokens_per_day: 15_000, tasks_per_hour: 8 },
    });
    const { database } = stage.otto.services;
    // What was spent in an hour is over when the whole hour is a day ago, at midnight as ever.
    await database.query("spend", (sql) =>
      sql`
      insert into agent_usage (source, hour, tokens, tasks)
      select source, date_trunc('hour', now()) - make_interval(hours => ago), tokens, tasks
      from (values ('github', 0, 100, 1), ('github', 1, 1000, 2), ('github', 24, 2000, 2),
        ('github', 25, 4000, 2), ('stripe', 0, 10, 2), ('stripe', 23, 5000, 3))
        as v(source, ago, tokens, tasks)`);
    await database.query("have a call under way", (sql) =>
      sql`
      insert into budget_reservations (task_id, id, epoch, source, tokens)
      values (gen_random_uuid(), gen_random_uuid(), 1, 'stripe', 500)`);
    const page = await systemPage(stage);
    assertMatch(page, /Stripe 5,010 4,490 2 1 /);
    assertMatch(page, /GitHub 3,100 6,900 1 2 /);
    assertMatch(page, /All sources 8,110 6,390 3 5 /);
    // A task begins as long as there is a place in the hour.
    stage.fake.script = [finish("Done.")];
    await stage.signed(issue);
    await stage.signed(issue);
    const waits = await stage.task(await stage.signed(issue));
    assertMatch(eventsOf(waits, "put_off")[0].data.reason, /3 tasks an hour for github is used up/);
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
