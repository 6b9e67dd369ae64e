import { isTooDeep } from "../../../../sources/kit/nesting.ts";
import { sentName } from "../sent_name.ts";
import { isPart } from "./parts.ts";
import { withoutThinking } from "./thinking.ts";

/** The most parts and calls that are taken of one answer: the SDK takes longer with each the more there are. */
export const MOST_PARTS = 1_000;
/** The longest name that every provider takes back. */
const MOST_NAME = 64;
/** What some models and their servers put in front of a tool's name. */
const NAMESPACE = /^(functions?|tools?|default_api|multi_tool_use)[.:/]/;

/** What an answer answers. */
export interface AnsweredRequest {
  /** The names of the tools that may be called. */
  tools: readonly string[];
  /** Of the calls before. */
  ids: readonly string[];
}

/**
 * The name of the tool that a model has called: without what gpt-oss (`functions.x`,
 * `x<|channel|>commentary`), Kimi (`functions.x:0`) and Gemini (`default_api.x`) put around it, and
 * as it is sent where the model has it from the operator's words. One that is no tool's is made one
 * that may be sent back: OpenAI refuses a conversation for it.
 *
 * @param offered the names of the tools that it may call.
 */
export function calledName(name: unknown, offered: readonly string[]): string {
  const said = typeof name === "string" ? name.slice(0, 4 * MOST_NAME).trim() : "";
  if (offered.includes(said)) return said;
  const [before] = said.split("<|");
  const bare = before.replace(/^["'`]|["'`]$|\(\)$/g, "").replace(NAMESPACE, "")
    .replace(/:\d{1,6}$/, "").trim();
  const own = [bare, sentName(said), sentName(bare)].find((each) => offered.includes(each));
  if (own !== undefined) return own;
  const clean = bare.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  return (/^[a-zA-Z_]/.test(clean) ? clean : `unnamed${clean}`).slice(0, MOST_NAME);
}

/**
 * A call's arguments as OpenAI's protocol has them, a text of JSON: some servers send the object
 * itself, nothing for no arguments (also `null`, and PHP's `[]`), or JSON of the text of JSON. What
 * is not JSON stays as it is.
 */
export function argumentsText(value: unknown): string {
  const said = typeof value === "string" ? value : JSON.stringify(value ?? null);
  const text = parsed(said) === undefined ? withoutThinking(said) : said;
  const once = parsed(text);
  if (once === null || Array.isArray(once) && once.length === 0) return "{}";
  if (isTooDeep(once)) return JSON.stringify("(nested too deep)");
  return typeof once === "string" && isPart(parsed(once)) ? once : text;
}

/** The same for protocols that have the object itself. */
export function argumentsValue(value: unknown): unknown {
  const text = argumentsText(value);
  return parsed(text, harmless) ?? text;
}

/** Without what would change an object's nature: the SDK refuses a whole answer for it. */
function harmless(name: string, value: unknown): unknown {
  const isNature = name === "__proto__" ||
    name === "constructor" && isPart(value) && Object.hasOwn(value, "prototype");
  return isNature ? undefined : value;
}

/**
 * Calls whose ids are texts, and each another one: by its id a call is told its result. Kimi and
 * MiMo give one twice, in an answer or in two, and refuse a conversation with it (nanobot#4473).
 *
 * @param taken those of earlier calls.
 */
export function withOwnIds<T extends { id?: unknown }>(
  calls: readonly T[],
  taken: Iterable<string>,
): T[] {
  const seen = new Set(taken);
  return calls.map((call) => {
    const { id } = call;
    if (id === undefined || id === null || id === "") return { ...call, id: undefined };
    const text = typeof id === "string" ? id : JSON.stringify(id);
    const own = seen.has(text) ? `${text}_${seen.size}` : text;
    seen.add(own);
    return { ...call, id: own };
  });
}

/** A call as it is sent back: every provider's templates take an object apart, and some only that. */
export function objectOf(input: unknown): Record<string, unknown> {
  return isPart(input) ? input : { unreadable: input };
}

function parsed(text: string, reviver?: typeof harmless): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    return undefined;
  }
}
