import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { onAnthropic, onChat, onGemini } from "./provider_stage.ts";

type Body = Record<string, unknown> | string;
const error = (message: string, more = {}): Body => ({ error: { message, ...more } });

/** What a server answers, whether it is waited for, for how many seconds, and what people are told. */
type Kind = [vendor: string, status: number, body: Body, verdict: "wait" | "fail", says: RegExp];

const MONEY = /no credit left: add some there, then run the task again/;

/** From the vendors' pages on errors, and from what people have posted of them. */
const KINDS: Kind[] = [
  [
    "OpenAI",
    429,
    error("You exceeded your current quota, please check your plan and billing details.", {
      type: "insufficient_quota",
      code: "insufficient_quota",
    }),
    "fail",
    MONEY,
  ],
  ["OpenAI", 400, error("Billing limit", { code: "billing_hard_limit_reached" }), "fail", MONEY],
  ["Anthropic", 400, error("Your credit balance is too low to access the API."), "fail", MONEY],
  ["DeepSeek", 402, error("Insufficient Balance"), "fail", MONEY],
  [
    "OpenRouter",
    402,
    error("This request requires more credits, or fewer max_tokens."),
    "fail",
    MONEY,
  ],
  ["Moonshot", 429, error("Suspended", { type: "exceeded_current_quota_error" }), "fail", MONEY],
  [
    "MiniMax",
    200,
    { base_resp: { status_code: 1008, status_msg: "insufficient balance" } },
    "fail",
    MONEY,
  ],
  [
    "OpenAI",
    429,
    error("Request too large for gpt-5 on tokens per min (TPM): Limit 10000, Requested 12000."),
    "fail",
    /Requested 12000.*lower budgets\.output_tokens/,
  ],
  [
    "Groq",
    413,
    error("Request too large for model on tokens per minute (TPM): Limit 6000, Requested 9000"),
    "fail",
    /more than the account may send in a minute/,
  ],
  [
    "OpenAI",
    400,
    error("This model's maximum context length is 8192 tokens.", {
      code: "context_length_exceeded",
    }),
    "fail",
    /lower budgets\.steps/,
  ],
  [
    "Anthropic",
    400,
    error("prompt is too long: 210000 tokens > 200000 maximum"),
    "fail",
    /larger context/,
  ],
  ["Anthropic", 413, error("Request exceeds the maximum size"), "fail", /longer than may be sent/],
  [
    "llama.cpp",
    500,
    error("the request exceeds the available context size"),
    "fail",
    /larger context/,
  ],
  [
    "vLLM",
    400,
    { object: "error", message: "'max_tokens' or 'max_completion_tokens' is too large: 8192." },
    "fail",
    /Lower budgets\.output_tokens/,
  ],
  [
    "Ollama",
    400,
    error("registry.ollama.ai/library/gemma:2b does not support tools"),
    "fail",
    /call tools/,
  ],
  ["OpenRouter", 404, error("No endpoints found that support tool use."), "fail", /can call tools/],
  [
    "vLLM",
    400,
    error('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    "fail",
    /--tool-call-parser.*can call tools/,
  ],
  [
    "OpenRouter",
    403,
    error("Your chosen model requires moderation and your input was flagged"),
    "fail",
    /flagged$/,
  ],
  ["OpenAI", 401, error("Incorrect API key provided"), "fail", /Check its key/],
  [
    "Cloudflare",
    403,
    "<html><title>Just a moment...</title>",
    "fail",
    /Just a moment\.\.\. Check its key/,
  ],
  [
    "LM Studio",
    404,
    error("No models loaded.", { code: "model_not_found" }),
    "fail",
    /model's name/,
  ],
  ["FastAPI", 405, { detail: "Method Not Allowed" }, "fail", /Allowed\. Check the model's name/],
  [
    "OpenRouter, of the provider behind it",
    400,
    error("Provider returned error", {
      metadata: { raw: '{"message":"maximum context length is 8192"}', provider_name: "x" },
    }),
    "fail",
    /Provider returned error \(maximum context length is 8192\)\. .*lower budgets\.steps/,
  ],
  [
    "OpenRouter, in words alone",
    429,
    error("Provider returned error", { metadata: { raw: "x is rate-limited upstream" } }),
    "wait",
    /error \(x is rate-limited upstream\)/,
  ],
  ["MiniMax", 200, { base_resp: { status_code: 1026, status_msg: "input" } }, "fail", /400: input/],
  // Said with another status than 429 or 503.
  [
    "Bedrock's gateway",
    400,
    error("ThrottlingException: Too many tokens, please wait"),
    "wait",
    /Throttling/,
  ],
  ["Moonshot", 400, error("The engine is currently overloaded"), "wait", /overloaded/],
  ["LM Studio", 400, { error: "Model is loading" }, "wait", /loading/],
  [
    "TGI",
    424,
    { error: "Request failed during generation", error_type: "generation" },
    "wait",
    /424/,
  ],
  ["Groq", 498, error("capacity exceeded"), "wait", /498/],
  ["Anthropic", 529, error("Overloaded"), "wait", /529: Overloaded$/],
  ["Cloudflare", 520, "error code: 520", "wait", /520/],
  // With a 200.
  ["OpenRouter", 200, error("Provider returned error", { code: 429 }), "wait", /answered 429/],
  ["a gateway", 200, error("slow", { code: "rate_limit_exceeded" }), "wait", /answered 429/],
  ["a gateway", 200, error("no", { type: "invalid_request_error" }), "fail", /answered 400: no/],
  [
    "LM Studio, at another path",
    200,
    { error: "Unexpected endpoint or method. (POST /chat/completions)" },
    "fail",
    /answered with an error: Unexpected.*Check the model's name and its server's address$/,
  ],
  [
    "OpenRouter, once the model had begun",
    200,
    { choices: [{ finish_reason: "error", error: { code: 502, message: "Upstream died" } }] },
    "wait",
    /answered 502: Upstream died/,
  ],
  [
    "OpenRouter, beside half an answer",
    200,
    {
      choices: [{ message: { content: "Half of" }, finish_reason: "error" }],
      error: { code: 502, message: "Upstream died" },
    },
    "wait",
    /answered 502: Upstream died/,
  ],
  [
    "OpenRouter, in the middle of the model's words",
    200,
    {
      choices: [{
        message: { content: "Half of" },
        finish_reason: "error",
        error: { code: 502, message: "Upstream died" },
      }],
    },
    "wait",
    /answered 502: Upstream died/,
  ],
];

describe("a provider's error", () => {
  it("is waited for, or ends in words that people can do something with", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      for (const [vendor, status, body, verdict, says] of KINDS) {
        const isPage = typeof body === "string";
        const raw = isPage ? body : JSON.stringify(body);
        fake.script = [{ raw, status, type: isPage ? "text/html" : "application/json" }];
        const { temporary, message } = await failure();
        assertEquals(temporary ? "wait" : "fail", verdict, `${vendor}: ${message}`);
        assertMatch(message, says, vendor);
        assert(!/[^.]\.\.\s|\. \./.test(message), message);
      }
      // Nothing of it was asked for again behind our back.
      assertEquals(fake.asked.length, KINDS.length);
    });
  });

  it("of Gemini that speaks of a quota is one of minutes, and is waited for", async () => {
    await onGemini(async ({ fake, failure }) => {
      const message =
        "You exceeded your current quota, please check your plan and billing details. " +
        "Please retry in 41.5s.";
      const told = { error: { code: 429, message, status: "RESOURCE_EXHAUSTED" } };
      for (const body of [told, [told]]) {
        fake.script = [{ raw: JSON.stringify(body), status: 429 }];
        const { temporary, retryAfterSeconds } = await failure();
        assertEquals([temporary, retryAfterSeconds], [true, 41.5]);
      }
    });
  });

  it("of no known kind, with a 200, is waited for as what may never mend", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      for (const body of [error("Hm"), { error: "Hm" }, { base_resp: { status_code: 1000 } }]) {
        fake.script = [{ raw: JSON.stringify(body) }];
        const { temporary, doubtful, mayHaveBilled } = await failure();
        assertEquals([temporary, doubtful, mayHaveBilled], [true, true, true]);
      }
    });
  });

  it("may have billed when the model had begun", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      fake.script = [{ raw: JSON.stringify(error("died", { code: 502 })) }];
      assert((await failure()).mayHaveBilled);
      fake.script = [{ raw: JSON.stringify(error("slow", { code: 429 })) }];
      assert(!(await failure()).mayHaveBilled);
    });
    await onAnthropic(async ({ fake, failure }) => {
      fake.script = [{ raw: JSON.stringify(error("Overloaded", { type: "overloaded_error" })) }];
      const { temporary, mayHaveBilled, message } = await failure();
      assert(temporary && mayHaveBilled);
      assertMatch(message, /answered 529/);
    });
  });

  it("says in its words or its body how long to wait, where no header does", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      const after = async (body: unknown, headers = {}) => {
        fake.script = [{ raw: JSON.stringify(body), status: 429, headers }];
        return (await failure()).retryAfterSeconds;
      };
      for (
        const [words, seconds] of [
          ["Rate limit reached on tokens per day (TPD). Please try again in 7m12.5s. Visit", 432.5],
          ["Rate limit reached. Please try again in 20ms.", 0.02],
          ["Rate limit reached. Please try again in 1h2m3s.", 3_723],
          ["Requests have exceeded the call rate limit. Please retry after 26 seconds.", 26],
          ["Please wait 2 minutes before you try again", 120],
          ["Please try again later", undefined],
          ["You have 5 seconds in 2 models", undefined],
        ] as const
      ) assertEquals(await after(error(words)), seconds, words);
      // OpenRouter sends no header of it (dirge#718); Hugging Face says when the model is there.
      const at = Date.now() + 30_000;
      const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(at) };
      const routed = (await after(error("slow", { metadata: { headers } })))!;
      assert(routed > 25 && routed <= 30, String(routed));
      assertEquals(await after({ error: "Model x is loading", estimated_time: 20.5 }), 20.5);
      // OpenAI's and Groq's: only the limit that was reached counts.
      const reset = {
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "12h",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
      };
      assertEquals(await after(error("slow"), reset), 360);
      assertEquals(await after(error("slow"), { ...reset, "retry-after": "3" }), 3);
      assertEquals(await after(error("try again in 9s"), { "retry-after": "7" }), 7);
      // A proxy that says it, too; a clock that is an hour ahead of ours; Anthropic's and Cerebras'.
      assertEquals(await after(error("slow"), { "retry-after": "7, 7" }), 7);
      const ahead = Date.now() + 3_600_000;
      const [date, then] = [0, 60_000].map((ms) => new Date(ahead + ms).toUTCString());
      assertEquals(await after(error("slow"), { date, "retry-after": then }), 60);
      const seconds = String(Math.floor(Date.parse(then) / 1_000));
      assertEquals(await after(error("slow"), { date, "x-ratelimit-reset": seconds }), 60);
      const name = "anthropic-ratelimit-output-tokens";
      const limits = {
        [`${name}-reset`]: new Date(then).toISOString(),
        [`${name}-remaining`]: "0",
      };
      assertEquals(await after(error("slow"), { date, ...limits }), 60);
      assertEquals(
        await after(error("slow"), { "x-ratelimit-reset-requests-day": "33011.382" }),
        33_011.382,
      );
      const hostile = { "x-ratelimit-reset": "9".repeat(40), "retry-after": "NaN" };
      assertEquals(await after(error("slow"), hostile), undefined);
    });
  });

  it("that leads elsewhere is not followed, as the key would go along", async () => {
    for (const on of [onGemini, onAnthropic, onChat.bind(null, "openai")]) {
      await on(async ({ fake, failure }) => {
        for (const status of [301, 302, 307, 308]) {
          const location = `${fake.url}/elsewhere?token=canary`;
          fake.asked.length = 0;
          fake.script = [{ raw: "", status, headers: { location } }];
          const { temporary, message } = await failure();
          assert(!temporary);
          assertMatch(message, /leads to http:\/\/127.*set the address that answers/);
          assert(!message.includes("canary"));
          assertEquals(fake.asked.length, 1);
        }
      });
    }
  });
});
