import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Turn } from "../../../lib/agent/model.ts";
import type { Asked, Say } from "../../fakes/server.ts";
import { hello, onAnthropic, onChat, onGemini, raw, resultsFor } from "./provider_stage.ts";

// deno-lint-ignore no-explicit-any -- whatever was sent
type Any = any;

/** A conversation in which another model has made two calls at once, and what the first one gave. */
function begunElsewhere(
  ids = ["call_PTLP8xhu3uwZk4l3nlnrrJha", "x".repeat(70)],
  result = "noted",
): Turn[] {
  const calls = ids.map((id) => ({ id, tool: "add_note", arguments: { text: "x" } }));
  const said: Turn = {
    role: "assistant",
    content: calls.map(({ id, tool, arguments: input }) => ({
      type: "tool-call",
      toolCallId: id,
      toolName: tool,
      input,
    })),
  };
  const turns = resultsFor({ calls, turns: [said] });
  const results = turns.at(-1)!.content as { output: { value: string } }[];
  results[0].output.value = result;
  return [...hello, ...turns];
}

const callsOf = ({ body }: Asked) => body.messages.flatMap((each: Any) => each.tool_calls ?? []);

/** What each vendor says of such a conversation, and whether it takes the one that it gets. */
const KINDS: [vendor: string, status: number, words: string, takes: (asked: Asked) => boolean][] = [
  [
    "Mistral",
    400,
    "Tool call id was call_PTLP8xhu3uwZk4l3nlnrrJha but must be a-z, A-Z, 0-9, with a length of 9.",
    (asked) => callsOf(asked).every(({ id }: Any) => /^[a-zA-Z0-9]{9}$/.test(id)),
  ],
  [
    "oMLX",
    500,
    "Tool call id was call_49c89af0 but must be a-z, A-Z, 0-9, with a length of 9",
    (asked) => callsOf(asked).every(({ id }: Any) => id.length === 9),
  ],
  [
    "OpenAI",
    400,
    "Invalid 'messages[2].tool_calls[1].id': string too long. Expected a string with maximum " +
    "length 40, but got a string with length 70 instead.",
    (asked) => callsOf(asked).every(({ id }: Any) => id.length <= 40),
  ],
  [
    "Llama's template",
    500,
    "This model only supports single tool-calls at once! at row 61, column 40",
    ({ body }) => body.messages.every((each: Any) => (each.tool_calls ?? []).length < 2),
  ],
  [
    "DeepSeek",
    400,
    "The `reasoning_content` in the thinking mode must be passed back to the API.",
    ({ body }) =>
      body.messages.every((each: Any) => !each.tool_calls || each.reasoning_content !== undefined),
  ],
  [
    "Gemini's compatible endpoint",
    400,
    "Function call is missing a thought_signature in functionCall parts.",
    (asked) => callsOf(asked).every((each: Any) => each.extra_content?.google.thought_signature),
  ],
  [
    "Perplexity",
    400,
    "After the (optional) system message(s), user or tool message(s) should alternate with " +
    "assistant message(s).",
    ({ body: { messages } }) =>
      messages.every((each: Any, at: number) =>
        each.role !== "user" || messages[at - 1]?.role !== "user"
      ),
  ],
  [
    "DeepSeek, of turns",
    400,
    "deepseek-reasoner does not support successive user or assistant messages (messages[1] and " +
    "messages[2] in your input). You should interleave the user/assistant messages.",
    ({ body: { messages } }) =>
      messages.every((each: Any, at: number) =>
        each.role !== "user" || messages[at - 1]?.role !== "user"
      ),
  ],
  [
    "Cloudflare",
    400,
    "AiError: Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are " +
    "'prompt', Type mismatch of '/messages/3/content', 'null' not in 'string'",
    ({ body }) => body.messages.every((each: Any) => each.content !== null),
  ],
  [
    "Cerebras",
    400,
    "'NoneType' object is not iterable",
    ({ body }) => body.messages.every((each: Any) => each.content !== null),
  ],
  [
    "Qwen",
    400,
    "parameter.enable_thinking must be set to false for non-streaming calls",
    ({ body }) => body.stream === true,
  ],
  ["QwQ", 400, "This model only support stream mode", ({ body }) => body.stream === true],
  [
    "ModelScope",
    400,
    "enable thinking can not be support when `stream=False`.",
    ({ body }) => body.stream === true,
  ],
  [
    "LiteLLM",
    400,
    "litellm.UnsupportedParamsError: x does not support parameters: ['tool_choice']",
    ({ body }) => body.tool_choice === undefined,
  ],
];

