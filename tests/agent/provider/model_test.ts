import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { afterAll, beforeAll, beforeEach, describe, it } from "@std/testing/bdd";
import { createModel, type Model, type ModelStep, type Turn } from "../../../lib/agent/model.ts";
import { ModelError } from "../../../lib/agent/model_error.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { startAnthropic } from "../../fakes/anthropic.ts";
import { startGemini } from "../../fakes/gemini.ts";
import { startOpenAi } from "../../fakes/openai.ts";
import type { FakeProvider } from "../../fakes/server.ts";

const KEY = "key-4711-never-shown";
const tools = [{
  name: "add_note",
  description: "Writes a note",
  schema: {
    type: "object",
    properties: { text: { type: "string" } },
    required: ["text"],
    additionalProperties: false,
  },
}];
const hello: Turn[] = [{ role: "user", content: "Hello" }];

/** Where each protocol puts things, in the vendors' own words. */
const PROVIDERS: {
  name: string;
  start: () => FakeProvider;
  env: (url: string) => Record<string, string>;
  model: string;
  key: (headers: Headers) => string | null;
  // deno-lint-ignore no-explicit-any -- each provider's own shape
  instructions: (body: any) => string;
  // deno-lint-ignore no-explicit-any -- as above
  toolNames: (body: any) => string[] | undefined;
}[] = [
  {
    name: "OpenAI",
    start: startOpenAi,
    env: (url) => ({ OPENAI_API_KEY: KEY, OPEN_AI_BASE: `${url}/v1` }),
    model: "openai/gpt-5-mini",
    key: (headers) => headers.get("authorization")!.replace("Bearer ", ""),
    instructions: (body) => body.messages[0].content,
    toolNames: (body) => body.tools?.map((t: { function: { name: string } }) => t.function.name),
  },
  {
    name: "Ollama",
    start: startOpenAi,
    env: (url) => ({ USE_OLLAMA: "true", OLLAMA_BASE_URL: url }),
    model: "ollama/gpt-oss:latest",
    key: () => KEY,
    instructions: (body) => body.messages[0].content,
    toolNames: (body) => body.tools?.map((t: { function: { name: string } }) => t.function.name),
  },
  {
    name: "Anthropic",
    start: startAnthropic,
    env: (url) => ({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: url }),
    model: "anthropic/claude-sonnet-5-5",
    key: (headers) => headers.get("x-api-key"),
    instructions: (body) => body.system[0].text,
    toolNames: (body) => body.tools?.map((t: { name: string }) => t.name),
  },
  {
    name: "Gemini",
    start: startGemini,
    env: (url) => ({ USE_GEMINI: "true", GOOGLE_API_KEY: KEY, GOOGLE_GEMINI_BASE_URL: url }),
    model: "gemini/gemini-3.1-pro-preview-customtools",
    key: (headers) => headers.get("x-goog-api-key"),
    instructions: (body) => body.systemInstruction.parts[0].text,
    toolNames: (body) => body.tools?.[0].functionDeclarations.map((t: { name: string }) => t.name),
  },
];

