import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Say } from "../../fakes/server.ts";
import { hello, note, onAnthropic, onChat, onGemini, resultsFor } from "./provider_stage.ts";

const USAGE = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
const raw = (body: unknown): Say => ({ raw: JSON.stringify(body) });

/** A chat completion with one choice. */
const choice = (
  message: unknown,
  { finish = "stop", usage = USAGE as unknown, more = {} } = {},
): Say => raw({ id: "1", choices: [{ index: 0, message, finish_reason: finish, ...more }], usage });

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
      // Cut in the middle of the model's words, and before them.
      fake.script = [{ raw: chunk({ content: "Hel" }), type }];
      assertEquals((await step()).text, "Hel");
      fake.script = [{ raw: chunk({ content: "" }), type }];
      assertMatch((await step()).fault!.reason, /broke off/);
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
      const older = { content: null, function_call: { name: "add_note", arguments: "" } };
      fake.script = [choice(older, { finish: "function_call" })];
      assertEquals((await step()).calls.map(({ tool, arguments: args }) => [tool, args]), [[
        "add_note",
        {},
      ]]);
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

  it("is not made when it stands in the text, and people are told what to do", async () => {
    const args = '{"text":"x"}';
    await onChat("vllm", async ({ fake, step }) => {
      for (
        const text of [
          `<tool_call>\n{"name": "add_note", "arguments": ${args}}\n</tool_call>`,
          `I will note it.\n<tool_call>{"name": "add_note", "arguments": ${args}}`,
          `[TOOL_CALLS][{"name": "add_note", "arguments": ${args}}]`,
          `<|python_tag|>{"name": "add_note", "parameters": ${args}}`,
          `{"name": "add_note", "parameters": ${args}}`,
          `<function=add_note>${args}</function>`,
          `<function_calls>\n<invoke name="add_note">`,
          `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add_note`,
          `<|tool_calls_section_begin|><|tool_call_begin|>functions.add_note:0`,
          "```tool_code\nprint(default_api.add_note(text='x'))\n```",
        ]
      ) {
        fake.script = [{ text }];
        for (const last of [false, true]) {
          const { fault, calls, text: said } = await step({ last });
          assertEquals([fault?.again, calls, said], [true, [], ""], text);
          assertMatch(fault!.reason, /call of "add_note" as a text.*--tool-call-parser/);
        }
      }
      fake.script = [{ text: '<tool_call>{"name": "another"}' }];
      assertMatch((await step()).fault!.reason, /the model wrote a tool call as a text/);
      for (
        const text of [
          "The parser fails on `<tool_call>` in add_note.",
          '{"name": "Ann", "parameters": {}}',
          "The log says:\n<tool_call> is unknown.",
        ]
      ) {
        fake.script = [{ text }];
        assertEquals((await step()).text, text);
      }
    });
  });
});

describe("what servers of Anthropic's protocol add and leave out", () => {
  const message = (content: unknown, more = {}) =>
    raw({ type: "message", content, stop_reason: "end_turn", ...more });

  it("costs no answer: signatures, counts, ids, parts of their own", async () => {
    await onAnthropic(async ({ fake, step }) => {
      const hi = { type: "text", text: "Hi" };
      for (
        const content of [
          "Hi",
          [{ type: "thinking", thinking: "SECRET" }, hi],
          [{ type: "hologram" }, hi],
          [{ type: "server_tool_use", id: "s", name: "web_search", input: {} }, hi],
        ]
      ) {
        fake.script = [message(content)];
        assertEquals((await step()).text, "Hi", JSON.stringify(content));
      }
      fake.script = [
        message([hi], { type: undefined, usage: { input_tokens: "5", output_tokens: 6 } }),
      ];
      assertEquals((await step()).tokens, { input: 5, output: 6 });
      const use = { type: "tool_use", name: "functions.add_note", input: '{"text":"x"}' };
      for (const input of [use.input, { text: "x" }]) {
        fake.script = [message([{ ...use, input }], { stop_reason: "tool_use" }), { text: "Done" }];
        const said = await step();
        assertEquals([said.calls[0].tool, said.calls[0].arguments], ["add_note", { text: "x" }]);
        assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done");
      }
      for (const input of [null, ["x"], '{"te', 7]) {
        fake.script = [message([{ ...use, input }], { stop_reason: "tool_use" }), { text: "Done" }];
        const said = await step();
        assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done");
      }
    });
  });
});