describe("a conversation that a server wants otherwise", () => {
  it("is told so from then on, each call with its own result", async () => {
    for (const [vendor, status, message, takes] of KINDS) {
      await onChat("openai", async ({ fake, step }) => {
        const answer = (asked: Asked): Say => takes(asked) ? { text: "Hi" } : { status, message };
        fake.script = [answer];
        const turns = [...hello, ...begunElsewhere()];
        for (let i = 0; i < 2; i++) assertEquals((await step({ turns })).text, "Hi", vendor);
        // What was refused twice taught two things; then it is known.
        assert(fake.asked.length >= 3 && fake.asked.length <= 4, `${vendor}: ${fake.asked.length}`);
        assertEquals(fake.refused, [], vendor);
        const ids = callsOf(fake.asked.at(-1)!).map(({ id }: Any) => id);
        const told = fake.asked.at(-1)!.body.messages.flatMap((each: Any) =>
          each.tool_call_id ?? []
        );
        assertEquals([ids, ids.length, new Set(ids).size], [told, 2, 2], vendor);
      });
    }
  });

  it("has no empty text where none may be (Bedrock behind a gateway)", async () => {
    await onChat("openai", async ({ fake, step }) => {
      fake.script = [{ text: "Hi" }];
      for (let i = 0; i < 2; i++) {
        assertEquals((await step({ turns: begunElsewhere(["a", "b"], "") })).text, "Hi");
      }
      assertEquals(fake.refused.length, 1);
      const results = fake.asked.at(-1)!.body.messages.filter((each: Any) => each.role === "tool");
      assertEquals(results.map(({ content }: Any) => content), ["(nothing)", "noted"]);
    });
  });

  it("loses no thoughts but where its template takes none beside words (llama.cpp)", async () => {
    await onChat("openai", async ({ fake, step }) => {
      const message = "Cannot pass both content and thinking in an assistant message!";
      fake.script = [
        { text: "I note it.", thinks: "Hm.", calls: [{ tool: "add_note", args: { text: "x" } }] },
        ({ body }) =>
          body.messages.some((each: Any) => each.reasoning_content)
            ? { status: 500, message }
            : { text: "Done" },
      ];
      const said = await step();
      assertEquals((await step({ turns: [...hello, ...resultsFor(said)] })).text, "Done");
    });
  });

  it("has no thoughts that its server has not signed (Anthropic)", async () => {
    await onAnthropic(async ({ fake, step }) => {
      const message = "messages.1.content.0: Invalid `signature` in `thinking` block";
      const use = { type: "tool_use", id: "t", name: "add_note", input: { text: "x" } };
      const content = [{ type: "thinking", thinking: "Hm." }, use];
      fake.script = [
        raw({ type: "message", content, stop_reason: "tool_use" }),
        ({ text }) => text.includes('"thinking"') ? { status: 400, message } : { text: "Done" },
      ];
      const turns = [...hello, ...resultsFor(await step())];
      for (let i = 0; i < 2; i++) assertEquals((await step({ turns })).text, "Done");
      assertEquals([fake.asked.length, fake.refused], [4, []]);
    });
  });

  it("has signatures for Gemini, whatever the model is called", async () => {
    await onGemini(async ({ fake, step }) => {
      const message = "Function call is missing a thought_signature in functionCall parts.";
      const isSigned = ({ body }: Asked) =>
        body.contents.flatMap(({ parts }: Any) => parts)
          .every((part: Any) => !part.functionCall || part.thoughtSignature);
      fake.script = [(asked) => isSigned(asked) ? { text: "Hi" } : { status: 400, message }];
      assertEquals((await step({ turns: begunElsewhere(["a", "b"]) })).text, "Hi");
      fake.script = [{ status: 400, message }];
      assertEquals(
        await step({ turns: begunElsewhere(["a", "b"]) }).catch(({ temporary }) => temporary),
        false,
      );
    });
  });
});
