import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { hello, onAnthropic, onGemini, resultsFor } from "./provider_stage.ts";

const type = "text/event-stream";
/** Events as Anthropic sends them, each with its name besides. */
const events = (...all: Record<string, unknown>[]) =>
  all.map((each) => `event: ${each.type}\ndata: ${JSON.stringify(each)}\n\n`).join("");
const begin = {
  type: "message_start",
  message: { type: "message", content: [], usage: { input_tokens: 100, output_tokens: 1 } },
};
const block = (index: number, content_block: unknown) => ({
  type: "content_block_start",
  index,
  content_block,
});
const piece = (index: number, delta: unknown) => ({ type: "content_block_delta", index, delta });
const end = (stop_reason: string) => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 10 },
});

describe("a stream that nobody asked for", () => {
  it("is read as the message that it is of (Anthropic)", async () => {
    await onAnthropic(async ({ fake, step, failure }) => {
      const thought = [
        block(0, { type: "thinking", thinking: "", signature: "" }),
        piece(0, { type: "thinking_delta", thinking: "SECRET" }),
        piece(0, { type: "signature_delta", signature: "c2ln" }),
        { type: "content_block_stop", index: 0 },
      ];
      const raw = events(
        begin,
        { type: "ping" },
        ...thought,
        block(1, { type: "text", text: "" }),
        piece(1, { type: "text_delta", text: "Hel" }),
        piece(1, { type: "text_delta", text: "lo" }),
        end("end_turn"),
        { type: "message_stop" },
      );
      fake.script = [{ raw, type }];
      const { text, tokens, finish } = await step();
      assertEquals([text, tokens, finish], ["Hello", { input: 100, output: 10 }, "stop"]);
      const calling = events(
        begin,
        ...thought,
        block(1, { type: "tool_use", id: "toolu_1", name: "add_note", input: {} }),
        piece(1, { type: "input_json_delta", partial_json: "" }),
        piece(1, { type: "input_json_delta", partial_json: '{"te' }),
        piece(1, { type: "input_json_delta", partial_json: 'xt":"x"}' }),
        block(2, { type: "tool_use", id: "toolu_2", name: "add_note", input: {} }),
        end("tool_use"),
      );
      fake.script = [{ raw: calling, type }, { text: "Done" }];
      const said = await step();
      assertEquals(said.calls.map(({ id, arguments: args }) => [id, args]), [
        ["toolu_1", { text: "x" }],
        ["toolu_2", {}],
      ]);
      assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done");
      assertMatch(fake.asked.at(-1)!.text, /"signature":"c2ln"/);
      // Cut before its words, and broken off with an error.
      fake.script = [{ raw: events(begin, ...thought), type }];
      assertMatch((await step()).fault!.reason, /broke off/);
      const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
      fake.script = [{ raw: events(begin, error), type }];
      assertMatch((await failure()).message, /answered 529: Overloaded/);
    });
  });

  it("is read as the answer that it is of, as events or as a list (Gemini)", async () => {
    await onGemini(async ({ fake, step }) => {
      const chunk = (parts: unknown[], more = {}) => ({
        candidates: [{ content: { role: "model", parts }, index: 0, ...more }],
        usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 },
      });
      const functionCall = { name: "add_note", args: { text: "x" } };
      const words = Array.from({ length: 3_000 }, () => chunk([{ text: "Hi " }]));
      for (
        const asText of [
          (all: unknown[]) => all.map((each) => `data: ${JSON.stringify(each)}\r\n\r\n`).join(""),
          (all: unknown[]) => JSON.stringify(all),
        ]
      ) {
        const say = (...all: unknown[]) => [{ raw: asText(all), type }];
        fake.script = say(
          chunk([{ text: "SECRET", thought: true }]),
          chunk([{ text: "Hel" }]),
          chunk([{ text: "lo" }]),
          chunk([{ text: "", thoughtSignature: "c2ln" }], { finishReason: "STOP" }),
        );
        const { text, tokens, finish } = await step();
        assertEquals([text, tokens, finish], ["Hello", { input: 100, output: 10 }, "stop"]);
        fake.script = say(...words, chunk([], { finishReason: "STOP" }));
        assertEquals((await step()).text.trim().length, 8_999);
        fake.script = say(
          chunk([{ functionCall, thoughtSignature: "c2ln" }]),
          chunk([{ text: "" }], { finishReason: "STOP" }),
        );
        assertEquals((await step()).calls[0].arguments, { text: "x" });
        fake.script = say(chunk([{ text: "SECRET", thought: true }]), chunk([{ text: "" }]));
        assertMatch((await step()).fault!.reason, /broke off/);
        fake.script = say({ promptFeedback: { blockReason: "SAFETY" } }, { usageMetadata: {} });
        assertMatch((await step()).fault!.reason, /blocked the prompt with SAFETY/);
      }
    });
  });
});