describe("what Gemini sends besides", () => {
  const generated = (parts: unknown, more = {}) =>
    raw({ candidates: [{ content: { parts }, finishReason: "STOP", ...more }] });

  it("costs no answer, and asks for none that nobody has planned", async () => {
    await onGemini(async ({ fake, step }) => {
      for (
        const parts of [
          [{ text: "SECRET", thought: true }, { text: "Hi" }],
          [{ video: {} }, { text: "Hi" }],
          [{ inlineData: { mimeType: "image/png", data: "AAAA" } }, { text: "Hi" }],
        ]
      ) {
        fake.script = [generated(parts)];
        assertEquals((await step()).text, "Hi");
      }
      fake.asked.length = 0;
      // The SDK would go on asking for as long as there is one.
      fake.script = [generated([{ text: "Hi" }], { continuationToken: "more" })];
      assertEquals([(await step()).text, fake.asked.length], ["Hi", 1]);
      for (const args of ['{"text":"x"}', { text: "x" }]) {
        const functionCall = { name: "default_api:add_note", args };
        fake.script = [generated([{ functionCall, thoughtSignature: "c2ln" }]), { text: "Done" }];
        const said = await step();
        assertEquals([said.calls[0].tool, said.calls[0].arguments], ["add_note", { text: "x" }]);
        assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done");
      }
      for (const functionCall of [{ args: {} }, { name: "add_note", args: [1] }]) {
        fake.script = [generated([{ functionCall, thoughtSignature: "c2ln" }]), { text: "Done" }];
        const said = await step();
        assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done");
      }
      assertEquals(fake.refused, []);
    });
  });
});

describe("an answer without an answer in it", () => {
  it("is asked for again, and says what it was", async () => {
    const bodies: [typeof onGemini, unknown, RegExp][] = [
      [
        (test) => onChat("openai", test),
        { id: null, choices: null, usage: null },
        /no answer in it/,
      ],
      [(test) => onChat("openai", test), { choices: [] }, /no answer in it/],
      // Ollama's own API, and OpenAI's Responses.
      [(test) => onChat("ollama", test), { message: { content: "Hi" }, done: true }, /address/],
      [(test) => onChat("openai", test), { object: "response", output: [] }, /check the server's/],
      [(test) => onChat("openai", test), { detail: "Not found" }, /in it: Not found\. /],
      [(test) => onChat("openai", test), "Hello", /in it: Hello/],
      [onAnthropic, { choices: [{ message: { content: "Hi" } }] }, /no answer in it/],
      [onAnthropic, { type: "message", content: null }, /no answer in it/],
      [onGemini, { usageMetadata: { promptTokenCount: 4 } }, /no answer in it/],
      [onGemini, { candidates: [] }, /no answer in it/],
    ];
    for (const [on, body, words] of bodies) {
      await on(async ({ fake, step }) => {
        fake.script = [raw(body)];
        const { fault, turns, finish } = await step();
        assertEquals([fault?.again, turns, finish], [true, [], "error"], JSON.stringify(body));
        assertMatch(fault!.reason, words);
      });
    }
  });

  it("ends in the words of whoever ended it, handed on by gateways in whatever case", async () => {
    await onChat("openai", async ({ fake, step }) => {
      for (
        const [finish, again, words] of [
          // Gemini's compatible endpoint (Vibe-Trading#308, any-llm#1202).
          ["SAFETY", false, /unsafe/],
          ["content_filter: RECITATION", false, /repeated a text/],
          ["function_call_filter: MALFORMED_FUNCTION_CALL", true, /nobody can read/],
          ["refusal", false, /refuses to answer/],
          ["guardrail_intervened", false, /content filter/],
          ["sensitive", false, /content filter/],
          ["model_context_window_exceeded", false, /longer than the model can read/],
          ["network_error", true, /broke off/],
          ["tool_calls", true, /ended without a word/],
        ] as [string, boolean, RegExp][]
      ) {
        fake.script = [choice({ content: "" }, { finish })];
        const { fault } = await step();
        assertEquals(fault?.again, again, finish);
        assertMatch(fault!.reason, words);
      }
      for (const finish of ["MAX_TOKENS", "max_tokens", "model_length"]) {
        fake.script = [choice({ content: "Half" }, { finish })];
        const { text, finish: end } = await step();
        assertEquals([text, end], ["Half", "length"], finish);
      }
      // OpenAI's own place for it.
      for (const content of [null, [{ type: "refusal", refusal: "I cannot." }]]) {
        fake.script = [choice({ content, ...(content ? {} : { refusal: "I cannot." }) })];
        assertMatch((await step()).fault!.reason, /refusal: the model refuses.*\(I cannot\.\)/);
      }
    });
  });
});

describe("counts of tokens", () => {
  it("are read from their other places, too, and what is none is estimated", async () => {
    await onChat("openai", async ({ fake, step }) => {
      for (
        const [usage, tokens] of [
          [{ prompt_tokens: "100", completion_tokens: "10" }, { input: 100, output: 10 }],
          [{ input_tokens: 100, output_tokens: 10 }, { input: 100, output: 10 }],
          [{ prompt_eval_count: 100, eval_count: 10 }, { input: 100, output: 10 }],
          [{ total_tokens: 110 }, { input: 110, output: 0 }],
          // xAI: 300 of them are thoughts.
          [{ prompt_tokens: 100, completion_tokens: 10, total_tokens: 410 }, {
            input: 100,
            output: 310,
          }],
          [{ prompt_tokens: null, completion_tokens: {} }, { input: 0, output: 0 }],
          [[], { input: 0, output: 0 }],
          [null, { input: 0, output: 0 }],
        ] as [unknown, unknown][]
      ) {
        fake.script = [choice({ content: "Hi" }, { usage })];
        assertEquals((await step({ tools: [note] })).tokens, tokens, JSON.stringify(usage));
      }
    });
  });
});
