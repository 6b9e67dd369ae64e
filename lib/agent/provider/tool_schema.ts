import type { ModelSettings } from "../../config/model_settings.ts";

type Provider = ModelSettings["provider"];
type Schema = Record<string, unknown>;

/** What models' providers take as a tool's name, from their API references. */
const NAMES: Record<Provider, RegExp> = {
  openai: /^[a-zA-Z0-9_-]{1,64}$/,
  ollama: /^[a-zA-Z0-9_-]{1,64}$/,
  anthropic: /^[a-zA-Z0-9_-]{1,128}$/,
  gemini: /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/,
};
/** Anthropic refuses other names of arguments. */
const PROPERTY = /^[a-zA-Z0-9_.-]{1,64}$/;
/** OpenAI and Anthropic want an object at the top, not a choice of some. */
const CHOICES = ["anyOf", "oneOf", "allOf", "not", "enum"];
/** Characters of JSON. It is sent with each step; the longest of well-known servers has a tenth of it. */
const MOST_SCHEMA = 50_000;
/** Deeper ones are refused by all. */
const MOST_DEPTH = 20;

/**
 * A tool's schema as its model's provider takes it: an object has `properties`, a list has `items`.
 * MCP lets a server leave both out, and OpenAI refuses the whole request for it.
 *
 * @returns why it cannot be used instead, when the provider would refuse it whatever we do.
 */
export function schemaFor(
  provider: Provider,
  { name, schema }: { name: string; schema: Schema },
): { schema: Schema } | { off: string } {
  if (!NAMES[provider].test(name)) {
    return { off: "its name is none that the model's provider takes" };
  }
  const { type = "object" } = schema;
  if (type !== "object") {
    return { off: `its arguments must be an object, and are of the type ${JSON.stringify(type)}` };
  }
  const choice = CHOICES.find((each) => schema[each] !== undefined);
  if (choice !== undefined && provider !== "gemini") {
    return { off: `its schema has "${choice}" at the top, which the model's provider refuses` };
  }
  if ((JSON.stringify(schema)?.length ?? 0) > MOST_SCHEMA) {
    return { off: `its schema has more than ${MOST_SCHEMA.toLocaleString("en")} characters` };
  }
  const whole = completed({ ...schema, type: "object" }, 0);
  if (whole === undefined) return { off: `its schema is nested more than ${MOST_DEPTH} deep` };
  if (provider === "anthropic") {
    const strange = Object.keys(whole.properties as Schema).find((key) => !PROPERTY.test(key));
    if (strange !== undefined) {
      return { off: `it has an argument "${strange.slice(0, 64)}", whose name Anthropic refuses` };
    }
  }
  return { schema: whole };
}

/** Undefined when it is nested too deep. */
function completed(schema: Schema, depth: number): Schema | undefined {
  if (depth > MOST_DEPTH) return undefined;
  const whole: Schema = { ...schema };
  const types = [schema.type].flat();
  if (types.includes("object") && !isObject(schema.properties)) whole.properties = {};
  // A list that says nothing of what is in it: Gemini wants a type there.
  if (types.includes("array") && schema.items === undefined) whole.items = { type: "string" };
  if (whole.required === null) delete whole.required;
  if (isObject(whole.properties)) {
    const properties: [string, unknown][] = [];
    for (const [name, each] of Object.entries(whole.properties)) {
      const inner = isObject(each) ? completed(each, depth + 1) : each;
      if (inner === undefined) return undefined;
      properties.push([name, inner]);
    }
    whole.properties = Object.fromEntries(properties);
  }
  if (isObject(whole.items)) {
    const items = completed(whole.items, depth + 1);
    if (items === undefined) return undefined;
    whole.items = items;
  }
  return whole;
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Which of the tools a provider means that has refused a request for one of them: by its name
 * (OpenAI: `Invalid schema for function 'x'`), or by its place (Anthropic: `tools.3.custom…`,
 * Gemini: `function_declarations[3]`).
 *
 * @param names as they were sent, in their order.
 */
export function refusedTool(words: string, names: readonly string[]): string | undefined {
  if (!/tool|function|schema/i.test(words)) return undefined;
  const place = /(?:\btools[.[]|function_?declarations\[)(\d{1,4})\b(?!\]\.function_?declarations)/i
    .exec(words)?.[1];
  if (place !== undefined) return names[Number(place)];
  return names.find((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(words));
}
