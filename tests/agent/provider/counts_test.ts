import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { onAnthropic, onChat, onGemini, type ProviderStage } from "./provider_stage.ts";

/** What a provider counts, and what its call has as input and output then: 0 is estimated. */
type Counts = [usage: unknown, input: number, output: number];

const NONSENSE: unknown[] = [[], {}, "many", 7, null];

const CHAT: Counts[] = [
  [{ prompt_tokens: "100", completion_tokens: "10" }, 100, 10],
  [{ input_tokens: 100, output_tokens: 10 }, 100, 10],
  [{ prompt_eval_count: 100, eval_count: 10 }, 100, 10],
  [{ total_tokens: 110 }, 110, 0],
  [{ prompt_tokens: null, completion_tokens: {} }, 0, 0],
  // What is cached and what is thought are parts of their sums at OpenAI.
  [
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 40 },
    },
    100,
    50,
  ],
  // xAI: 300 of them are thoughts.
  [{ prompt_tokens: 100, completion_tokens: 10, total_tokens: 410 }, 100, 310],
  [
    {
      prompt_tokens: 100,
      completion_tokens: 10,
      total_tokens: 410,
      completion_tokens_details: { reasoning_tokens: 300 },
    },
    100,
    310,
  ],
  // Gateways in front of Anthropic: what its cache has read is apart, and no sum says so.
  [
    {
      prompt_tokens: 100,
      completion_tokens: 10,
      prompt_tokens_details: { cached_tokens: 5_000 },
      completion_tokens_details: { reasoning_tokens: 300 },
    },
    5_100,
    310,
  ],
  // A count that cannot be is none: its sum says more, or its text does.
  [{ prompt_tokens: 0, completion_tokens: 10, total_tokens: 110 }, 100, 10],
  [{ prompt_tokens: -100, completion_tokens: 10, total_tokens: 110 }, 100, 10],
  [{ prompt_tokens: 100, completion_tokens: 0, total_tokens: 110 }, 100, 10],
  [{ prompt_tokens: 100, completion_tokens: -5, total_tokens: 95 }, 100, 0],
  [{ prompt_tokens: -100, completion_tokens: -10, total_tokens: -110 }, 0, 0],
  [
    { prompt_tokens: 100, completion_tokens: 10, prompt_tokens_details: { cached_tokens: -90 } },
    100,
    10,
  ],
];

const ANTHROPIC: Counts[] = [
  [{ input_tokens: "100", output_tokens: 10 }, 100, 10],
  [
    {
      input_tokens: 100,
      cache_creation_input_tokens: 2_000,
      cache_read_input_tokens: 30_000,
      output_tokens: 10,
      cache_creation: { ephemeral_5m_input_tokens: 2_000, ephemeral_1h_input_tokens: 0 },
      output_tokens_details: { thinking_tokens: 4 },
    },
    32_100,
    10,
  ],
  [{ input_tokens: 100, cache_read_input_tokens: null, output_tokens: 10 }, 100, 10],
  [{ input_tokens: 100, cache_read_input_tokens: -90, output_tokens: 10 }, 100, 10],
  [{ input_tokens: -100, output_tokens: -10 }, 0, 0],
];

const GEMINI: Counts[] = [
  [{ promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 }, 100, 10],
  [
    {
      promptTokenCount: 100,
      cachedContentTokenCount: 64,
      toolUsePromptTokenCount: 700,
      candidatesTokenCount: 10,
      thoughtsTokenCount: 300,
      totalTokenCount: 1_110,
    },
    800,
    310,
  ],
  // All of it was thought.
  [{ promptTokenCount: 100, thoughtsTokenCount: 300, totalTokenCount: 400 }, 100, 300],
  // Proxies that leave out the newer counts: the sum has them.
  [{ promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 410 }, 100, 310],
  [{ promptTokenCount: 100, totalTokenCount: 400 }, 100, 300],
  [{ totalTokenCount: 400 }, 400, 0],
  [{ promptTokenCount: -100, candidatesTokenCount: 10, thoughtsTokenCount: -5 }, 0, 10],
];

const PROVIDERS: [
  name: string,
  on: (test: (stage: ProviderStage) => Promise<void>) => Promise<void>,
  counts: Counts[],
][] = [
  ["OpenAI's protocol", (test) => onChat("openai", test), CHAT],
  ["Anthropic", onAnthropic, ANTHROPIC],
  ["Gemini", onGemini, GEMINI],
];

describe("all that a provider bills is counted, and what is no count is none, of", () => {
  for (const [name, on, counts] of PROVIDERS) {
    it(name, async () => {
      await on(async ({ fake, step }) => {
        for (const [usage, input, output] of [...counts, ...NONSENSE.map((each) => [each, 0, 0])]) {
          fake.script = [{ text: "Hi", usage }];
          assertEquals((await step()).tokens, { input, output }, JSON.stringify(usage));
        }
      });
    });
  }
});
