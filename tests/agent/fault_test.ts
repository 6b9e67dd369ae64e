import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createBreaker } from "../../lib/agent/run/breaker.ts";
import { eventsOf, finish, issue, openStage, spent } from "./stage.ts";

describe("an answer of a model that is none", () => {
  it("is asked for twice more, is no turn of the conversation, and is billed", async () => {
    const stage = await openStage();
    try {
      stage.fake.script = [{}, { finish: "error" }, finish("At last")];
      const task = await stage.task(await stage.signed(issue));
      assertEquals([task.status, task.result.text], ["completed", "At last"]);
      assertEquals([task.result.data.steps, task.result.data.input_tokens], [3, 300]);
      assertEquals(new Set(stage.fake.asked.map(({ body }) => body.messages.length)).size, 1);
      stage.fake.script = [{}];
      const failed = await stage.task(await stage.signed(issue));
      assertEquals(failed.status, "failed");
      assertMatch(failed.error.message, /ended without a word, 3 times in a row/);
      stage.fake.script = [{ finish: "content_filter" }];
      const filtered = await stage.task(await stage.signed(issue));
      assertMatch(filtered.error.message, /content_filter: the provider's content filter/);
      assertEquals(
        filtered.events.filter((each: { kind: string }) => each.kind === "step").length,
        1,
      );
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });

  it("is half a call, and not made, when the answer came to its limit in it", async () => {
    const stage = await openStage();
    try {
      const half = finish("Half of wh") as { calls: [] };
      const broken = { broken: { tool: "finish", args: '{"summary": "Half' }, finish: "length" };
      for (const cut of [{ ...half, cut: true }, broken]) {
        stage.fake.asked.length = 0;
        stage.fake.script = [cut, finish("The whole of it")];
        const task = await stage.task(await stage.signed(issue));
        assertEquals([task.status, task.result.text], ["completed", "The whole of it"]);
        const [refused] = eventsOf(task, "tool_denied");
        assertMatch(refused.data.reason, /came to its limit of tokens before this call was whole/);
        assertMatch(stage.fake.asked[1].text, /Say it in fewer words/);
      }
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });

  it("is told of in its place among the results of its other calls", async () => {
    await using stage = await openStage();
    const calls = ["get_payload", "no_such_tool", "get_payload"].map((tool) => ({
      tool,
      args: { path: "issue.title" },
    }));
    stage.fake.script = [{ calls }, finish("Done")];
    await stage.signed(issue);
    const { messages } = stage.fake.asked[1].body;
    const idsOf = (field: string) =>
      messages.flatMap((each: Record<string, unknown>) => each[field] ?? []);
    const asked = idsOf("tool_calls").map(({ id }: { id: string }) => id);
    assertEquals(idsOf("tool_call_id"), asked);
    assertEquals(asked.length, 3);
  });

  it("ends the task in words that people can do something with", async () => {
    const stage = await openStage();
    try {
      stage.fake.script = [{ text: '<tool_call>{"name": "finish", "arguments": {}}' }];
      const written = await stage.task(await stage.signed(issue));
      assertEquals(written.status, "failed");
      assertMatch(written.error.message, /as a text.*--tool-call-parser.*3 times in a row/);
      stage.fake.script = [{ raw: '{"error":{"code":"insufficient_quota"}}', status: 429 }];
      const poor = await stage.task(await stage.signed(issue));
      assertEquals(poor.status, "failed");
      assertMatch(poor.error.message, /no credit left: add some there, then run the task again/);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });

  it("is waited for longer each time, though its provider asks for no time at all", async () => {
    const stage = await openStage();
    const { database } = stage.otto.services;
    try {
      stage.fake.script = [{ status: 429, headers: { "retry-after": "0" } }];
      const id = await stage.signed(issue);
      for (let i = 0; i < 4; i++) {
        await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
        await stage.otto.workOff();
      }
      const waits = eventsOf(await stage.task(id), "put_off").map(({ data }) => data.after_seconds);
      assertEquals(waits.length, 5);
      // Half of it may be chance.
      for (const [at, seconds] of waits.entries()) assert(seconds >= 2 ** at, `${waits}`);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });

  it("is waited for an hour, and no day, where it may be so for ever", async () => {
    const stage = await openStage();
    const { database } = stage.otto.services;
    const triedTimes = async (id: string, times: number) => {
      for (let i = 0; i < times; i++) {
        await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
        await stage.otto.workOff();
      }
      return await stage.task(id);
    };
    const portal = { raw: "<html><title>Sign in to WiFi</title></html>", type: "text/html" };
    try {
      stage.fake.script = [portal];
      const id = await stage.signed(issue);
      const waits = await triedTimes(id, 11);
      assertEquals(waits.status, "pending");
      // Another word of the provider's is a new beginning.
      stage.fake.script = [{ status: 503 }, portal];
      assertEquals((await triedTimes(id, 13)).status, "pending");
      const failed = await triedTimes(id, 1);
      assertEquals(failed.status, "failed");
      assertMatch(failed.error.message, /answered a page: Sign in to WiFi.*\(13 times in a row\)/);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });

  it("uses up no task's tokens where whole requests break off in an outage, however long it is", async () => {
    await using stage = await openStage();
    const { database } = stage.otto.services;
    const later = async () => {
      await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
      await stage.otto.workOff();
    };
    for (const out of [{ status: 504 }, { raw: "" }] as const) {
      stage.fake.asked.length = 0;
      stage.fake.script = [out];
      const before = await spent(stage);
      const id = await stage.signed(issue);
      for (let i = 0; i < 10; i++) await later();
      assertEquals((await stage.task(id)).status, "pending");
      // Two whole ones, and then no more than a knock at the door.
      const sizes = stage.fake.asked.map(({ body }) => body.tools?.length ?? 0);
      assertEquals(sizes.map((tools) => tools > 0), [true, true, ...Array(9).fill(false)]);
      const { tokens, reserved } = await spent(stage);
      assert(tokens - before.tokens < 20_000, `${tokens} tokens`);
      assertEquals(reserved, 0);
      stage.fake.script = [{ text: "OK" }, finish("At last")];
      await later();
      const task = await stage.task(id);
      assertEquals([task.status, task.result?.text], ["completed", "At last"]);
      // Nothing of the knock that was answered is lost, and it is counted beside the step.
      assertEquals(eventsOf(task, "knocked").map(({ data }) => data), [{ tokens: 110 }]);
      const page = await (await stage.otto.ask(`/tasks/${id}`)).text();
      assertMatch(page, /The model&#39;s provider is there/);
      assertMatch(page.replaceAll(/\s+/g, " "), /, 110 to see whether anybody is there\)/);
    }
  });

  it("is over when its provider has nothing more to say to a knock than that it is too small", async () => {
    await using stage = await openStage();
    const { database } = stage.otto.services;
    // What a thinking model's provider says of so few tokens: a refusal, or an answer without a word.
    const refusal = "Could not finish the message because max_tokens or model output limit was " +
      "reached. Please try again with higher max_tokens.";
    const knocks = [
      { status: 400, raw: JSON.stringify({ error: { message: refusal } }) },
      { text: "", finish: "length" },
    ];
    for (const [at, knock] of knocks.entries()) {
      stage.fake.script = [{ raw: "" }, { raw: "" }, knock, finish("At last")];
      const id = await stage.signed({ ...issue, at });
      for (let i = 0; i < 2; i++) {
        await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
        await stage.otto.workOff();
      }
      const task = await stage.task(id);
      assertEquals([task.status, task.result?.text], ["completed", "At last"]);
      // What is refused costs nothing.
      assertEquals(eventsOf(task, "call_lost").length, 2);
      assertEquals(eventsOf(task, "knocked").length, at);
    }
  });

  it("of a provider that was out for all is knocked for by each task, until it answers", () => {
    const breaker = createBreaker({ tasks: 2, seconds: 0 });
    assertEquals([breaker.count("a", true), breaker.isSuspect()], [false, false]);
    assertEquals([breaker.count("b", true), breaker.isSuspect()], [true, true]);
    breaker.count("c", true);
    assert(breaker.isSuspect());
    breaker.heard();
    assert(!breaker.isSuspect());
    breaker.count("d", true);
    breaker.count("e", true);
    breaker.count("f", false);
    assert(!breaker.isSuspect());
  });

  it("pauses nobody: neither bad requests nor one task that fails again and again", async () => {
    const stage = await openStage();
    const { database } = stage.otto.services;
    try {
      for (const status of [400, 422, 500]) {
        stage.fake.script = [({ text }) => text.includes("bad task") ? { status } : finish("Done")];
        for (let i = 0; i < 3; i++) await stage.signed({ ...issue, title: "bad task" });
        for (let i = 0; i < 3; i++) {
          await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
          await stage.otto.workOff();
        }
        const task = await stage.task(await stage.signed(issue));
        assertEquals(task.status, "completed", String(status));
      }
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });

  it("of a provider that is out for five tasks pauses all", async () => {
    const stage = await openStage();
    try {
      stage.fake.script = [{ status: 503, headers: { "retry-after": "600" } }];
      for (let i = 0; i < 5; i++) await stage.signed({ ...issue, at: i });
      const task = await stage.task(await stage.signed(issue));
      assertEquals([task.status, stage.fake.asked.length], ["pending", 5]);
      assertMatch(eventsOf(task, "put_off")[0].data.reason, /left alone/);
    } finally {
      await stage[Symbol.asyncDispose]();
    }
  });
});
