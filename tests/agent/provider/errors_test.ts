import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { onChat, onGemini } from "./provider_stage.ts";

/** What becomes of a request, and how what people are told of it ends. */
const MENDS = {
  credit: ["fail", /add some there, then run the task again$/],
  key: ["fail", /Check its key, and that the key may use this model$/],
  model: ["fail", /Check the model's name and its server's address$/],
  context: ["fail", /or take a model with a larger context$/],
  tools: ["fail", /can call tools$/],
  template: ["fail", /or another template for it$/],
  plan: ["fail", /or a plan that has it$/],
  memory: ["doubt", /or give its server more memory$/],
  portal: ["doubt", /wants somebody to sign in$/],
  time: ["wait", /./],
  deployment: ["doubt", /Check the model's name and its server's address$/],
  // What it says is all that there is to be done.
  itself: ["fail", /^(?!.*(Check|raise|lower|Choose))/i],
} as const;

/** From what people have posted of the vendors' errors. */
const KINDS: [mends: keyof typeof MENDS, vendor: string, status: number, error: string | object][] =
  [
    [
      "credit",
      "xAI",
      429,
      "Your team x has either used all available credits or reached its limit.",
    ],
    ["credit", "xAI", 403, "Your newly created team doesn't have any credits or licenses yet."],
    ["credit", "Gemini", 429, "Your prepayment credits are depleted."],
    ["credit", "Anthropic", 429, "This request would exceed your account's monthly spend limit."],
    ["credit", "LiteLLM", 400, "Budget has been exceeded! Current cost: 10.1, Max budget: 10.0"],
    ["credit", "Zhipu", 429, "余额不足或无可用资源包,请充值。"],
    ["credit", "SiliconFlow", 403, "Sorry, your account balance is insufficient"],
    ["credit", "Volcengine", 403, "Your account has an overdue balance."],
    ["credit", "Novita", 403, "not enough balance"],
    ["credit", "New API", 403, { message: "no", code: "insufficient_user_quota" }],
    ["credit", "New API, with a 200", 200, { message: "no", code: "insufficient_user_quota" }],
    ["credit", "a gateway", 500, { message: "upstream", code: "insufficient_quota" }],
    ["plan", "Gemini", 429, "Quota exceeded for metric: free_tier_requests, limit: 0, model: x"],
    ["time", "Gemini", 429, "Quota exceeded for metric: free_tier_requests, limit: 20, model: x"],
    ["time", "OpenRouter", 429, "free-models-per-day. Add 10 credits to unlock 1000 free requests"],
    ["time", "Bedrock", 429, "Too many tokens per day, please wait before trying again."],
    ["time", "Cerebras", 429, { message: "Requests per minute", code: "request_quota_exceeded" }],
    ["time", "LM Studio", 400, "The model has crashed without additional information."],
    ["time", "a gateway", 429, "Rate limit: 0 of 60 requests left in this minute"],
    ["time", "a gateway", 502, "The upstream's answer: parse error at line 1, column 10"],
    [
      "time",
      "Anthropic",
      429,
      "This request would exceed the rate limit for your organization of 40,000 input tokens per " +
      "minute. Please reduce the prompt length or the maximum tokens requested, or try again later.",
    ],
    ["time", "a gateway", 502, "Invalid token '<' in the upstream's JSON"],
    ["time", "vLLM", 500, "EngineCore encountered an issue."],
    ["time", "Cloudflare", 525, "error code: 525"],
    ["key", "Gemini", 400, "API key not valid. Please pass a valid API key."],
    ["key", "Cohere", 498, "invalid token"],
    ["model", "Groq", 400, "The model `x` has been decommissioned and is no longer supported."],
    ["model", "LiteLLM", 400, "Invalid model name passed in model=mine."],
    ["model", "Mistral", 400, "Invalid model: mine"],
    ["model", "a server of another kind", 501, "Unsupported method ('POST')"],
    ["model", "DeepSeek", 400, "Model Not Exist"],
    ["context", "Qwen", 400, "Range of input length should be [1, 30720]"],
    ["context", "Moonshot", 400, "Your request exceeded model token limit: 8192"],
    ["context", "xAI", 400, "This model's maximum prompt length is 131072"],
    ["context", "TGI", 422, "`inputs` must have less than 4096 tokens. Given: 5000"],
    ["context", "Cohere", 400, "too many tokens: total number of tokens cannot exceed 4081"],
    ["context", "Copilot", 400, "prompt token count of 140000 exceeds the limit of 128000"],
    ["context", "Zhipu", 400, "Prompt exceeds max length"],
    ["context", "LiteLLM", 500, "litellm.ContextWindowExceededError: x"],
    ["tools", "OpenAI", 400, "Unsupported parameter: 'tools' is not supported with this model."],
    ["tools", "Perplexity", 400, "Tool calling is not supported for this model"],
    ["template", "llama.cpp", 500, "Value is not callable: null at row 49, column 79: {%- set"],
    ["template", "llama.cpp", 500, "While executing FilterExpression at line 55, column 63 in"],
    ["template", "llama.cpp", 500, "Failed to initialize samplers: failed to parse grammar"],
    ["template", "LM Studio", 400, "Error rendering prompt with jinja template: x"],
    ["memory", "Ollama", 500, "model requires more system memory (7.5 GiB) than is available"],
    ["portal", "a network", 511, "Sign in"],
    ["credit", "OpenRouter", 403, "Key limit exceeded. Manage it using https://openrouter.ai/x"],
    ["credit", "Qwen", 403, { message: "no", code: "AllocationQuota.FreeTierOnly" }],
    ["context", "SambaNova", 400, "the maximum supported sequence length is just 8192!"],
    ["context", "vLLM", 400, "max_tokens must be at least 1, got -200."],
    ["context", "Zhipu", 400, "Prompt超长"],
    [
      "deployment",
      "Azure",
      404,
      { message: "If it is new, please wait a moment and try again.", code: "DeploymentNotFound" },
    ],
    ["itself", "OpenRouter", 404, "No endpoints found matching your data policy."],
    ["itself", "OpenRouter", 404, "No endpoints found that can handle the requested parameters."],
    ["itself", "xAI", 403, "Content violates usage guidelines."],
    ["itself", "Qwen", 400, { message: "Input data", code: "data_inspection_failed" }],
    ["itself", "Azure", 403, "Access denied due to Virtual Network/Firewall rules."],
    ["itself", "OpenAI", 403, "Country, region, or territory not supported"],
  ];

describe("an error of some vendor", () => {
  it("is waited for only where time mends it, and says who else can", async () => {
    await onChat("openai", async ({ fake, failure }) => {
      for (const [mends, vendor, status, error] of KINDS) {
        fake.script = [{ raw: JSON.stringify({ error }), status }];
        const { temporary, doubtful, message } = await failure({ tools: [] });
        const became = doubtful ? "doubt" : temporary ? "wait" : "fail";
        const [verdict, says] = MENDS[mends];
        assertEquals(became, verdict, `${vendor}: ${message}`);
        assertMatch(message, says, vendor);
        assert(message.includes(typeof error === "string" ? error : "("), message);
      }
    });
  });

  it("of a plan that has none of a model is no minute's, whatever it says of a minute", async () => {
    await onGemini(async ({ fake, failure }) => {
      const message =
        "Quota exceeded for metric: free_tier_requests, limit: 0. Please retry in 9s.";
      fake.script = [{ raw: JSON.stringify({ error: { code: 429, message } }), status: 429 }];
      assert(!(await failure()).temporary);
    });
  });
});
