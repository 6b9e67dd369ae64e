import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Say } from "../../fakes/server.ts";
import { note, onAnthropic, onChat, onGemini, type ProviderStage } from "./provider_stage.ts";

describe("the limit of tokens", () => {
  it("goes by the name that a server wants, learned once", async () => {
    await onChat("azure", async ({ fake, step }) => {
      fake.script = [{ text: "Hi" }];
      for (let i = 0; i < 3; i++) assertEquals((await step()).text, "Hi");
      assertEquals(fake.asked.map(({ body }) => body.max_completion_tokens), [
        undefined,
        500,
        500,
        500,
      ]);
      assertEquals(fake.refused.length, 1);
    });
  });

  it("goes by the older name where the newer one is refused", async () => {
    await onChat("mistral", async ({ fake, step }) => {
      fake.script = [{ text: "Hi" }];
      assertEquals([(await step()).text, (await step()).text], ["Hi", "Hi"]);
      assertEquals(fake.asked.map(({ body }) => body.max_tokens), [undefined, 500, 500]);
    }, { OPENAI_MODEL: "gpt-5-mini" });
  });

  it("is left out where both names are refused, and a number that is refused is not renamed", async () => {
    await onChat("openai", async ({ fake, step }) => {
      const refuse = (name: string): Say => ({
        status: 400,
        message: `Unsupported parameter: '${name}'`,
      });
      fake.script = [refuse("max_tokens"), refuse("max_completion_tokens"), { text: "Hi" }];
      assertEquals((await step()).text, "Hi");
      const { max_tokens, max_completion_tokens } = fake.asked[2].body;
      assertEquals([max_tokens, max_completion_tokens], [undefined, undefined]);
    });
    for (
      const number of ["is too large: 500. This model supports 99", "is not allowed to exceed 99"]
    ) {
      await onChat("ollama", async ({ fake, failure }) => {
        fake.script = [{ status: 400, message: `max_tokens ${number}` }];
        const { temporary, message } = await failure();
        assert(!temporary);
        assertStringIncludes(message, `${number}. Lower budgets.output_tokens`);
        assertEquals(fake.asked.length, 1);
      });
    }
  });
});

