import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, afterEach, beforeAll, describe, it } from "@std/testing/bdd";
import { work } from "../../lib/work/work.ts";
import {
  type Any,
  call,
  eventsOf,
  finish,
  issue,
  JSON_TYPE,
  KEY,
  kinds,
  openStage,
  type Stage,
  told,
  toolNames,
} from "./stage.ts";
import { until } from "../servers/wait.ts";

describe("the model's agent", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({
      sources: {
        github: {
          instruction: "Label bugs as urgent",
          tools: ["add_note", "set_title", "reassign_task", "ask_human", "notify"],
        },
      },
    });
  });
  afterAll(() => stage[Symbol.asyncDispose]());
  afterEach(() => {
    stage.fake.asked.length = 0;
  });

  it("reads the message, uses its tools, finishes, and leaves a trace of every step", async () => {
    const { fake } = stage;
    fake.script = [
      call("get_payload", { path: "issue.labels[0].name" }),
      {
        calls: [
          { tool: "search_payload", args: { text: "EVERY" } },
          { tool: "add_note", args: { text: "Looks like a bug" } },
          { tool: "set_title", args: { title: "It crashes on start" } },
        ],
      },
      call("finish", { status: "completed", summary: "A **bug**", details: { kind: "bug" } }),
    ];
    const task = await stage.task(await stage.signed(issue));
    assertEquals([task.status, task.title], ["completed", "It crashes on start"]);
    assertEquals(task.result.text, "A **bug**");
    const { agent, model, steps, input_tokens, details } = task.result.data;
    assertEquals([agent, model, steps, input_tokens, details], [
      "model",
      "openai/gpt-5-mini",
      3,
      300,
      { kind: "bug" },
    ]);
    const [first, second, third] = fake.asked;
    assertStringIncludes(first.body.messages[0].content, "Label bugs as urgent");
    assertStringIncludes(first.body.messages[1].content, "It crashes");
    assertEquals(toolNames(first).sort(), [
      "add_note",
      "ask_human",
      "finish",
      "get_payload",
      "notify",
      "reassign_task",
      "search_payload",
      "set_title",
    ]);
    assertMatch(told(second)[0], /"bug"/);
    assertMatch(told(third)[1], /issue\.body/);
    assertEquals(kinds(task), [
      "created",
      "started",
      "step",
      "tool_call",
      "tool_result",
      "step",
      "tool_call",
      "tool_result",
      "tool_call",
      "note",
      "tool_result",
      "tool_call",
      "titled",
      "tool_result",
      "step",
      "tool_call",
      "completed",
    ]);
    const [noted] = eventsOf(task, "note");
    assertEquals([noted.actor, noted.data], ["openai/gpt-5-mini", { text: "Looks like a bug" }]);
    const [logged] = eventsOf(task, "tool_call");
    assertEquals([logged.data.tool, logged.data.verdict, logged.data.rule], [
      "get_payload",
      "allow",
      "listed",
    ]);
  });

  it("may end in words, or say that the task has failed", async () => {
    stage.fake.script = [{ text: "Nothing to do." }];
    const ended = await stage.task(await stage.signed(issue));
    assertEquals([ended.status, ended.result.text], ["completed", "Nothing to do."]);
    stage.fake.script = [finish("I cannot read it", "failed")];
    const failed = await stage.task(await stage.signed(issue));
    assertEquals([failed.status, failed.error.message], ["failed", "I cannot read it"]);
  });

  it("gives the task only to somebody of the team", async () => {
    await stage.post("/api/users", { email: "ann@example.com", name: "Ann" }, 201);
    stage.fake.script = [
      call("reassign_task", { email: "mallory@example.com" }),
      call("reassign_task", { email: "Ann@example.com" }),
      finish("Ann's"),
    ];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(task.assigned_to.email, "ann@example.com");
    assertMatch(told(stage.fake.asked[1])[0], /nobody of the team/);
  });

  it("tells people only at configured destinations", async () => {
    stage.fake.script = [
      call("notify", { destination: "slack:C0EVIL", text: "psst" }),
      call("notify", { destination: "web:web", text: "Heads up" }),
      finish("Told"),
    ];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(
      task.notifications.map((n: Any) => [n.channel, n.destination, n.kind, n.text]).sort(),
      [["web", "web", "completed", 'Completed: octocat opened issue #7 "It crashes" in o/r'], [
        "web",
        "web",
        "note",
        "Heads up",
      ]],
    );
    assertEquals(eventsOf(task, "tool_denied")[0].data.rule, "bad_arguments");
  });

  it("asks people and goes on with their answer", async () => {
    stage.fake.script = [
      {
        calls: [
          { tool: "add_note", args: { text: "before" } },
          { tool: "ask_human", args: { question: "Which team?" } },
          { tool: "add_note", args: { text: "after" } },
        ],
      },
      finish("Done"),
    ];
    const id = await stage.signed(issue);
    const waiting = await stage.task(id);
    assertEquals([waiting.status, waiting.question], ["waiting_input", "Which team?"]);
    assertEquals(eventsOf(waiting, "note").map((event) => event.data.text), ["before"]);
    assertEquals(stage.fake.asked.length, 1);
    await stage.post(`/api/tasks/${id}/answer`, { text: "The blue one" });
    await stage.otto.workOff();
    const done = await stage.task(id);
    assertEquals(done.status, "completed");
    assertEquals(eventsOf(done, "note").map((event) => event.data.text), ["before", "after"]);
    assertMatch(told(stage.fake.asked[1])[1], /The blue one/);
    assertEquals(stage.fake.asked.length, 2);
  });

  it("waits for a provider that is away, and goes on", async () => {
    const { fake, otto } = stage;
    fake.script = [
      call("add_note", { text: "once" }),
      { status: 429, headers: { "retry-after": "120" } },
    ];
    const id = await stage.signed(issue);
    const waiting = await stage.task(id);
    assertEquals([waiting.status, kinds(waiting).at(-1)], ["pending", "put_off"]);
    assertEquals(eventsOf(waiting, "put_off")[0].data.after_seconds, 120);
    assertMatch(eventsOf(waiting, "put_off")[0].data.reason, /429/);
    fake.script = [finish("Now it works")];
    await otto.services.database.query(
      "let time pass",
      (sql) => sql`update tasks set not_before = now()`,
    );
    await otto.workOff();
    const done = await stage.task(id);
    assertEquals([done.status, done.result.data.steps], ["completed", 2]);
    assertEquals(eventsOf(done, "note").length, 1);
  });

  it("fails with the provider's own words when there is nothing to wait for", async () => {
    stage.fake.script = [{ status: 401, message: `Incorrect API key provided: ${KEY}` }];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(task.status, "failed");
    assertMatch(task.error.message, /401.*Incorrect API key provided/);
    assert(!JSON.stringify(task).includes(KEY));

    stage.fake.script = [finish("Better")];
    await stage.post(`/api/tasks/${task.id}/retry`, {});
    await stage.otto.workOff();
    assertEquals((await stage.task(task.id)).status, "completed");
  });

  it("says so when the model's output was cut off", async () => {
    stage.fake.script = [{ text: "", cut: true }];
    const failed = await stage.task(await stage.signed(issue));
    assertMatch(failed.error.message, /4000 output tokens.*output_tokens in AGENT_CONFIG/);
    stage.fake.script = [{ text: "It is a", cut: true }];
    const partial = await stage.task(await stage.signed(issue));
    assertEquals([partial.result.text, partial.result.data.budget], ["It is a", "output_tokens"]);
  });

  it("tells the model all that came of one step in one turn", async () => {
    stage.fake.script = [
      { calls: [{ tool: "nonsense", args: {} }, { tool: "add_note", args: { text: "x" } }] },
      finish("Done"),
    ];
    await stage.signed(issue);
    const { messages } = stage.fake.asked[1].body;
    assertEquals(messages.map((each: Any) => each.role), [
      "system",
      "user",
      "assistant",
      "tool",
      "tool",
    ]);
    const ids = messages[2].tool_calls.map((each: Any) => each.id);
    assertEquals(messages.slice(3).map((each: Any) => each.tool_call_id), ids);
  });

  it("lets the model mend what it got wrong", async () => {
    stage.fake.script = [
      { broken: { tool: "add_note", args: '{"text": "ha' } },
      call("delete_everything", {}),
      call("add_note", { txt: "wrong name" }),
      call("add_note", { text: "right" }),
      finish("Done"),
    ];
    const task = await stage.task(await stage.signed(issue));
    assertEquals(task.status, "completed");
    assertEquals(eventsOf(task, "note").map((event) => event.data.text), ["right"]);
    assertEquals(eventsOf(task, "tool_denied").map((event) => event.data.rule), [
      "not_understood",
      "not_understood",
      "bad_arguments",
    ]);
  });

  it("stops within a second when its task is cancelled", async () => {
    const { otto, fake } = stage;
    const stop = new AbortController();
    fake.script = ["hang"];
    const working = work(otto.services, stop.signal);
    try {
      const message = await otto.send("demo", "{}", JSON_TYPE);
      await until(() => fake.asked.length === 1, { what: "the model to be asked" });
      const { task_id } = await otto.get(`/api/messages/${message}`);
      await stage.post(`/api/tasks/${task_id}/cancel`, {});
      await until(() => fake.dropped === 1, { what: "the agent to hang up" });
      const task = await stage.task(task_id);
      assertEquals([task.status, task.notifications], ["cancelled", []]);
    } finally {
      stop.abort();
      await working;
    }
  });
});
