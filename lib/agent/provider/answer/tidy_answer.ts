import type { ModelSettings } from "../../../config/model/model_settings.ts";
import { tidyMessage } from "./anthropic_answer.ts";
import { tidyChat } from "./chat_answer.ts";
import { tidyGenerated } from "./gemini_answer.ts";
import { joinGenerated } from "./gemini_stream.ts";
import { isPart, type Part, partsIn } from "./parts.ts";
import { type AnsweredRequest } from "./tool_call.ts";

type Tidy = (body: Part, question: AnsweredRequest) => Part | undefined;

const TIDY: Record<ModelSettings["provider"], Tidy> = {
  openai: tidyChat,
  ollama: tidyChat,
  anthropic: tidyMessage,
  gemini: tidyGenerated,
};

/**
 * An answer as its protocol has it; undefined when it is none.
 *
 * @param request what it answers: its tools are the ones that may be called.
 */
export function tidyAnswer(
  { provider }: Pick<ModelSettings, "provider">,
  body: unknown,
  request: unknown,
): Part | undefined {
  const all = partsIn(body);
  // Gemini's stream is a list of answers, and some proxies know nothing else.
  const [answer, ...others] = provider === "gemini" && all.length > 1
    ? partsIn(joinGenerated(all))
    : all;
  return answer && others.length === 0 ? TIDY[provider](answer, questionIn(request)) : undefined;
}

/** What a request asks, in whatever protocol. */
function questionIn(request: unknown): AnsweredRequest {
  const { tools, messages } = isPart(request) ? request : {} as Part;
  const named = partsIn(tools).flatMap((tool) => [
    tool,
    ...partsIn(tool.function),
    ...partsIn(tool.functionDeclarations),
  ]);
  const calls = partsIn(messages).flatMap(({ tool_calls, content }) => [
    ...partsIn(tool_calls),
    ...partsIn(content).filter(({ type }) => type === "tool_use"),
  ]);
  return { tools: textsIn(named, "name"), ids: textsIn(calls, "id") };
}

function textsIn(parts: readonly Part[], field: string): string[] {
  return parts.map((part) => part[field]).filter((each) => typeof each === "string");
}

/** What gateways call an error in the body of a 200; MiniMax has numbers of its own. */
const CODES: Record<string, number> = {
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  insufficient_quota: 429,
  overloaded_error: 529,
  invalid_request_error: 400,
  context_length_exceeded: 400,
  content_filter: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  permission_error: 403,
  not_found_error: 404,
  model_not_found: 404,
  1002: 429,
  1004: 401,
  1008: 402,
  1026: 400,
  1027: 400,
  1039: 429,
  1041: 429,
  1042: 400,
  2013: 400,
  2045: 429,
  2049: 401,
  2056: 429,
};
/** What an error counts as that has no status: nobody's own, so that it is known again. */
export const UNKNOWN_ERROR = 520;

/**
 * The status of an error that came in the place of an answer: `{"error": {"code": 502, …}}`, in its
 * only choice (OpenRouter), or as MiniMax has it; undefined when there is none.
 */
export function statusInside(body: unknown): number | undefined {
  const [answer] = partsIn(body);
  if (!answer) return undefined;
  const { error, base_resp, choices, candidates, content } = answer;
  const [choice] = partsIn(choices);
  if (choice) {
    const isBroken = isEmpty(choice) || choice.finish_reason === "error";
    return isBroken ? statusOf(choice.error ?? error) : undefined;
  }
  if (candidates || content) return undefined;
  if (isPart(base_resp) && base_resp.status_code) {
    return statusOf({ code: base_resp.status_code });
  }
  return statusOf(error);
}

function statusOf(error: unknown): number | undefined {
  if (!error) return undefined;
  if (!isPart(error)) return UNKNOWN_ERROR;
  for (const code of [error.code, error.status, error.type]) {
    const known = CODES[String(code)] ?? Number(code);
    if (known >= 400 && known < 600) return known;
  }
  return UNKNOWN_ERROR;
}

function isEmpty({ message }: Part): boolean {
  return !isPart(message) || !message.content && !message.tool_calls;
}
