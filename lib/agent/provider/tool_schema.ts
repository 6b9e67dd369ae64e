import type { ModelSettings } from "../../config/model/model_settings.ts";
import { isPart } from "./answer/parts.ts";

type Provider = ModelSettings["provider"];
type Schema = Record<string, unknown>;

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
  { schema }: { schema: Schema },
): { schema: Schema } | { off: string } {
  const type = schema.type ?? "object";
  // A list of types has what some generators make of an object that may be left out.
  if (![type].flat().includes("object")) {
    const told = JSON.stringify(type).slice(0, 60);
    return { off: `its arguments must be an object, and are of the type ${told}` };
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

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const NESTED = ["items", "additionalProperties", "not", "anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED = ["properties", "patternProperties", "$defs", "definitions"];

/** Undefined when it is nested too deep. */
function completed(schema: Schema, depth: number): Schema | undefined {
  if (depth > MOST_DEPTH) return undefined;
  const whole: Schema = { ...schema };
  const types = [schema.type].flat();
  if (types.includes("object") && !isPart(schema.properties)) whole.properties = {};
  // A list that says nothing of what is in it: Gemini wants a type there. One of JSON Schema's older
  // tuples would be refused.
  if (types.includes("array") && !isPart(schema.items)) whole.items = { type: "string" };
  if (Array.isArray(schema.items) && schema.items.some(isPart)) {
    whole.items = { anyOf: schema.items.filter(isPart) };
  }
  if (whole.required === null) delete whole.required;
  for (const keyword of NESTED) {
    if (!Object.hasOwn(whole, keyword)) continue;
    const all = [whole[keyword]].flat().map((each) =>
      isPart(each) ? completed(each, depth + 1) : each
    );
    if (all.includes(undefined)) return undefined;
    whole[keyword] = Array.isArray(whole[keyword]) ? all : all[0];
  }
  for (const keyword of NAMED) {
    if (!isPart(whole[keyword])) continue;
    const all = Object.entries(whole[keyword]).map(([name, each]) =>
      // `true` is any value, which not every provider knows.
      [name, isPart(each) ? completed(each, depth + 1) : each === true ? {} : each] as const
    );
    if (all.some(([, each]) => each === undefined)) return undefined;
    whole[keyword] = Object.fromEntries(all);
  }
  return whole;
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
