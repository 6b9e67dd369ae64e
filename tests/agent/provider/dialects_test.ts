import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Turn } from "../../../lib/agent/model.ts";
import type { Say } from "../../fakes/server.ts";
import { hello, note, onAnthropic, onChat, onGemini, resultsFor } from "./provider_stage.ts";

const later: Turn[] = [{ role: "user", content: "One more thing" }];
const refuse = (message: string, status = 400): Say => ({ status, message });

describe("a conversation that a server's template cannot hold", () => {
  it("has its instructions before its first words, where there is no place for them (vllm#2080)", async () => {
    await onChat("vllm", async ({ fake, step }) => {
      fake.script = [{ text: "Hi" }];
      assertEquals([(await step()).text, (await step()).text], ["Hi", "Hi"]);
      const asked = fake.asked.map(({ body }) => body.messages);
      assertEquals(asked.at(-1), [{ role: "user", content: "Be kind\n\nHello" }]);
      // Once it was refused, then it was known.
      assertEquals([asked.length, fake.refused.length], [3, 1]);
    });
  });

  it("takes turns, and says nothing in the place of nothing (crush#279)", async () => {
    for (const dialect of ["vllm", "mistral"] as const) {
      await onChat(dialect, async ({ fake, step }) => {
        fake.script = [{ calls: [{ tool: "add_note", args: { text: "x" } }] }, { text: "Done" }];
        const said = await step();
        const turns = [...hello, ...later, ...resultsFor(said), ...later, ...later];
        assertEquals((await step({ turns })).text, "Done", dialect);
        assertEquals((await step({ turns })).text, "Done", dialect);
        const messages: { role: string; content: unknown }[] = fake.asked.at(-1)!.body.messages;
        const roles = messages.map(({ role }) => role).filter((role) => role !== "system");
        assertEquals(roles, ["user", "assistant", "tool", "assistant", "user"]);
        if (dialect === "vllm") assertEquals(messages[1].content, "");
        assertMatch(String(messages.at(-1)!.content), /One more thing\n\nOne more thing/);
      });
    }
  });

  it("is told with a 500 by some, and by none for ever", async () => {
    await onChat("llamacpp", async ({ fake, step, failure }) => {
      const words =
        "After the optional system message, conversation roles must alternate user and " +
        "assistant roles except for tool calls and results.";
      fake.script = [refuse(words, 500), { text: "Hi" }];
      assertEquals((await step({ turns: [...hello, ...later] })).text, "Hi");
      fake.script = [refuse(words, 500)];
      fake.asked.length = 0;
      assertMatch((await failure()).message, /must alternate/);
      assert(fake.asked.length <= 3, `${fake.asked.length}`);
    });
  });

  it("is billed as two calls where the refusal comes while the model is at work", async () => {
    await onChat("openai", async ({ fake, step, failure }) => {
      const message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
      fake.script = [
        { raw: JSON.stringify({ error: { code: 500, message } }) },
        { text: "Hi" },
      ];
      const { mayHaveBilled, temporary } = await failure();
      assertEquals([mayHaveBilled, temporary, fake.asked.length], [true, true, 1]);
      // It has learned all the same.
      assertEquals((await step()).text, "Hi");
      assertEquals(fake.asked[1].body.max_completion_tokens, 500);
    });
  });

  it("loses what a server does not know: a choice of tools, a wish for no stream", async () => {
    await onChat("openai", async ({ fake, step }) => {
      fake.script = [
        refuse("Unsupported parameter: 'tool_choice' is not supported with this model."),
        refuse("stream: Extra inputs are not permitted"),
        { text: "Hi" },
      ];
      assertEquals((await step()).text, "Hi");
      await step();
      const { tool_choice, stream, tools } = fake.asked.at(-1)!.body;
      assertEquals([tool_choice, stream, tools.length], [undefined, undefined, 1]);
    });
  });
});

describe("a choice of tools", () => {
  it("is left out where its server takes none, or not this one", async () => {
    const param = {
      message: "Invalid value: 'auto'. Supported values are: 'function'.",
      param: "tool_choice.type",
    };
    for (const error of [param, { message: "Only NONE and REQUIRED are a tool_choice" }]) {
      await onChat("openai", async ({ fake, step }) => {
        fake.script = [
          ({ body }) =>
            body.tool_choice === undefined
              ? { text: "Hi" }
              : { raw: JSON.stringify({ error }), status: 400 },
        ];
        for (let i = 0; i < 2; i++) assertEquals((await step()).text, "Hi");
        assertEquals(fake.asked.map(({ body }) => body.tool_choice), [
          "auto",
          undefined,
          undefined,
        ]);
      });
    }
  });
});