for (const provider of PROVIDERS) {
  describe(`a model of ${provider.name}`, () => {
    let fake: FakeProvider;
    let model: Model;
    beforeAll(() => {
      fake = provider.start();
      model = createModel(readConfig(provider.env(fake.url)).model!);
    });
    afterAll(() => fake[Symbol.asyncDispose]());
    beforeEach(() => {
      fake.asked.length = 0;
    });
    const step = (turns: Turn[] = hello, more: Partial<Parameters<Model["step"]>[0]> = {}) =>
      model.step(
        { instructions: "Be kind", turns, tools, maxOutputTokens: 500, maxMs: 30_000, ...more },
        new AbortController().signal,
      );
    const failure = async (more: Partial<Parameters<Model["step"]>[0]> = {}) =>
      await assertRejects(() => step(hello, more), ModelError);

    it("answers in words", async () => {
      assertEquals(model.name, provider.model);
      fake.script = [{ text: "Hi there" }];
      const said = await step();
      assertEquals([said.text, said.finish, said.calls], ["Hi there", "stop", []]);
      assertEquals(said.tokens, { input: 100, output: 10 });
      const [asked] = fake.asked;
      assertEquals(provider.key(asked.headers), KEY);
      assertEquals(provider.instructions(asked.body), "Be kind");
      assertEquals(provider.toolNames(asked.body), ["add_note"]);
    });

    it("asks for tools, hears the results, and survives being stored as JSON", async () => {
      fake.script = [{
        calls: [{ tool: "add_note", args: { text: "a" } }, {
          tool: "add_note",
          args: { text: "b" },
        }],
      }];
      const said: ModelStep = JSON.parse(JSON.stringify(await step()));
      assertEquals(said.calls.map((call) => [call.tool, call.arguments]), [
        ["add_note", { text: "a" }],
        ["add_note", { text: "b" }],
      ]);
      fake.script = [{ text: "Both noted" }];
      const results: Turn = {
        role: "tool",
        content: said.calls.map(({ id, tool }) => ({
          type: "tool-result",
          toolCallId: id,
          toolName: tool,
          output: { type: "text", value: "noted 4711" },
        })),
      };
      const after = await step([...hello, ...said.turns, results]);
      assertEquals(after.text, "Both noted");
      assertEquals(fake.asked[1].text.match(/noted 4711/g)?.length, 2);
    });

    it("lets no tool be called in a last step, not even if the model does", async () => {
      fake.script = [{ text: "The end" }, { calls: [{ tool: "add_note", args: { text: "x" } }] }];
      await step(hello, { last: true });
      const said = await step(hello, { last: true });
      for (const { body } of fake.asked) {
        if (provider.name === "Anthropic") assertEquals(body.tool_choice, { type: "none" });
        else assertEquals(provider.toolNames(body), undefined);
      }
      assert(said.calls.every((each) => each.invalid));
    });

    it("says how long an answer may be, in the provider's own words", async () => {
      fake.script = [{ text: "Hi" }];
      await step();
      const { max_tokens, max_completion_tokens, generationConfig } = fake.asked[0].body;
      assertEquals(
        [max_tokens, max_completion_tokens, generationConfig?.maxOutputTokens]
          .filter((each) => each !== undefined),
        [500],
      );
      // OpenAI's thinking models refuse the older name.
      assertEquals(max_completion_tokens === 500, provider.name === "OpenAI");
    });

    it("is told of a tool that does not exist, and goes on", async () => {
      fake.script = [{ calls: [{ tool: "delete_everything", args: {} }] }];
      const said = await step();
      assertMatch(said.calls[0].invalid!, /delete_everything/);
      fake.script = [{ text: "Sorry" }];
      assertEquals((await step([...hello, ...said.turns])).text, "Sorry");
    });

    it("waits out what is temporary, as long as the provider says", async () => {
      fake.script = [{ status: 429, headers: { "retry-after": "17" } }];
      const limited = await failure();
      assertEquals([limited.temporary, limited.retryAfterSeconds], [true, 17]);
      for (const status of [408, 500, 503, 529]) {
        fake.script = [{ status }];
        assert((await failure()).temporary, String(status));
      }
      fake.script = ["hang"];
      assert((await failure({ maxMs: 50 })).temporary);
      fake.script = [{ raw: '{"choices": [' }];
      assert((await failure()).temporary);
      // None of them was tried again behind our back.
      assertEquals(fake.asked.length, 7);
    });

    it("says why a request was refused, without the key", async () => {
      for (const status of [400, 401, 403, 404, 422]) {
        fake.script = [{ status, message: "no such model" }];
        const refused = await failure();
        assert(!refused.temporary);
        assertMatch(refused.message, new RegExp(`${status}.*no such model`));
        assert(!refused.message.includes(KEY));
      }
    });

    it("stops at once when told to", async () => {
      fake.script = ["hang"];
      const stop = new AbortController();
      const running = model.step(
        { instructions: "", turns: hello, tools, maxOutputTokens: 1, maxMs: 60_000 },
        stop.signal,
      );
      stop.abort();
      await assertRejects(() => running, DOMException);
    });
  });
}

describe("a model that nobody answers for", () => {
  it("is temporarily away", async () => {
    const fake = startOpenAi();
    await fake[Symbol.asyncDispose]();
    const config = readConfig({ OPENAI_API_KEY: KEY, OPEN_AI_BASE: `${fake.url}/v1` });
    const error = await assertRejects(
      () =>
        createModel(config.model!).step(
          { instructions: "", turns: hello, tools, maxOutputTokens: 1, maxMs: 10_000 },
          new AbortController().signal,
        ),
      ModelError,
    );
    assert(error.temporary);
    assertMatch(error.message, /cannot be reached/);
  });
});

describe("a model's broken arguments", () => {
  it("are not made up for, and it is told so", async () => {
    const fake = startOpenAi();
    try {
      const config = readConfig({ OPENAI_API_KEY: KEY, OPEN_AI_BASE: `${fake.url}/v1` });
      fake.script = [{ broken: { tool: "add_note", args: '{"text": "half' } }];
      const said = await createModel(config.model!).step(
        { instructions: "", turns: hello, tools, maxOutputTokens: 1, maxMs: 10_000 },
        new AbortController().signal,
      );
      assert(said.calls[0].invalid);
      assertEquals(said.turns.at(-1)?.role, "tool");
    } finally {
      await fake[Symbol.asyncDispose]();
    }
  });
});
