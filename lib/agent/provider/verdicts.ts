import type { ModelSettings } from "../../config/model/model_settings.ts";

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
/** Half of what it would have said is no result. */
const BROKEN_OFF: Ending = { ...CUT_OFF, verdict: "again" };
const filtered = (says: string): Ending => ({ verdict: "fail", says });
const FILTERED = filtered("the provider's content filter held the answer back");
const UNSAFE = filtered("the provider holds the answer, or what it was asked with, for unsafe");
const REFUSAL = filtered("the model refuses to answer this");
const TOO_LONG = filtered("the conversation has become longer than the model can read");

/**
 * Endings that are none: every other one is an answer, as long as it says or calls something. One
 * table for all, by the vendors' API references and by what they send besides: gateways hand on
 * another vendor's word as it is (Gemini's compatible endpoint says `SAFETY`, LiteLLM `refusal`).
 */
const ENDINGS: Record<string, Ending> = {
  // OpenAI, Azure, Mistral, Groq; Bedrock; Zhipu; Cohere.
  CONTENT_FILTER: FILTERED,
  CONTENT_FILTERED: FILTERED,
  GUARDRAIL_INTERVENED: FILTERED,
  SENSITIVE: FILTERED,
  ERROR_TOXIC: FILTERED,
  // OpenRouter and Mistral; vLLM and SGLang; DeepSeek; LM Studio and Ollama; Zhipu; Cohere.
  ERROR: BROKEN_OFF,
  ABORT: BROKEN_OFF,
  ABORTED: BROKEN_OFF,
  CANCELLED: BROKEN_OFF,
  INSUFFICIENT_SYSTEM_RESOURCE: BROKEN_OFF,
  LOAD: BROKEN_OFF,
  UNLOAD: BROKEN_OFF,
  NETWORK_ERROR: BROKEN_OFF,
  TIMEOUT: BROKEN_OFF,
  // vLLM and SGLang stop a model that says the same for ever.
  REPETITION: CUT_OFF,
  REPETITION_TRUNCATION: CUT_OFF,
  // Anthropic.
  REFUSAL,
  MODEL_CONTEXT_WINDOW_EXCEEDED: TOO_LONG,
  ERROR_LIMIT: TOO_LONG,
  PAUSE_TURN: CUT_OFF,
  COMPACTION: CUT_OFF,
  // Gemini.
  MALFORMED_FUNCTION_CALL: BROKEN_CALL,
  MALFORMED_RESPONSE: BROKEN_CALL,
  UNEXPECTED_TOOL_CALL: NO_TOOL,
  TOO_MANY_TOOL_CALLS: NO_TOOL,
  MISSING_THOUGHT_SIGNATURE: CUT_OFF,
  FINISH_REASON_UNSPECIFIED: CUT_OFF,
  BLOCK_REASON_UNSPECIFIED: CUT_OFF,
  OTHER: CUT_OFF,
  NO_IMAGE: CUT_OFF,
  IMAGE_OTHER: CUT_OFF,
  RECITATION: filtered("the answer repeated a text that the provider does not let it repeat"),
  IMAGE_RECITATION: filtered("the answer repeated a picture that it may not repeat"),
  SAFETY: UNSAFE,
  PROHIBITED_CONTENT: UNSAFE,
  IMAGE_PROHIBITED_CONTENT: UNSAFE,
  IMAGE_SAFETY: UNSAFE,
  MODEL_ARMOR: UNSAFE,
  JAILBREAK: UNSAFE,
  BLOCKLIST: filtered("the answer, or what it was asked with, has words on a block list"),
  SPII: filtered("the answer had somebody's personal data in it"),
  LANGUAGE: filtered("the model does not speak this language"),
};

/** The ends of an answer that had no more room. One that came to it would come to it again. */
const LIMITS = new Set(["LENGTH", "MAX_TOKENS", "MAX_OUTPUT_TOKENS", "MODEL_LENGTH"]);

/** The ends of an answer that calls a tool. */
const CALLING = new Set(["TOOL_CALLS", "TOOL_CALL", "TOOL_USE", "FUNCTION_CALL"]);

/** Whether an answer came to its limit of tokens, in whatever word. */
export function isCut(finish: string | undefined): boolean {
  return LIMITS.has(nameOf(finish));
}

/** `content_filter: RECITATION` (Gemini's compatible endpoint) is a `RECITATION`. */
function nameOf(finish = ""): string {
  return finish.slice(finish.lastIndexOf(":") + 1).trim().toUpperCase();
}

const ONLY_THOUGHTS = "the model only thought, and ended without a word: its server may take all " +
  "that it says for thoughts (vLLM and SGLang: --reasoning-parser)";

/** Why an answer is none. */
export interface Fault {
  /** The same request may be answered when it is asked again. */
  again: boolean;
  /** In words, the provider's own among them. */
  reason: string;
}

/** What is known of an answer that came with a 200. */
interface Answer {
  /** Its end, in the provider's own word. */
  finish?: string;
  /** Why the provider did not let the model read what it was asked (Gemini). */
  blocked?: string;
  /** What the provider says of it besides. */
  details?: string;
  text: string;
  calls: number;
  /** No tool could be called. */
  last?: boolean;
  /** Whether it has thoughts, wherever they stood. */
  thinks?: boolean;
  /** The call that stands in its text, in words. */
  written?: string;
}

/** Why an answer that came with a 200 is none; undefined when it is one. */
export function faultOf({ label }: ModelSettings, answer: Answer): Fault | undefined {
  const { finish, blocked, details, text, calls, last, thinks, written } = answer;
  const words = details ? ` (${details})` : "";
  const ending = ENDINGS[nameOf(blocked ?? finish)];
  if (blocked !== undefined) {
    const says = ending?.says ?? "the provider did not let the model read it";
    const again = ending !== undefined && ending.verdict !== "fail";
    return { again, reason: `${label} blocked the prompt with ${blocked}: ${says}${words}` };
  }
  const empty = text.trim() === "" && calls === 0;
  if (ending) {
    const isOne = ending.verdict === "again" ? calls > 0 : ending.verdict !== "fail" && !empty;
    if (!isOne) {
      const again = ending.verdict !== "fail";
      return { again, reason: `${label} ended the answer with ${finish}: ${ending.says}${words}` };
    }
  }
  if (written !== undefined && calls === 0) {
    return {
      again: true,
      reason: `the model wrote ${written} as a text, and ${label} did not read it: ` +
        "choose a model that can call tools, or let its server read them (vLLM: " +
        "--enable-auto-tool-choice and --tool-call-parser; llama.cpp: --jinja)",
    };
  }
  // Its words beside the call are no result (vllm#53255, vercel/ai#6257).
  if (!empty && !last && calls === 0 && CALLING.has(nameOf(finish))) {
    const reason = `${label} ended the answer with ${finish}: the model's call did not come along`;
    return { again: true, reason };
  }
  if (!empty || isCut(finish)) return undefined;
  return { again: true, reason: thinks ? ONLY_THOUGHTS : "the model ended without a word" };
}