describe("a last step", () => {
  it("names the tools that were called where a gateway wants it (LiteLLM, Bedrock), and offers none", async () => {
    for (
      const words of [
        "litellm.UnsupportedParamsError: Anthropic expects the `tools=` param to be passed in.",
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
      ]
    ) {
      await onChat("openai", async ({ fake, step }) => {
        fake.script = [{ calls: [{ tool: "add_note", args: {} }] }, refuse(words), {
          text: "Done",
        }];
        const said = await step();
        const turns = [...hello, ...resultsFor(said)];
        assertEquals((await step({ turns, last: true })).text, "Done");
        const { tools, tool_choice } = fake.asked.at(-1)!.body;
        assertEquals([tools[0].function.name, tool_choice], ["add_note", "none"]);
      });
    }
  });
});

describe("a conversation that began with another provider", () => {
  it("goes on, whatever ids its calls have", async () => {
    for (const on of [onGemini, onAnthropic, onChat.bind(null, "openai")]) {
      await on(async ({ fake, step }) => {
        const call = { id: "functions.add_note:0", tool: "add_note", arguments: { text: "x" } };
        const said: Turn = {
          role: "assistant",
          content: [{
            type: "tool-call",
            toolCallId: call.id,
            toolName: call.tool,
            input: call.arguments,
          }],
        };
        fake.script = [{ text: "Done" }];
        const turns = [...hello, ...resultsFor({ calls: [call], turns: [said] })];
        assertEquals([(await step({ turns })).text, fake.refused], ["Done", []]);
      });
    }
  });
});

describe("tools that a provider would refuse", () => {
  const foreign = (name: string, schema: Record<string, unknown> = { type: "object" }) => ({
    name: `desk__${name}`,
    description: "?",
    schema,
  });

  it("are at most 128, and Otto's own are among them", async () => {
    await onChat("openai", async ({ fake, step }) => {
      fake.script = [{ text: "Hi" }];
      const many = Array.from({ length: 200 }, (_, at) => foreign(`t${at}`));
      const { text, off } = await step({ tools: [...many, note] });
      assertEquals([text, off.length, fake.refused], ["Hi", 73, []]);
      const names = fake.asked[0].body.tools.map((each: { function: { name: string } }) =>
        each.function.name
      );
      assertEquals([names.length, names.at(-1), names[0]], [128, "add_note", "desk__t0"]);
      assertMatch(off[0].reason, /at most 128 tools/);
    });
  });

  it("are all off where nobody says which one is meant, and the task goes on (llama.cpp)", async () => {
    await onChat("llamacpp", async ({ fake, step, failure }) => {
      fake.script = [
        refuse('JSON schema conversion failed: Unrecognized schema: {"not":{}}'),
        { text: "Hi" },
      ];
      const tools = [note, foreign("a"), foreign("b")];
      const { text, off } = await step({ tools });
      assertEquals([text, off.map(({ tool }) => tool)], ["Hi", ["desk__a", "desk__b"]]);
      assertMatch(off[0].reason, /Unrecognized schema/);
      const unmarshal = "json: cannot unmarshal array into Go struct field " +
        ".tools.function.parameters.properties.type of type string";
      fake.script = [refuse(unmarshal), { text: "Hi" }];
      assertEquals((await step({ tools: [note, foreign("ollama")] })).off[0].tool, "desk__ollama");
      // Otto's own are not at fault, and there is nothing more to leave out.
      fake.script = [refuse("JSON schema conversion failed")];
      assertMatch((await failure({ tools: [note] })).message, /conversion failed/);
      // What is said without them, too, was not said of them.
      const other = [note, foreign("c")];
      assertMatch((await failure({ tools: other })).message, /conversion failed/);
      fake.script = [{ text: "Hi" }];
      assertEquals((await step({ tools: other })).off, []);
    });
  });

  it("are made whole however their schemas are made", async () => {
    const odd = {
      type: ["object", "null"],
      properties: {
        any: true,
        pair: { type: "array", items: [{ type: "string" }, { type: "number" }] },
        either: { anyOf: [{ type: "array" }, { type: "object" }] },
        tree: { $ref: "#/$defs/Node" },
      },
      $defs: {
        Node: {
          type: "object",
          properties: { kids: { type: "array", items: { $ref: "#/$defs/Node" } } },
        },
      },
    };
    for (const on of [onGemini, onChat.bind(null, "openai")]) {
      await on(async ({ fake, step }) => {
        fake.script = [{ text: "Hi" }];
        const { text, off } = await step({ tools: [note, foreign("odd", odd)] });
        assertEquals([text, off, fake.refused], ["Hi", [], []]);
      });
    }
    const deep = Array.from({ length: 5_000 }).reduce<Record<string, unknown>>(
      (inner) => ({ type: "object", properties: { a: inner } }),
      { type: "string" },
    );
    await onChat("openai", async ({ fake, step }) => {
      fake.script = [{ text: "Hi" }];
      const { off } = await step({
        tools: [note, foreign("deep", deep), foreign("no", { type: [] })],
      });
      assertEquals(off.map(({ tool }) => tool), ["desk__deep", "desk__no"]);
    });
  });
});
