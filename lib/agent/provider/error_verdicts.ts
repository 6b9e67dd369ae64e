import type { NextTry } from "./no_answer.ts";

/** What an error is known by, and what becomes of its request. The first that fits decides. */
interface ErrorRule {
  statuses?: readonly number[];
  /** In the provider's own words or its code: all of them. */
  words?: readonly RegExp[];
  verdict: NextTry;
  /** What people can do about it. */
  hint?: string;
}

const REFUSALS = [400, 402, 403, 404, 413, 422, 429];

/** By the vendors' API references, and by the words that they send. */
const ERRORS: readonly ErrorRule[] = [
  // The model's words, not ours, are wrong: Groq and llama.cpp refuse them, Ollama stumbles.
  {
    statuses: [400, 422, 500],
    words: [
      /tool_use_failed|failed_generation|output_parse_failed|pars(e|ing) tool call|model produced invalid content/i,
    ],
    verdict: "again",
  },
  // OpenAI says it with a 429, Anthropic with a 400, DeepSeek and OpenRouter with a 402. Waiting
  // pays no bill; Gemini's "exceeded your current quota" is one of minutes, and has no such code.
  {
    statuses: REFUSALS,
    words: [
      /insufficient[_ ](quota|balance|credits?|funds)|billing_hard_limit|billing_not_active|credit balance is too low|requires more credits|out of credits|exceeded_current_quota_error|arrearage|account_deactivated/i,
    ],
    verdict: "fail",
    hint: "Its account has no credit left: add some there, then run the task again",
  },
  {
    statuses: [402],
    verdict: "fail",
    hint: "Its account has no credit left: add some there, then run the task again",
  },
  // More in one request than a minute allows (OpenAI with a 429, Groq with a 413): it never fits.
  {
    statuses: [413, 429],
    words: [/request too large/i],
    verdict: "fail",
    hint: "One request is more than the account may send in a minute: raise its limits there, " +
      "or lower budgets.output_tokens in AGENT_CONFIG",
  },
  {
    statuses: [413],
    verdict: "fail",
    hint: "The conversation is longer than may be sent: lower budgets.steps in AGENT_CONFIG",
  },
  {
    statuses: [...REFUSALS, 500],
    words: [
      /context_length|context (length|window|size)|prompt is too long|input is too long|input token count|too many input tokens/i,
    ],
    verdict: "fail",
    hint: "The conversation is longer than the model can read: lower budgets.steps in " +
      "AGENT_CONFIG, or take a model with a larger context",
  },
  {
    statuses: [400, 422],
    words: [
      /\bmax_?(completion_|output_|new_)?tokens?\b/i,
      /too large|at most|maximum|exceed|[<>]/i,
    ],
    verdict: "fail",
    hint: "Lower budgets.output_tokens in AGENT_CONFIG",
  },
  {
    statuses: [400, 404, 422, 500],
    words: [
      /not support (tools|tool use|tool call|function call)|support tool use|tool-call-parser|tools? (is|are) not supported|requires --jinja|tools param requires/i,
    ],
    verdict: "fail",
    hint: "Choose a model, and a server, that can call tools",
  },
  {
    statuses: [400, 403, 422],
    words: [/moderation|content[_ ](filter|management|policy)|ResponsibleAIPolicy|flagged/i],
    verdict: "fail",
  },
  // Said with another status: Bedrock's gateways, LM Studio and Ollama while they load, Moonshot.
  {
    statuses: [400, 403, 404, 422],
    words: [
      /throttl|overloaded|(still|currently|is) loading|loading model|please wait|not ready|try again (later|in)/i,
    ],
    verdict: "wait",
  },
  // A proxy's timeout, a lock, TGI's model, too early, too many, Groq's spare capacity, one cancelled.
  { statuses: [408, 409, 424, 425, 429, 498, 499], verdict: "wait" },
  {
    statuses: [301, 302, 303, 305, 307, 308],
    verdict: "fail",
    hint: "Otto follows no redirections, as its key would go along: set the address that answers",
  },
  {
    statuses: [401, 403, 407],
    verdict: "fail",
    hint: "Check its key, and that the key may use this model",
  },
  {
    statuses: [404, 405, 410],
    verdict: "fail",
    hint: "Check the model's name and its server's address",
  },
];

/**
 * What becomes of a request that was answered with an error, and what people can do about it: 5xx
 * and a few others are waited for.
 */
export function verdictOf(
  status: number,
  words: string,
): { verdict: NextTry; hint?: string } {
  const rule = ERRORS.find(({ statuses, words: known }) =>
    (statuses?.includes(status) ?? true) && (known?.every((each) => each.test(words)) ?? true)
  );
  // A 200 that cannot be read is a proxy's or a server's bad moment.
  return rule ?? { verdict: status < 400 || status >= 500 ? "wait" : "fail" };
}
