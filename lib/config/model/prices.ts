import { z } from "zod";
import { ConfigError } from "../config_error.ts";
import { parseJson } from "../json_file.ts";

/** What a model's provider asks for a million tokens. */
export interface Price {
  input: number;
  output: number;
  /** Such as `USD`. */
  currency: string;
}

/** Dearer than any model is; a larger number was meant for something else. */
const MOST_PRICE = 1_000_000;
const price = z.number().min(0).max(MOST_PRICE);

const schema = z.record(
  z.string().regex(/^(openai|anthropic|gemini|ollama)\/[^*]+$/, {
    error: 'must be a provider (openai, anthropic, gemini, ollama), "/" and one model, such as ' +
      '"openai/gpt-5-mini"',
  }),
  z.strictObject({
    input: price,
    output: price,
    currency: z.string().regex(/^[A-Z]{3}$/, {
      error: 'must be a currency\'s three letters, such as "USD"',
    }).default("USD"),
  }),
);

/**
 * The prices of models (`AGENT_PRICES`), by name. They share a currency, because budgets add them up.
 *
 * @throws {ConfigError} that says what would be right.
 */
export function readPrices(json: string | undefined): ReadonlyMap<string, Price> {
  if (json === undefined) return new Map();
  const prices = new Map<string, Price>(
    Object.entries(parseJson("AGENT_PRICES", json, schema)),
  );
  const currencies = [...new Set([...prices.values()].map(({ currency }) => currency))];
  if (currencies.length <= 1) return prices;
  throw new ConfigError(
    `Cannot start with AGENT_PRICES in ${currencies.join(" and ")}: budgets add them up. ` +
      "Give all of them in one currency.",
  );
}
