import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Say } from "../../fakes/server.ts";
import { choice, hello, onAnthropic, onChat, raw, resultsFor, USAGE } from "./provider_stage.ts";

const called = (more: Record<string, unknown>, call: Record<string, unknown> = {}) => ({
  id: "call_1",
  type: "function",
  function: { name: "add_note", arguments: '{"text":"x"}', ...more },
  ...call,
});
const calling = (...tool_calls: unknown[]): Say =>
  choice({ role: "assistant", content: null, tool_calls }, { finish: "tool_calls" });
const chunk = (delta: unknown, finish_reason?: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

describe("what servers of chat completions make of an answer's text", () => {
  it("is read, wherever it stands", async () => {
    await onChat("openai", async ({ fake, step }) => {
      for (
        const [vendor, content] of [
          ["OpenAI", "Hi"],
          ["Mistral", [{ type: "thinking", thinking: [{ type: "text", text: "SECRET" }] }, {
            type: "text",
            text: "Hi",
          }]],
          ["Gemini's parts", [{ type: "text", text: "SECRET", thought: true }, "Hi"]],
          ["Bedrock's", [{ type: "reasoning_text", text: "SECRET" }, { type: "text", text: "Hi" }]],
          ["a gateway to the Responses API", [{ type: "output_text", text: "Hi" }]],
          ["Cohere", { type: "text", text: "Hi" }],
          ["TGI", ["H", "i"]],
        ] as [string, unknown][]
      ) {
        fake.script = [choice({ role: "assistant", content })];
        const { text, tokens } = await step();
        assertEquals([text, tokens], ["Hi", { input: 100, output: 10 }], vendor);
      }
      // Gemini's compatible endpoint and TGI's older one.
      fake.script = [choice({ role: "model", content: "Hi", reasoning: { text: "SECRET" } })];
      assertEquals((await step()).text, "Hi");
      fake.script = [
        raw({ choices: [{ text: "Hi", finish_reason: "stop" }], id: 7, created: "now" }),
      ];
      assertEquals((await step()).text, "Hi");
      fake.script = [raw([{ choices: [{ message: { content: "Hi" }, finish_reason: 2 }] }])];
      assertEquals((await step()).text, "Hi");
    });
  });

  it("may come as a stream that nobody asked for (litellm#25766)", async () => {
    await onChat("openai", async ({ fake, step, failure }) => {
      const type = "text/event-stream";
      const usage = `data: ${JSON.stringify({ choices: [], usage: USAGE })}\r\n\r\n`;
      const said = [
        ": keep-alive\n\n",
        chunk({ role: "assistant", content: "", reasoning_content: "SECRET" }),
        chunk({ content: "Hel" }),
        chunk({ content: "lo" }, "stop"),
        usage,
        "data: [DONE]\n\n",
      ];
      fake.script = [{ raw: said.join(""), type }];
      const { text, tokens, finish } = await step();
      assertEquals([text, tokens, finish], ["Hello", { input: 100, output: 10 }, "stop"]);
      const half = (args: string, more = {}) => ({
        tool_calls: [{ index: 0, ...more, function: { arguments: args, ...more } }],
      });
      const calls = [
        chunk(half('{"te', { id: "c1", name: "add_note" })),
        chunk(half('xt":"x"}')),
        chunk({}, "tool_calls"),
      ];
      fake.script = [{ raw: calls.join(""), type: "text/plain" }];
      assertEquals((await step()).calls.map(({ id, arguments: args }) => [id, args]), [
        ["c1", { text: "x" }],
      ]);
      // The name with each piece, another call in the same place, words in parts (Mistral).
      const parts = [{ type: "thinking", thinking: "SECRET" }, { type: "text", text: "I note it" }];
      const odd = [
        chunk({ content: parts }),
        chunk(half('{"te', { id: "c1", name: "add_note" })),
        chunk(half('xt":"x"}', { name: "add_note" })),
        chunk(half('{"text":"y"}', { id: "c2", name: "add_note" })),
        chunk({}, "tool_calls"),
      ];
      fake.script = [{ raw: odd.join(""), type }];
      const mixed = await step();
      assertEquals([mixed.text, mixed.calls.map(({ arguments: args }) => args)], ["I note it", [
        { text: "x" },
        { text: "y" },
      ]]);
      // Cut in the middle of the model's words, and before them.
      for (const content of ["Hel", ""]) {
        fake.script = [{ raw: chunk({ content }), type }];
        const { text, fault } = await step();
        assertEquals([text, fault?.again], ["", true]);
        assertMatch(fault!.reason, /broke off/);
      }
      fake.script = [{ raw: 'data: {"error":{"message":"slow down","code":429}}\n\n', type }];
      assertMatch((await failure()).message, /answered 429: slow down/);
      // It is asked for nowhere: LiteLLM and others take nothing said for a wish.
      assert(fake.asked.every(({ body }) => body.stream === false));
    });
  });
});

describe("what servers make of a call", () => {
  it("is the same call, and the conversation goes on with it", async () => {
    await onChat("openai", async ({ fake, step }) => {
      for (
        const [vendor, ...calls] of [
          ["OpenAI", called({})],
          ["Ollama: an object", called({ arguments: { text: "x" } })],
          ["LM Studio: encoded twice", called({ arguments: '"{\\"text\\":\\"x\\"}"' })],
          ["gpt-oss: a namespace", called({ name: "functions.add_note" })],
          ["gpt-oss: a channel", called({ name: "add_note<|channel|>commentary" })],
          ["Kimi: a number", called({ name: "functions.add_note:0" })],
          ["Gemini: its own prefix", called({ name: "default_api.add_note" })],
          ["a space", called({ name: " add_note" })],
          ["no id", called({}, { id: undefined })],
          ["a number for an id", called({}, { id: 7 })],
          ["no type", called({}, { type: undefined })],
          ["quotes", called({ name: "`add_note`" })],
          ["a call of a function", called({ name: "add_note()" })],
          ["OpenAI's custom tools", {
            id: "c",
            type: "custom",
            custom: { name: "add_note", input: '{"text":"x"}' },
          }],
        ] as [string, unknown][]
      ) {
        fake.script = [calling(...calls), { text: "Done" }];
        const said = await step();
        const { tool, arguments: args, invalid } = said.calls[0];
        assertEquals([tool, args, invalid], ["add_note", { text: "x" }, undefined], vendor);
        assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done", vendor);
      }
      // Among its words, as Anthropic has it.
      const use = { type: "tool_use", id: "t", name: "add_note", input: { text: "x" } };
      fake.script = [
        choice({ content: [{ type: "text", text: "I note it." }, use] }, { finish: "tool_use" }),
      ];
      const said = await step();
      assertEquals([said.text, said.calls[0].arguments], ["I note it.", { text: "x" }]);
      const older = { content: null, function_call: { name: "add_note", arguments: "" } };
      fake.script = [choice(older, { finish: "function_call" })];
      assertEquals((await step()).calls.map(({ tool, arguments: args }) => [tool, args]), [[
        "add_note",
        {},
      ]]);
    });
  });

  it("may come beside its words, in a choice of its own, or as a stream's last piece (Copilot)", async () => {
    await onChat("openai", async ({ fake, step }) => {
      const finish_reason = "tool_calls";
      const words = { message: { content: "I note it." }, finish_reason };
      const call = { message: { content: null, tool_calls: [called({})] }, finish_reason };
      for (const choices of [[words, call], [call, words], [{ delta: call.message }]]) {
        fake.script = [raw({ choices, usage: USAGE })];
        assertEquals((await step()).calls.map(({ tool }) => tool), ["add_note"]);
      }
      fake.script = [
        raw({ choices: [{ message: { content: "" } }, { message: { content: "Hi" } }] }),
      ];
      assertEquals((await step()).text, "Hi");
      // One was asked for: another says the same in other words.
      fake.script = [
        raw({ choices: [{ message: { content: "Hi" } }, { message: { content: "Hello" } }] }),
      ];
      assertEquals((await step()).text, "Hi");
      // Words alone are no result when a call was to come along (vllm#53255).
      fake.script = [choice({ content: "Let me look.", tool_calls: [] }, { finish: "tool_calls" })];
      assertMatch((await step()).fault!.reason, /tool_calls: the model's call did not come along/);
      assertEquals((await step({ last: true })).text, "Let me look.");
    });
  });

  it("is one of a thousand at most, and no answer is deeper than anybody nests, however long", async () => {
    await onChat("openai", async ({ fake, step }) => {
      fake.script = [
        calling(...Array.from({ length: 50_000 }, (_, at) => called({}, { id: `c${at}` }))),
      ];
      assertEquals((await step()).calls.length, 1_000);
      const deep = "[".repeat(1_000_000) + "]".repeat(1_000_000);
      fake.script = [{ raw: `{"choices":${deep}}` }];
      assertMatch((await step()).fault!.reason, /no answer in it/);
    });
  });

  it("of no arguments is one, however a server writes none", async () => {
    await onChat("openai", async ({ fake, step }) => {
      for (const none of [undefined, null, "", " \n", "null", "[]", [], "{}", {}]) {
        fake.script = [calling(called({ arguments: none }))];
        assertEquals((await step()).calls[0].arguments, {}, JSON.stringify(none));
      }
    });
  });

  it("has an id of its own, in its answer and among those before (nanobot#4473, oh-my-pi#2055)", async () => {
    await onChat("openai", async ({ fake, step }) => {
      fake.script = [calling(called({}), called({ arguments: '{"text":"y"}' }))];
      const first = await step();
      assertEquals(new Set(first.calls.map(({ id }) => id)).size, 2);
      const turns = [...hello, ...resultsFor(first)];
      const second = await step({ turns });
      fake.script = [{ text: "Done" }];
      assertEquals((await step({ turns: [...turns, ...resultsFor(second)] })).text, "Done");
      assertEquals(fake.refused, []);
    });
    await onAnthropic(async ({ fake, step }) => {
      fake.script = [{ calls: [1, 2].map(() => ({ tool: "add_note", args: {}, id: "grep:3" })) }];
      const first = await step();
      const turns = [...hello, ...resultsFor(first)];
      const second = await step({ turns });
      fake.script = [{ text: "Done" }];
      assertEquals((await step({ turns: [...turns, ...resultsFor(second)] })).text, "Done");
      assertEquals(fake.refused, []);
    });
  });

  it("that nobody can understand is told to the model, and does no harm to what follows", async () => {
    for (const dialect of ["openai", "vllm"] as const) {
      await onChat(dialect, async ({ fake, step }) => {
        for (
          const call of [
            called({ name: "weird name!!" }),
            called({ name: "x".repeat(300) }),
            called({ name: null }),
            called({ arguments: '{"text": "half' }),
            called({ arguments: '```json\n{"text":"x"}\n```' }),
            called({ arguments: '{"text":"x"}{"text":"y"}' }),
            called({ arguments: '["x"]' }),
            called({ arguments: "[".repeat(50_000) + "]".repeat(50_000) }),
            called({ arguments: "7" }),
          ]
        ) {
          fake.script = [calling(call), { text: "Sorry" }];
          const said = await step();
          const { invalid, arguments: args } = said.calls[0];
          // What is JSON and no object, the tool refuses by itself.
          assert(invalid || typeof args !== "object" || Array.isArray(args), JSON.stringify(call));
          const { text } = await step({ turns: [...hello, ...resultsFor(said)] });
          assertEquals(text, "Sorry", JSON.stringify(call));
        }
      });
    }
  });
});
