import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  choice,
  hello,
  note,
  onAnthropic,
  onChat,
  onGemini,
  raw,
  resultsFor,
} from "./provider_stage.ts";

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

describe("a request of Anthropic's protocol", () => {
  it("wishes for nothing that gateways to Bedrock and Vertex refuse", async () => {
    await onAnthropic(async ({ fake, step }) => {
      fake.script = [
        ({ headers }) =>
          headers.has("anthropic-beta")
            ? { status: 400, message: "invalid beta flag" }
            : { text: "Hi" },
      ];
      assertEquals((await step()).text, "Hi");
      assertEquals(fake.asked[0].headers.get("anthropic-version"), "2023-06-01");
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

describe("arguments that would change an object's nature", () => {
  it("cost no answer: the SDK would refuse it whole", async () => {
    for (const nature of ['"__proto__":{"a":1}', '"constructor":{"prototype":{"a":1}}']) {
      const args = `{${nature},"text":"x"}`;
      const use = `{"type":"tool_use","id":"t","name":"add_note","input":${args}}`;
      const part = `{"functionCall":{"name":"add_note","args":${args}}}`;
      for (
        const [on, raw] of [
          [onAnthropic, `{"type":"message","content":[${use}],"stop_reason":"tool_use"}`],
          [onGemini, `{"candidates":[{"content":{"parts":[${part}]},"finishReason":"STOP"}]}`],
        ] as const
      ) {
        await on(async ({ fake, step }) => {
          fake.script = [{ raw }];
          assertEquals((await step()).calls[0].arguments, { text: "x" }, raw);
        });
      }
    }
  });
});

describe("half an emoji", () => {
  it("that a model has said itself goes back whole, as a request with it is no JSON", async () => {
    await onAnthropic(async ({ fake, step }) => {
      const half = "\ud83d";
      fake.script = [{ calls: [{ tool: note.name, args: { text: `Hi ${half}` } }] }, {
        text: "Done",
      }];
      const first = await step({ tools: [note] });
      const turns = [...hello, ...resultsFor(first)];
      assertEquals((await step({ turns, tools: [note] })).text, "Done");
      assertMatch(fake.asked.at(-1)!.text, /Hi \ufffd/);
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
      // Half of what it would have said is no result, and what it has called is one.
      for (const finish of ["error", "insufficient_system_resource", "network_error", "abort"]) {
        fake.script = [choice({ content: "Half of wh" }, { finish })];
        const { fault, text } = await step();
        assertEquals([fault?.again, text], [true, ""], finish);
      }
      // MiniMax says so beside.
      fake.script = [
        raw({
          choices: [{ message: { content: "" }, finish_reason: "stop" }],
          input_sensitive: true,
        }),
      ];
      assertMatch((await step()).fault!.reason, /sensitive: the provider's content filter/);
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
