import { ConfigError } from "../config_error.ts";
import { chooseModel, type ModelSettings, type ModelVariables } from "./model_settings.ts";
import type { Price } from "./prices.ts";

/** A model that a kept message may be tried with. */
export interface TrialModel {
  /** Such as `openai/gpt-5-mini`. */
  name: string;
  settings: ModelSettings;
  price?: Price;
}

/**
 * The models that kept messages may be tried with, all of the provider in use: the one in use, those
 * listed, and those that have a price.
 *
 * @param listed the names that `AGENT_TRIAL_MODELS` lists.
 * @throws {ConfigError} when some are listed and there is no provider.
 */
export function readTrialModels(
  set: ModelVariables,
  { model, listed, prices }: {
    model: ModelSettings | undefined;
    listed: readonly string[];
    prices: ReadonlyMap<string, Price>;
  },
): TrialModel[] {
  if (model === undefined) {
    if (listed.length === 0) return [];
    throw new ConfigError(
      "Cannot start with AGENT_TRIAL_MODELS: no model is configured, so nobody knows whose models " +
        "these are. Set one, or unset AGENT_TRIAL_MODELS.",
    );
  }
  const { provider } = model;
  const priced = [...prices.keys()].filter((name) => name.startsWith(`${provider}/`))
    .map((name) => name.slice(provider.length + 1));
  return [...new Set([model.model, ...listed, ...priced])].flatMap((each) => {
    // Azure's address has the model in it.
    const settings = chooseModel({
      ...set,
      GEMINI_MODEL: each,
      OLLAMA_MODEL: each,
      OPENAI_MODEL: each,
      ANTHROPIC_MODEL: each,
    });
    if (typeof settings !== "object") return [];
    const name = `${provider}/${each}`;
    return [{ name, settings, price: prices.get(name) }];
  });
}
