import type { LanguageModel } from "ai";
import type { ModelSettings } from "../../config/model/model_settings.ts";
import { createRequestAdapter } from "./adapt_request.ts";
import { createExchange } from "./exchange.ts";
import { plainIds } from "./plain_ids.ts";
import { createSignedCalls } from "./signed_calls.ts";

/** A model itself, and not only its name. */
export type ProviderModel = Exclude<LanguageModel, string>;

/** Loads a provider's package, and opens the model in it. */
export async function loadModel(settings: ModelSettings): Promise<ProviderModel> {
  const { provider, model, baseUrl, apiKey, query } = settings;
  if (provider === "gemini") {
    const { createGoogleGenerativeAI } = await import("@ai-sdk/google");
    const fetch = createExchange(settings, createSignedCalls());
    return createGoogleGenerativeAI({ baseURL: baseUrl, apiKey, fetch }).chat(model);
  }
  if (provider === "anthropic") {
    const { createAnthropic } = await import("@ai-sdk/anthropic");
    const fetch = createExchange(settings, plainIds);
    return createAnthropic({ baseURL: baseUrl, apiKey, fetch }).chat(model);
  }
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const adapter = createRequestAdapter({ newer: provider === "openai" && thinks(model, baseUrl) });
  return createOpenAICompatible({
    name: provider,
    baseURL: baseUrl,
    queryParams: query,
    fetch: createExchange(settings, adapter),
    // Azure takes a bearer for a token of its directory, which a key is not.
    ...(settings.keyHeader && apiKey ? { headers: { [settings.keyHeader]: apiKey } } : { apiKey }),
  }).chatModel(model);
}

/** OpenAI's thinking models refuse `max_tokens`; its other models know the newer name, too. */
function thinks(model: string, baseUrl: string): boolean {
  return new URL(baseUrl).hostname === "api.openai.com" || /(^|\/)(o\d|gpt-[5-9])/.test(model);
}