describe("an answer that is none", () => {
  it("may be asked for again when the model has stumbled", async () => {
    await onGemini(async ({ fake, step }) => {
      for (const finish of ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER"]) {
        fake.script = [{ finish }];
        const { fault, turns, tokens } = await step();
        assertEquals([fault?.again, turns, tokens.input], [true, [], 100], finish);
        assertStringIncludes(fault!.reason, finish);
      }
      fake.script = [{}];
      assertEquals((await step()).fault, { again: true, reason: "the model ended without a word" });
    });
    await onChat("groq", async ({ fake, step }) => {
      for (const words of ["tool_use_failed: Failed to call", "Failed to generate tool_calls."]) {
        fake.script = [{ status: 400, message: words }];
        assertMatch((await step()).fault!.reason, /Failed to/);
      }
      fake.script = [{ finish: "error" }];
      assertEquals((await step()).fault?.again, true);
    });
    await onChat("ollama", async ({ fake, step }) => {
      fake.script = [{ status: 500, message: "error parsing tool call: raw='{\"a'" }];
      assertEquals((await step()).fault?.again, true);
    });
    await onChat("llamacpp", async ({ fake, step }) => {
      for (
        const written of ["<think>SECRET", "<|channel|>analysis<|message|>SECRET", "</tool_call>"]
      ) {
        fake.script = [{ status: 500, message: `Failed to parse input at pos 12: ${written}` }];
        const { fault } = await step();
        assertEquals(fault?.again, true);
        assertMatch(fault!.reason, /answered 500: Failed to parse input at pos 12:/);
        assert(!fault!.reason.includes("SECRET"));
      }
    });
  });

  it("fails with the finish reason in words when the provider holds it back", async () => {
    await onGemini(async ({ fake, step }) => {
      for (const finish of ["RECITATION", "SAFETY", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST"]) {
        fake.script = [{ text: "Half of", finish }];
        const { fault, text } = await step();
        assertEquals([fault?.again, text], [false, ""]);
        assertMatch(fault!.reason, new RegExp(`^Gemini ended the answer with ${finish}: \\w+`));
      }
      const blocked = { promptFeedback: { blockReason: "PROHIBITED_CONTENT" }, usageMetadata: {} };
      fake.script = [{ raw: JSON.stringify(blocked) }];
      const { fault } = await step();
      assertEquals(fault?.again, false);
      assertMatch(fault!.reason, /blocked the prompt with PROHIBITED_CONTENT/);
    });
    await onChat("azure", async ({ fake, step, failure }) => {
      fake.script = [{ text: "Half", finish: "content_filter" }];
      assertMatch((await step()).fault!.reason, /content_filter: the provider's content filter/);
      const error = { message: "The response was filtered", code: "content_filter", status: 400 };
      fake.script = [{ raw: JSON.stringify({ error }), status: 400 }];
      const refused = await failure();
      assert(!refused.temporary);
      assertMatch(refused.message, /answered 400: The response was filtered \(content_filter\)/);
    });
    await onAnthropic(async ({ fake, step }) => {
      fake.script = [{ text: "I", finish: "refusal" }];
      assertMatch((await step()).fault!.reason, /refusal: the model refuses/);
    });
  });

  it("is an answer when it says something all the same, or was cut off by its limit", async () => {
    await onGemini(async ({ fake, step }) => {
      fake.script = [{ text: "Done.", finish: "OTHER" }];
      assertEquals((await step()).fault, undefined);
      fake.script = [{ finish: "MAX_TOKENS" }];
      const { fault, finish } = await step();
      assertEquals([fault, finish], [undefined, "length"]);
    });
  });
});

describe("a provider that refuses", () => {
  it("is quoted, whatever the shape of its error", async () => {
    const said = "no such model: mine";
    await onChat("openai", async ({ fake, failure }) => {
      for (
        const body of [
          { error: said },
          { error: { message: said } },
          [{ error: { message: said, code: 400 } }],
          { message: said },
          { object: "error", message: said, code: 40001 },
          { detail: said },
          { detail: [{ loc: ["body", "model"], msg: said, type: "value_error" }] },
          { errors: [{ code: 7003, message: said }] },
          { error: { message: JSON.stringify({ error: { message: said } }) } },
          said,
        ]
      ) {
        fake.script = [{ raw: JSON.stringify(body), status: 400 }];
        assertStringIncludes((await failure()).message, `answered 400: `);
        assertStringIncludes((await failure()).message, said);
      }
      fake.script = [{ raw: said, status: 404, type: "text/plain" }];
      assertStringIncludes((await failure()).message, `answered 404: ${said}`);
      const page = `<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>`;
      fake.script = [{ raw: page, status: 502, type: "text/html" }];
      const away = await failure();
      assertEquals([away.temporary, away.message.includes("<")], [true, false]);
      fake.script = [{ raw: "", status: 400 }];
      assertMatch((await failure()).message, /answered 400: without a word/);
    });
  });

  it("is asked again when it wants to be: seconds, fractions, milliseconds, a date, its own words", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      const after = async (headers: Record<string, string>) => {
        fake.script = [{ status: 429, headers }];
        return (await failure()).retryAfterSeconds;
      };
      assertEquals(await after({ "retry-after": "17" }), 17);
      assertEquals(await after({ "retry-after": "5.5" }), 5.5);
      assertEquals(await after({ "retry-after": "2s" }), 2);
      assertEquals(await after({ "retry-after-ms": "1500", "retry-after": "2" }), 1.5);
      assertEquals(await after({ "x-ms-retry-after-ms": "250" }), 0.25);
      assertEquals(await after({ "retry-after": "-1" }), undefined);
      assertEquals(await after({ "retry-after": "soon" }), undefined);
      assertEquals(await after({}), undefined);
      // A server's own header of the date may be a second late.
      const [date, then] = [0, 60_000].map((ms) => new Date(Date.now() + ms).toUTCString());
      const seconds = await after({ date, "retry-after": then });
      assert(seconds! > 50 && seconds! <= 60, String(seconds));
      assertEquals(await after({ "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" }), 0);
    });
    await onGemini(async ({ fake, failure }) => {
      const details = [{
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        retryDelay: "37.5s",
      }];
      const error = { code: 429, message: "Quota", status: "RESOURCE_EXHAUSTED", details };
      fake.script = [{ raw: JSON.stringify({ error }), status: 429 }];
      assertEquals((await failure()).retryAfterSeconds, 37.5);
    });
  });

  it("may do so with a 200", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      fake.script = [{ raw: JSON.stringify({ error: { code: 429, message: "slow down" } }) }];
      const limited = await failure();
      assertEquals(limited.temporary, true);
      assertMatch(limited.message, /answered 429: slow down/);
      fake.script = [{ raw: JSON.stringify({ error: { code: 400, message: "bad" } }) }];
      assertEquals((await failure()).temporary, false);
      fake.script = [{ raw: "<html>Please wait</html>", type: "text/html" }];
      assertEquals((await failure()).temporary, true);
    });
  });

  it("is left when its answer has no end", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      fake.script = [{ endless: 1_048_576 }];
      const left = await failure();
      assert(!left.temporary);
      assertMatch(left.message, /more than 33,554,432 bytes/);
    });
  });
});

describe("a tool of another server that a provider would refuse", () => {
  const strange = (name: string, schema: Record<string, unknown>) => ({
    name: `desk__${name}`,
    description: "?",
    schema,
  });

  it("is made whole when it can be", async () => {
    const tools = [
      note,
      strange("bare", { type: "object" }),
      strange("untyped", {}),
      strange("list", { type: "object", properties: { ids: { type: "array" } } }),
    ];
    for (const on of [onGemini, onAnthropic, onChat.bind(null, "openai")]) {
      await on(async ({ fake, step }: ProviderStage) => {
        fake.script = [{ text: "Hi" }];
        const { text, off } = await step({ tools });
        assertEquals([text, off, fake.refused], ["Hi", [], []]);
      });
    }
  });

  it("is off, and the others are not", async () => {
    const tools = [
      strange("choice", { type: "object", anyOf: [{}] }),
      strange("text", { type: "string" }),
      strange("fine", { type: "object" }),
      // Nobody but the vendor knows of this one.
      strange("format", {
        type: "object",
        properties: { a: { type: "string", format: "refused-format" } },
      }),
    ];
    for (const on of [onGemini, onChat.bind(null, "openai")]) {
      await on(async ({ fake, step }: ProviderStage) => {
        fake.script = [{ text: "Hi" }];
        for (let i = 0; i < 2; i++) {
          const { text, off } = await step({ tools: [note, ...tools] });
          assertEquals(text, "Hi");
          const names = off.map(({ tool }) => tool);
          assert(names.includes("desk__text") && names.includes("desk__format"), names.join());
          assert(!names.includes("desk__fine"));
          assert(off.every(({ reason }) => reason.length > 10));
        }
        // The second time it was known.
        assertEquals(fake.refused.length, 1);
      });
    }
  });
});
