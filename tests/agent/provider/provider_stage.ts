import { assertRejects } from "@std/assert";
import { createModel, type Model, type ModelStep, type Turn } from "../../../lib/agent/model.ts";
import { ModelError } from "../../../lib/agent/model_error.ts";
import { readConfig } from "../../../lib/config/config.ts";
import { startAnthropic } from "../../fakes/anthropic.ts";
import type { Dialect } from "../../fakes/chat_check.ts";
import { startGemini } from "../../fakes/gemini.ts";
import { startOpenAi } from "../../fakes/openai.ts";
import type { FakeProvider } from "../../fakes/server.ts";

export const hello: Turn[] = [{ role: "user", content: "Hello" }];
export const note = {
  name: "add_note",
  description: "Writes a note",
  schema: { type: "object", properties: { text: { type: "string" } } },
};
type Step = Parameters<Model["step"]>[0];

/** A model, and the server that plays its provider. */
export interface ProviderStage {
  fake: FakeProvider;
  step(more?: Partial<Step>): ReturnType<Model["step"]>;
  failure(more?: Partial<Step>): Promise<ModelError>;
}

async function onStage(
  fake: FakeProvider,
  env: (url: string) => Record<string, string>,
  test: (stage: ProviderStage) => Promise<void>,
): Promise<void> {
  try {
    const model = createModel(readConfig(env(fake.url)).model!);
    const step = (more: Partial<Step> = {}) =>
      model.step({
        instructions: "Be kind",
        turns: hello,
        tools: [note],
        maxOutputTokens: 500,
        maxMs: 30_000,
        ...more,
      }, new AbortController().signal);
    await test({ fake, step, failure: (more) => assertRejects(() => step(more), ModelError) });
  } finally {
    await fake[Symbol.asyncDispose]();
  }
}

/** A server that speaks OpenAI's chat completions, with a vendor's habits. */
export const onChat = (
  dialect: Dialect,
  test: (stage: ProviderStage) => Promise<void>,
  env: Record<string, string> = {},
) =>
  onStage(
    startOpenAi(dialect),
    (url) => ({ OPENAI_API_KEY: "k", OPEN_AI_BASE: `${url}/v1`, OPENAI_MODEL: "mine", ...env }),
    test,
  );
export const onGemini = (test: (stage: ProviderStage) => Promise<void>) =>
  onStage(
    startGemini(),
    (url) => ({ USE_GEMINI: "true", GOOGLE_API_KEY: "k", GOOGLE_GEMINI_BASE_URL: url }),
    test,
  );
export const onAnthropic = (test: (stage: ProviderStage) => Promise<void>) =>
  onStage(
    startAnthropic(),
    (url) => ({ ANTHROPIC_API_KEY: "k", ANTHROPIC_BASE_URL: url }),
    test,
  );

/** What a tool says to each call of a step that was understood, in its turn. */
export function resultsFor({ calls, turns }: Pick<ModelStep, "calls" | "turns">): Turn[] {
  const content = calls.filter(({ invalid }) => !invalid).map(({ id, tool }) => ({
    type: "tool-result" as const,
    toolCallId: id,
    toolName: tool,
    output: { type: "text" as const, value: "noted" },
  }));
  const told: Turn[] = JSON.parse(JSON.stringify(turns));
  const last = told.at(-1);
  if (last?.role === "tool") last.content.push(...content);
  else told.push({ role: "tool", content });
  return told;
}
