import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createWorker } from "../../lib/work/work.ts";
import { drain } from "../../lib/work/drain.ts";
import { eventsOf, finish, issue, KEY, openStage, type Stage } from "./stage.ts";

const RULES = { sources: { github: { tools: ["get_payload", "ask_human", "finish"] } } };
const HOSTILE = "</pre><script>hacked=1</script><img src=x onerror=hacked=2>\u202e";

const pageOf = async ({ otto }: Stage, id: string): Promise<string> =>
  await (await otto.ask(`/tasks/${id}`)).text();

describe("the trace of a task", () => {
  it("says what the model said and what each tool answered", async () => {
    await using stage = await openStage(RULES);
    stage.fake.script = [
      {
        text: "I look at the **title** first.",
        calls: [{ tool: "get_payload", args: { path: "issue.title" } }],
      },
      finish("| What | Where |\n| --- | --- |\n| crash | start |"),
    ];
    const id = await stage.signed(issue);
    const task = await stage.task(id);
    const [step, last] = eventsOf(task, "step");
    assertEquals([step.content, last.content], ["I look at the **title** first.", null]);
    const [result] = eventsOf(task, "tool_result");
    // The fence is for the model: people see where it came from.
    assertEquals(result.content, '"It crashes"');
    assertEquals(eventsOf(task, "tool_call")[0].content, null);

    const page = await pageOf(stage, id);
    assertStringIncludes(page, "<strong>title</strong>");
    assertMatch(page, /Result<\/p>\s*<pre[^>]*>It crashes<\/pre>/);
    assertMatch(page, /2 model steps, 220 tokens \(200 in, 20 out\)/);
    assertMatch(page, /<td[^>]*>crash<\/td>/);
    assert(page.indexOf('id="outcome"') < page.indexOf('id="steps"'), "the result stands first");
  });

  it("keeps a bounded part of it, without secrets, and shows it as text", async () => {
    await using stage = await openStage(RULES);
    const body = `${HOSTILE} ${KEY} ${"long ".repeat(4_000)}`;
    stage.fake.script = [
      {
        text: `${HOSTILE} ${KEY} ${"w".repeat(20_000)}`,
        calls: [{ tool: "get_payload", args: { path: "issue.body" } }],
      },
      finish("Done."),
    ];
    const id = await stage.signed({ ...issue, issue: { ...issue.issue, body } });
    const task = await stage.task(id);
    for (const { content } of [eventsOf(task, "step")[0], eventsOf(task, "tool_result")[0]]) {
      assert(content.length < 8_100, `${content.length}`);
      assertMatch(content, /\(\d+ more characters\)$/);
      assert(!content.includes(KEY));
    }
    const page = await pageOf(stage, id);
    assert(!page.includes("<script>hacked") && !page.includes("<img src=x"));
    assert(!page.includes(KEY));
    assertMatch(page, /What it said, 8,0\d\d characters/);
  });

  it("shows the runs before, when a person tried again", async () => {
    await using stage = await openStage(RULES);
    stage.fake.script = [
      { text: "The first try.", calls: [{ tool: "get_payload", args: { path: "issue.title" } }] },
      finish("It is too hard", "failed"),
      {
        text: "The second try.",
        calls: [{ tool: "finish", args: { status: "completed", summary: "Easy." } }],
      },
    ];
    const id = await stage.signed(issue);
    await stage.post(`/api/tasks/${id}/retry`, {});
    await drain(stage.otto.services, { maxMs: 20_000, maxItems: 1 });
    const page = await pageOf(stage, id);
    assertMatch(page, /Run 1: failed/);
    assertStringIncludes(page, "It is too hard");
    assert(page.indexOf("The second try.") < page.indexOf("The first try."));
    assertMatch(page, /1 model step, 110 tokens[\s\S]*2 model steps, 220 tokens/);
  });

  it("forgets what repeats a payload when the message's body goes", async () => {
    await using stage = await openStage(RULES, { BODY_RETENTION_DAYS: "3" });
    const secret = "a line of the payload that must go";
    stage.fake.script = [
      {
        text: `It says: ${secret}`,
        calls: [{ tool: "get_payload", args: { path: "issue.body" } }],
      },
      finish("Done."),
    ];
    const id = await stage.signed({ ...issue, issue: { ...issue.issue, body: secret } });
    const { database } = stage.otto.services;
    const rows = async () =>
      JSON.stringify(
        await database.query("look everywhere", (sql) =>
          sql`
            select content as it from task_event_contents
            union all select result::text from agent_calls
            union all select state::text from agent_runs
            union all select data::text from task_events`),
      );
    assertStringIncludes(await rows(), secret);
    await database.query(
      "age it",
      (sql) => sql`update messages set stored_at = now() - interval '4 days'`,
    );
    const remembered = await database.query(
      "keep what the run remembers",
      (sql) => sql<{ state: string }[]>`select state::text from agent_runs`,
    );
    await createWorker(stage.otto.services).tidy();
    assert(!(await rows()).includes(secret));
    // The release before forgot the contents alone: an upgrade forgets the rest.
    await database.query(
      "remember it again",
      (sql) =>
        sql`
        with upgrade as (delete from upgrades where name like '0022%')
        update agent_runs set state = ${remembered[0].state}::text::jsonb`,
    );
    assertStringIncludes(await rows(), secret);
    await stage.otto.services.finishUpgrade();
    assert(!(await rows()).includes(secret));
    const task = await stage.task(id);
    assertEquals(task.result.text, "Done.");
    assertEquals(eventsOf(task, "tool_result")[0].content, null);
    assertMatch(await pageOf(stage, id), /It answered \d+ characters, which are not kept any more/);
  });
});
