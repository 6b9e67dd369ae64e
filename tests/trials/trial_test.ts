import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { ConfigError } from "../../lib/config/config.ts";
import { drain } from "../../lib/work/drain.ts";
import { createWorker } from "../../lib/work/work.ts";
import {
  type Any,
  call,
  eventsOf,
  finish,
  issue,
  JSON_TYPE,
  KEY,
  openStage,
  type Stage,
} from "../agent/stage.ts";
import { startMcp } from "../fakes/mcp.ts";
import { GITHUB_TOKEN } from "../fakes/vendors/github.ts";
import { startVendors } from "../fakes/vendors/vendors.ts";
import { json, openOtto } from "../otto.ts";
import { until } from "../servers/mod.ts";

const WITHOUT = "Label the issue and say who should look at it.";

describe("a trial of a kept message", () => {
  let stage: Stage;
  let task: Any;
  let message: string;

  async function open(rules: unknown = {}, env: Record<string, string> = {}): Promise<void> {
    stage = await openStage(rules, env);
    stage.fake.script = [finish("It crashes on start.")];
    task = await stage.task(await stage.signed(issue));
    message = task.message_id;
    stage.fake.asked.length = 0;
  }
  beforeEach(() => open());
  afterEach(() => stage[Symbol.asyncDispose]());

  const work = () => drain(stage.otto.services, { maxMs: 20_000 });
  const get = (path: string, status?: number) => stage.otto.get(path, status);
  const begin = (order: unknown = {}, status = 201) =>
    stage.post(`/api/messages/${message}/try`, order, status);
  const trial = (id: string) => get(`/api/trials/${id}`);
  async function count(table: string): Promise<number> {
    const [{ n }] = await stage.otto.services.database.query(
      "count rows",
      (sql) => sql<{ n: number }[]>`select count(*)::int as n from ${sql(table)}`,
    );
    return n;
  }

  it("gives it to the model once more, with another instruction", async () => {
    const { id, status } = await begin({ instruction: WITHOUT });
    assertEquals([status, stage.fake.asked.length], ["pending", 0], "it runs in a worker");
    stage.fake.script = [finish("For **ada**.")];
    await work();
    const done = await trial(id);
    assertEquals([done.status, done.result.text, done.error], ["completed", "For **ada**.", null]);
    assertEquals([done.model, done.message_id, done.source], [
      "openai/gpt-5-mini",
      message,
      "github",
    ]);
    const [{ body }] = stage.fake.asked;
    assert(body.messages[0].content.includes(WITHOUT));
    assert(body.messages[1].content.includes("It crashes"), "the message is what it was");
    const { items } = await get(`/api/messages/${message}/trials`);
    assertEquals(items.map((each: Any) => each.id), [id]);
  });

  it("has the source's own instruction where none is given, and none where it is empty", async () => {
    await stage[Symbol.asyncDispose]();
    await open({ default: { instruction: "Be the house's own." } });
    stage.fake.script = [finish("Done.")];
    await begin();
    await begin({ instruction: "" });
    await work();
    const had = stage.fake.asked.map(({ body }) =>
      body.messages[0].content.includes("Be the house's own.")
    );
    assertEquals(had.sort(), [false, true]);
  });

  it("may list what came about the same, as the message's task may", async () => {
    await stage[Symbol.asyncDispose]();
    await open({ default: { tools: ["list_subject"] } });
    stage.fake.script = [call("list_subject", {}), finish("Listed.")];
    const { id } = await begin();
    await work();
    const { events } = await get(`/api/trials/${id}`);
    const listed = events.find(({ kind, data }: Any) =>
      kind === "tool_result" && data.tool === "list_subject"
    );
    assertMatch(listed.content, /It crashes/);
  });

  it("has no effect, whatever the model does", async () => {
    await stage[Symbol.asyncDispose]();
    await using vendors = await startVendors();
    await using mcp = startMcp(
      ["read", "post"].map((name) => ({
        name,
        description: name,
        inputSchema: { type: "object", properties: {} },
      })),
    );
    await open({
      sources: {
        github: {
          tools: [
            "add_note",
            "set_title",
            "reassign_task",
            "notify",
            "reply",
            "ask_human",
            "wait_for_event",
            "desk__read",
            "desk__post",
          ],
          approve: ["desk__read"],
        },
      },
      mcp_tools: {
        desk__read: { reads: "public", effect: "none" },
        desk__post: { reads: "public", effect: "external" },
      },
    }, {
      REPLY_TOKEN_GITHUB: GITHUB_TOKEN,
      GITHUB_API_URL: vendors.url,
      MCP_CONFIG_JSON: JSON.stringify({ mcpServers: { desk: { url: mcp.url } } }),
    });
    const before = {
      task: await stage.task(task.id),
      message: await get(`/api/messages/${message}`),
      tables: await tables(),
      stats: await counted(),
    };
    stage.fake.script = [{
      calls: [
        { tool: "set_title", args: { title: "Taken over" } },
        { tool: "add_note", args: { text: "I was here" } },
        { tool: "reassign_task", args: { email: "webhook@otto.local", reason: "x" } },
        { tool: "notify", args: { destination: "web:web", text: "hello" } },
        { tool: "reply", args: { text: "We look at it." } },
        { tool: "desk__post", args: {} },
        { tool: "desk__read", args: {} },
        { tool: "ask_human", args: { question: "May I?" } },
        { tool: "wait_for_event", args: { events: [], minutes: 5 } },
        { tool: "get_payload", args: { path: "issue.title" } },
      ],
    }, finish("All done, I would say.")];
    const { id } = await begin({ instruction: "Do all of it." });
    await work();

    const done = await trial(id);
    assertEquals([done.status, done.error], ["completed", null]);
    const denied = eventsOf(done, "tool_denied").map(({ data }) => [data.tool, data.rule]);
    assertEquals(denied, [
      ["set_title", "observe"],
      ["add_note", "observe"],
      ["reassign_task", denied[2][1]],
      ["notify", "observe"],
      ["reply", "observe"],
      ["desk__post", "observe"],
      ["desk__read", "unattended"],
      ["ask_human", "observe"],
      ["wait_for_event", "observe"],
    ]);
    assertEquals(
      eventsOf(done, "tool_denied")[0].data.arguments,
      { title: "Taken over" },
      "it says what would have been done",
    );
    assertEquals(eventsOf(done, "tool_call").map(({ data }) => data.tool), [
      "get_payload",
      "finish",
    ]);
    assertEquals(mcp.called, []);
    assertEquals(vendors.calls ?? [], []);
    assertEquals(await stage.task(task.id), before.task);
    assertEquals(await get(`/api/messages/${message}`), before.message);
    assertEquals(await tables(), before.tables, "nothing was made");
    assertEquals(await counted(), before.stats);
  });

  /** How many rows there are of what a task would have made. */
  async function tables() {
    const names = ["messages", "tasks", "task_events", "notifications", "agent_calls", "approvals"];
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await count(name)])),
    );
  }

  async function counted() {
    const { messages, failed_tasks, dead_notifications } = await get("/webhook/stats");
    const { items } = await get("/api/tasks");
    return { messages, failed_tasks, dead_notifications, tasks: items.length };
  }

  it("that fails is told of nowhere but here", async () => {
    const before = await counted();
    const told = await count("notifications");
    const { id } = await begin();
    stage.fake.script = [finish("I cannot.", "failed")];
    await work();
    const { status, error, result } = await trial(id);
    assertEquals([status, error, result], [
      "failed",
      { code: "agent_failed", message: "I cannot." },
      null,
    ]);
    assertEquals(await counted(), before);
    assertEquals(await count("notifications"), told);
    const { items } = await get("/api/needs");
    assertEquals(items ?? [], []);
  });

  it("can have another model of the provider, and no other", async () => {
    await stage[Symbol.asyncDispose]();
    await open({}, {
      AGENT_TRIAL_MODELS: "gpt-5-nano",
      AGENT_PRICES: JSON.stringify({
        "openai/gpt-5": { input: 1, output: 10 },
        "anthropic/claude-sonnet-5-5": { input: 3, output: 15 },
      }),
    });
    stage.fake.script = [finish("Done.")];
    for (const model of ["openai/gpt-5-nano", "gpt-5", undefined]) await begin({ model });
    await work();
    assertEquals(stage.fake.asked.map(({ body }) => body.model).sort(), [
      "gpt-5",
      "gpt-5-mini",
      "gpt-5-nano",
    ]);
    const { error } = await begin({ model: "anthropic/claude-sonnet-5-5" }, 400);
    assertEquals(error.code, "model_unknown");
    assertMatch(error.hint, /openai\/gpt-5-mini, openai\/gpt-5-nano, openai\/gpt-5:/);
    const { items } = await get(`/api/messages/${message}/trials`);
    const dear = await trial(items.find((each: Any) => each.model === "openai/gpt-5").id);
    assert(eventsOf(dear, "step")[0].data.micros > 0, "its own price counts");
  });

  it("sees only the tools that it is given", async () => {
    stage.fake.script = [finish("Done.")];
    await begin({ tools: ["set_title"] });
    await work();
    const names = stage.fake.asked[0].body.tools.map((tool: Any) => tool.function.name);
    assertEquals(names.sort(), ["finish", "get_payload", "search_payload", "set_title"]);
    const { error } = await begin({ tools: ["launch"] }, 400);
    assertEquals(error.code, "tool_unknown");
  });

  it("is refused where there is no model, no message or none that was let in", async () => {
    await using bare = await openOtto({ GITHUB_WEBHOOK_SECRET: "s3cret-of-ours" });
    const id = await bare.send("demo", '{"title":"x"}', JSON_TYPE);
    const ask = (path: string) =>
      bare.ask(path, { method: "POST", headers: JSON_TYPE, body: "{}" });
    assertEquals((await json(await ask(`/api/messages/${id}/try`), 409)).error.code, "no_model");
    const page = await (await bare.ask(`/messages/${id}/trials`)).text();
    assertMatch(page, /There is no model to try a message with/);
    assert(!page.includes("<textarea"));

    const unknown = "0198c0de-0000-7000-8000-000000000001";
    await stage.post(`/api/messages/${unknown}/try`, {}, 404);
    await get(`/api/trials/${unknown}`, 404);

    const refused = await stage.otto.ask("/webhook/github", {
      method: "POST",
      body: "{}",
      headers: { ...JSON_TYPE, "x-github-event": "ping", "x-hub-signature-256": "sha256=00" },
    });
    assertEquals(refused.status, 401);
    await refused.body?.cancel();
    await stage.otto.services.quarantine.idle();
    const { items: [{ message_id }] } = await get("/api/messages?phase=refused");
    const { error } = await stage.post(`/api/messages/${message_id}/try`, {}, 409);
    assertEquals(error.code, "message_refused");
    const explained = await (await stage.otto.ask(`/messages/${message_id}/trials`)).text();
    assertMatch(explained, /A refused message cannot be tried/);
  });

  it("reads no message that a model may not see", async () => {
    await using open = await openStage({}, {
      HOST: "0.0.0.0",
      ADMIN_TOKEN: "an-admin-token-of-ours",
    });
    const headers = { ...JSON_TYPE, authorization: "Bearer an-admin-token-of-ours" };
    const id = await open.otto.send("demo", '{"title":"x"}', JSON_TYPE);
    await drain(open.otto.services, { maxMs: 20_000 });
    const begun = await json(
      await open.otto.ask(`/api/messages/${id}/try`, { method: "POST", headers, body: "{}" }),
      201,
    );
    await drain(open.otto.services, { maxMs: 20_000 });
    const { status, error } = await json(
      await open.otto.ask(`/api/trials/${begun.id}`, { headers }),
    );
    assertEquals([status, open.fake.asked.length], ["failed", 0]);
    assertMatch(error.message, /no signature vouches/);
  });

  it("keeps secrets to itself", async () => {
    stage.fake.script = [finish(`The key is ${KEY}`)];
    const { id } = await begin({ instruction: `Use ${KEY}` });
    await work();
    const text = JSON.stringify(await trial(id));
    assert(!text.includes(KEY));
    assert(!stage.fake.asked[0].text.includes(KEY));
  });

  it("is cancelled: its call is aborted, and nothing more is asked", async () => {
    const worker = createWorker(stage.otto.services);
    const { id } = await begin();
    stage.fake.script = ["hang"];
    assertEquals(await worker.runTrials(new AbortController().signal), 1);
    await until(() => stage.fake.asked.length === 1, { what: "the model to be asked" });
    assertEquals((await stage.post(`/api/trials/${id}/cancel`, {})).status, "cancelled");
    await worker.beat();
    // The provider never answers: only an aborted call lets its worker go.
    await worker.idle();
    assertEquals(
      [(await trial(id)).status, worker.inHand, stage.fake.asked.length],
      ["cancelled", 0, 1],
    );
    const { error } = await stage.post(`/api/trials/${id}/cancel`, {}, 409);
    assertMatch(error.message, /that is cancelled cannot be cancelled/);
    await worker.stop();
  });

  it("fails when its time is up while its worker waits for the model", async () => {
    const { id } = await begin();
    await stage.otto.services.database.query(
      "leave it a moment",
      (sql) => sql`update trials set deadline_at = now() + interval '1 second' where id = ${id}`,
    );
    stage.fake.script = ["hang"];
    const worker = createWorker(stage.otto.services);
    assertEquals(await worker.runTrials(new AbortController().signal), 1);
    await worker.idle();
    const { status, error } = await trial(id);
    assertEquals([status, error.code, stage.fake.asked.length], ["failed", "too_late", 1]);
  });

  it("fails when its time is up, also where nobody works", async () => {
    const { id } = await begin();
    await stage.otto.services.database.query(
      "let its time run out",
      (sql) => sql`update trials set deadline_at = now() - interval '1 second' where id = ${id}`,
    );
    await work();
    assertEquals(stage.fake.asked.length, 0);
    await createWorker(stage.otto.services).tidy();
    assertEquals((await trial(id)).error.code, "too_late");
  });

  it("waits for a provider that is away, and goes on", async () => {
    stage.fake.script = [{ status: 503 }, finish("Back.")];
    const { id } = await begin();
    await work();
    const { status, waits_for } = await trial(id);
    assertEquals(status, "pending");
    assert(waits_for, "it says what it waits for");
    await stage.otto.services.database.query(
      "let the wait be over",
      (sql) => sql`update trials set not_before = now() where id = ${id}`,
    );
    await work();
    const done = await trial(id);
    assertEquals([done.status, done.result.text, done.waits_for], ["completed", "Back.", null]);
  });

  it("is one of three that are open, and of twenty that are kept", async () => {
    while (await count("trials") < 3) await begin();
    assertEquals((await begin({}, 409)).error.code, "too_many_trials");
    await work();
    const first = await begin();
    await work();
    for (let n = 0; n < 20; n++) {
      await begin();
      await stage.otto.services.database.query(
        "end them",
        (sql) => sql`update trials set status = 'failed', slot = null, finished_at = now()`,
      );
    }
    assert(await count("trials") <= 20);
    await get(`/api/trials/${first.id}`, 404);
  });

  it("goes with its message, and with what that said", async () => {
    await stage[Symbol.asyncDispose]();
    await open({}, { BODY_RETENTION_DAYS: "3" });
    const { id } = await begin({ instruction: "Say it again." });
    await work();
    await stage.otto.services.database.query(
      "age it",
      (sql) => sql`update messages set stored_at = now() - interval '4 days'`,
    );
    await createWorker(stage.otto.services).tidy();
    await get(`/api/trials/${id}`, 404);
    assertEquals((await get(`/api/messages/${message}`)).dropped, true);
    assertEquals((await begin({}, 410)).error.code, "body_dropped");

    const other = await stage.task(await stage.signed(issue));
    message = other.message_id;
    await begin();
    await work();
    const gone = await stage.otto.ask(`/api/messages/${message}`, { method: "DELETE" });
    assertEquals([gone.status, await count("trials")], [204, 0]);
  });

  it("of a message that made no task is one, too", async () => {
    await stage.otto.services.database.query(
      "as if a rule had filtered it",
      (sql) =>
        sql`update messages set state = 'filtered', reason = 'not wanted', task_id = null
        where id = ${message}`,
    );
    stage.fake.script = [finish("Worth a look.")];
    const { id } = await begin();
    await work();
    assertEquals((await trial(id)).result.text, "Worth a look.");
    const page = await (await stage.otto.ask(`/trials/${id}`)).text();
    assertMatch(page, /No task was made of the message: <span dir="auto">not wanted/);
  });

  it("of all of a source's newest messages begins with one request", async () => {
    for (let n = 0; n < 4; n++) await stage.signed({ ...issue, n });
    stage.fake.script = [finish("Tried.")];
    const { batch_id, items } = await stage.post(
      "/api/sources/github/try",
      { instruction: WITHOUT, count: 3 },
      201,
    );
    assertEquals(items.length, 3);
    assert(items.every((each: Any) => each.instruction === WITHOUT && each.batch_id === batch_id));
    const { items: newest } = await get("/api/messages?source=github&limit=3");
    assertEquals(
      items.map((each: Any) => each.message_id),
      newest.map((each: Any) => each.message_id),
    );
    await work();
    for (const { id } of items) assertEquals((await trial(id)).result.text, "Tried.");
    assertEquals(
      (await stage.post("/api/sources/github/try", { count: 21 }, 400)).error.code,
      "bad_request",
    );
    await stage.post("/api/sources/nobody/try", {}, 404);
  });
});

describe("the models to try with", () => {
  it("keep Otto from starting where nobody could pay or ask them", async () => {
    await assertRejects(
      () => openOtto({ AGENT_TRIAL_MODELS: "gpt-5" }),
      ConfigError,
      "AGENT_TRIAL_MODELS: no model is configured",
    );
    await assertRejects(
      async () => {
        await using _ = await openStage({ all_budgets: { money_per_day: 1 } }, {
          AGENT_TRIAL_MODELS: "gpt-5",
          AGENT_PRICES: '{"openai/gpt-5-mini": {"input": 1, "output": 1}}',
        });
      },
      ConfigError,
      'no price of "openai/gpt-5"',
    );
  });
});
