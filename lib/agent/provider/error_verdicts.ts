import { UNKNOWN_ERROR } from "./answer/tidy_answer.ts";
import type { NextTry } from "./no_answer.ts";

/** What an error is known by, and what becomes of its request. The first that fits decides. */
interface ErrorRule {
  /** Any, if it has words alone: gateways hand on another's refusal with a 500. */
  statuses?: readonly number[];
  /** In the provider's own words or its code: all of them. */
  words?: readonly RegExp[];
  /** The same, in small letters: any of them. */
  phrases?: readonly string[];
  verdict: NextTry;
  /** What people can do about it. */
  hint?: string;
}

const NO_CREDIT = "Its account has no credit left: add some there, then run the task again";
const NO_KEY = "Check its key, and that the key may use this model";
const NO_MODEL = "Check the model's name and its server's address";

/** By the vendors' API references, and by the words that they send. */
const ERRORS: readonly ErrorRule[] = [
  // The model's words, not ours, are wrong: Groq, Cerebras and llama.cpp refuse them, Ollama stumbles.
  {
    statuses: [400, 422, 424, 500],
    words: [
      /tool_use_failed|failed_generation|failed to (generate tool.?call|parse input)|output_parse_failed|pars(e|ing) tool call|model produced invalid (content|sequence)/i,
    ],
    verdict: "again",
  },
  // OpenAI says it with a 429, Anthropic with a 400, DeepSeek and OpenRouter with a 402. Waiting
  // pays no bill; Gemini's "exceeded your current quota" is one of minutes, and has no such code.
  {
    words: [
      /insufficient[_ ](user[_ ])?(quota|balance|credits?|funds)|billing_hard_limit|billing_not_active|exceeded_current_quota_error|arrearage|account_deactivated|budget_exceeded|freetieronly/i,
    ],
    verdict: "fail",
    hint: NO_CREDIT,
  },
  // In sentences: xAI with a 403 and a 429, Anthropic, Gemini, LiteLLM, Volcengine, Zhipu.
  {
    phrases: [
      "balance is insufficient",
      "balance is too low",
      "not enough balance",
      "overdue balance",
      "credits are depleted",
      "requires more credits",
      "purchase more credits",
      "out of credits",
      "used all available credits",
      "have any credits",
      "spend limit",
      "spending limit",
      "budget has been exceeded",
      "key limit exceeded",
      "余额不足",
      "欠费",
    ],
    verdict: "fail",
    hint: NO_CREDIT,
  },
  {
    statuses: [402],
    verdict: "fail",
    hint: NO_CREDIT,
  },
  // Gemini's free tier has none of its larger models at all, and says to try again in a minute.
  {
    statuses: [429],
    words: [/quota exceeded for metric/i, /\blimit: 0\b/],
    verdict: "fail",
    hint: "The account may not use this model: take another one, or a plan that has it",
  },
  // More in one request than a minute allows (OpenAI with a 429, Groq with a 413): it never fits.
  {
    statuses: [413, 429],
    words: [/request too large/i],
    verdict: "fail",
    hint: "One request is more than the account may send in a minute: raise its limits there, " +
      "or lower budgets.output_tokens in AGENT_CONFIG",
  },
  // Whatever else it says: Anthropic's speaks of the prompt's length.
  { statuses: [429], verdict: "wait" },
  {
    statuses: [413],
    verdict: "fail",
    hint: "The conversation is longer than may be sent: lower budgets.steps in AGENT_CONFIG",
  },
  {
    phrases: [
      "context length",
      "context_length",
      "context window",
      "contextwindow",
      "context size",
      "prompt is too long",
      "prompt exceeds",
      "prompt length",
      "prompt token count",
      "input is too long",
      "input length",
      "input token count",
      "too many input tokens",
      "too many tokens: total",
      "token limit: ",
      "must have less than ",
      "reduce the length",
      "sequence length is",
      "max_tokens must be at least 1",
      "prompt超长",
    ],
    verdict: "fail",
    hint: "The conversation is longer than the model can read: lower budgets.steps or " +
      "budgets.output_tokens in AGENT_CONFIG, or take a model with a larger context",
  },
  {
    statuses: [400, 422],
    words: [
      /\bmax_?(completion_|output_|new_)?tokens?\b/i,
      /too large|at most|maximum|exceed|range|less than|[<>]/i,
    ],
    verdict: "fail",
    hint: "Lower budgets.output_tokens in AGENT_CONFIG",
  },
  {
    statuses: [400, 404, 422, 500],
    words: [
      /not support (tools|tool use|tool call|function call)|support tool use|tool-call-parser|(tools?|tool calling|function calling)['"`]? (is|are) not supported|requires --jinja|tools param requires/i,
    ],
    verdict: "fail",
    hint: "Choose a model, and a server, that can call tools",
  },
  {
    statuses: [400, 403, 422],
    words: [
      /moderation|content[_ ](filter|management|policy)|ResponsibleAIPolicy|flagged|usage guidelines|safety_check|new_sensitive|data_inspection/i,
    ],
    verdict: "fail",
  },
  // LM Studio, with a 200.
  { phrases: ["unexpected endpoint or method"], verdict: "fail", hint: NO_MODEL },
  // Azure, of a name that is wrong, or too new.
  { words: [/DeploymentNotFound/], verdict: "doubt", hint: NO_MODEL },
  // Neither a key nor a name is wrong: OpenRouter's routing, Azure's network, a country.
  {
    statuses: [403, 404],
    words: [
      /data policy|requested parameters|virtual network|firewall|public access is disabled|country, region/i,
    ],
    verdict: "fail",
  },
  // Said with another status: Bedrock's gateways, LM Studio and Ollama while they load, Moonshot.
  {
    statuses: [400, 403, 404, 422],
    words: [
      /throttl|overloaded|(still|currently|is) loading|loading model|please wait|not ready|has crashed|try again (later|in)/i,
    ],
    verdict: "wait",
  },
  // A template that stumbles over the conversation, a grammar that a schema cannot be made into.
  {
    phrases: [
      "jinja",
      // llama.cpp's engines, the older one and its own.
      " at row ",
      "while executing ",
      "parse grammar",
      "initialize samplers",
      "schema conversion",
    ],
    verdict: "fail",
    hint: "Its server cannot put the conversation into the model's template: take another model, " +
      "or another template for it",
  },
  // Ollama, LM Studio, vLLM: others may give some back, or nobody does.
  {
    words: [/requires more system memory|insufficient (system )?(memory|resources)|out of memory/i],
    verdict: "doubt",
    hint: "Take a smaller model, or give its server more memory",
  },
  {
    words: [/(invalid|incorrect) api[ _-]?key|api key (not valid|expired)|invalid_api_key/i],
    verdict: "fail",
    hint: NO_KEY,
  },
  { statuses: [400, 422, 498], words: [/invalid token/i], verdict: "fail", hint: NO_KEY },
  {
    statuses: [400, 422],
    words: [
      /model/i,
      /(invalid|unknown|unsupported|no such) model|model_not_found|not found|not exist|decommissioned|deprecated|no longer|not a valid/i,
    ],
    verdict: "fail",
    hint: NO_MODEL,
  },
  // A network that wants a person to sign in.
  {
    statuses: [511],
    verdict: "doubt",
    hint: "Something between here and there wants somebody to sign in",
  },
  // A proxy's timeout, a lock, TGI's model, too early, Groq's spare capacity, one cancelled.
  { statuses: [408, 409, 424, 425, 498, 499], verdict: "wait" },
  {
    statuses: [301, 302, 303, 305, 307, 308],
    verdict: "fail",
    hint: "Otto follows no redirections, as its key would go along: set the address that answers",
  },
  {
    statuses: [401, 403, 407],
    verdict: "fail",
    hint: NO_KEY,
  },
  {
    statuses: [404, 405, 410, 501, 505],
    verdict: "fail",
    hint: NO_MODEL,
  },
];

/**
 * What becomes of a request that was answered with an error, and what people can do about it: 5xx
 * and a few others are waited for.
 *
 * @param isInside it came in the body of a 200, whose codes are anything: words count more.
 */
export function verdictOf(
  status: number,
  words: string,
  isInside = false,
): { verdict: NextTry; hint?: string } {
  const small = words.toLowerCase();
  const rule = ERRORS.find(({ statuses, words: known, phrases }) =>
    (!statuses || statuses.includes(status) || isInside && (known ?? phrases) !== undefined) &&
    (known?.every((each) => each.test(words)) ?? true) &&
    (phrases?.some((each) => small.includes(each)) ?? true)
  );
  if (rule) return rule;
  // A 200 with an error of no known kind may mean anything.
  if (isInside && status === UNKNOWN_ERROR) return { verdict: "doubt" };
  return { verdict: status >= 500 ? "wait" : "fail" };
}
