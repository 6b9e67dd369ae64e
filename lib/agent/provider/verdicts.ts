import type { ModelSettings } from "../../config/model_settings.ts";
import type { NextTry } from "./no_answer.ts";

type Provider = ModelSettings["provider"];

/** What is said of an answer that ended so, and what becomes of it. */
interface Ending {
  /** `again`: unless it calls tools. `again if empty`: unless it says anything. */
  verdict: "again" | "again if empty" | "fail";
  says: string;
}

const BROKEN_CALL: Ending = {
  verdict: "again",
  says: "the model wrote a tool call that nobody can read",
};
const NO_TOOL: Ending = {
  verdict: "again",
  says: "the model called a tool where none may be called",
};
const CUT_OFF: Ending = { verdict: "again if empty", says: "the answer broke off" };
const filtered = (says: string): Ending => ({ verdict: "fail", says });
const FILTERED = filtered("the provider's content filter held the answer back");
const UNSAFE = filtered("the provider holds the answer, or what it was asked with, for unsafe");

/** OpenAI's chat completions as OpenAI, Azure, Mistral, DeepSeek, vLLM, OpenRouter and Ollama end them. */
const CHAT: Record<string, Ending> = {
  content_filter: FILTERED,
  error: CUT_OFF,
  abort: CUT_OFF,
  insufficient_system_resource: CUT_OFF,
  load: CUT_OFF,
  unload: CUT_OFF,
};

/**
 * Endings that are none: every other one is an answer, as long as it says or calls
 * something. From the vendors' API references, and from what they send besides.
 */
const ENDINGS: Record<Provider, Record<string, Ending>> = {
  openai: CHAT,
  ollama: CHAT,
  anthropic: {
    refusal: filtered("the model refuses to answer this"),
    model_context_window_exceeded: {
      verdict: "fail",
      says: "the conversation has become longer than the model can read",
    },
    pause_turn: CUT_OFF,
  },
  gemini: {
    MALFORMED_FUNCTION_CALL: BROKEN_CALL,
    MALFORMED_RESPONSE: BROKEN_CALL,
    UNEXPECTED_TOOL_CALL: NO_TOOL,
    TOO_MANY_TOOL_CALLS: NO_TOOL,
    MISSING_THOUGHT_SIGNATURE: CUT_OFF,
    FINISH_REASON_UNSPECIFIED: CUT_OFF,
    BLOCK_REASON_UNSPECIFIED: CUT_OFF,
    OTHER: CUT_OFF,
    RECITATION: filtered("the answer repeated a text that the provider does not let it repeat"),
    SAFETY: UNSAFE,
    PROHIBITED_CONTENT: UNSAFE,
    BLOCKLIST: filtered("the answer, or what it was asked with, has words on a block list"),
    SPII: filtered("the answer had somebody's personal data in it"),
    LANGUAGE: filtered("the model does not speak this language"),
    IMAGE_SAFETY: UNSAFE,
    JAILBREAK: UNSAFE,
  },
};

/** Why an answer is none. */
export interface Fault {
  /** The same request may be answered when it is asked again. */
  again: boolean;
  /** In words, the provider's own among them. */
  reason: string;
}

/**
 * Why an answer that came with a 200 is none; undefined when it is one.
 *
 * @param finish its end, in the provider's own word.
 * @param blocked why the provider did not let the model read what it was asked (Gemini).
 * @param details what the provider says of it besides.
 */
export function faultOf(
  { provider, label }: ModelSettings,
  { finish, blocked, details, text, calls }: {
    finish?: string;
    blocked?: string;
    details?: string;
    text: string;
    calls: number;
  },
): Fault | undefined {
  const words = details ? ` (${details})` : "";
  const ending = ENDINGS[provider][blocked ?? finish ?? ""];
  if (blocked !== undefined) {
    const says = ending?.says ?? "the provider did not let the model read it";
    const again = ending !== undefined && ending.verdict !== "fail";
    return { again, reason: `${label} blocked the prompt with ${blocked}: ${says}${words}` };
  }
  const empty = text.trim() === "" && calls === 0;
  if (ending && finish !== undefined) {
    const isOne = ending.verdict === "again" ? calls > 0 : ending.verdict !== "fail" && !empty;
    if (isOne) return undefined;
    const again = ending.verdict !== "fail";
    return { again, reason: `${label} ended the answer with ${finish}: ${ending.says}${words}` };
  }
  // One that came to its limit of tokens would come to it again.
  if (!empty || LIMITS.has(finish ?? "")) return undefined;
  return { again: true, reason: "the model ended without a word" };
}

/** The ends of an answer that had no more room. */
const LIMITS = new Set(["length", "max_tokens", "model_length", "MAX_TOKENS"]);

/** What an error is known by, and what becomes of its request. The first that fits decides. */
interface ErrorRule {
  only?: readonly Provider[];
  statuses?: readonly number[];
  /** In the provider's own words or its code. */
  words?: RegExp;
  verdict: NextTry;
}

const ERRORS: readonly ErrorRule[] = [
  // The model's words, not ours, are wrong: Groq and llama.cpp refuse them, Ollama stumbles.
  {
    only: ["openai", "ollama"],
    statuses: [400, 422, 500],
    words: /tool_use_failed|failed_generation|output_parse_failed|pars(e|ing) tool call/i,
    verdict: "again",
  },
  // A proxy's timeout, a lock, too early, too many, Groq's spare capacity, one cancelled midway.
  { statuses: [408, 409, 425, 429, 498, 499], verdict: "wait" },
];

/** What becomes of a request that was answered with an error: 5xx and a few others are waited for. */
export function verdictOf(provider: Provider, status: number, words: string): NextTry {
  const rule = ERRORS.find(({ only, statuses, words: known }) =>
    (only?.includes(provider) ?? true) && (statuses?.includes(status) ?? true) &&
    (known?.test(words) ?? true)
  );
  if (rule) return rule.verdict;
  // A 200 that cannot be read, or a redirection, is a proxy's or a server's bad moment.
  return status < 400 || status >= 500 ? "wait" : "fail";
}
