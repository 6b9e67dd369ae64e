import { type ChatRefusal, checkChat, type Dialect } from "./chat_check.ts";
import { type FakeProvider, type Protocol, startProvider } from "./server.ts";

let made = 0;

/** `POST /v1/chat/completions`, as OpenAI's API reference describes it, and as others speak it. */
const speaking = (dialect: Dialect): Protocol => ({
  isCall: (path) => /^(\/openai)?\/(v1|deployments\/[^/]+)\/chat\/completions$/.test(path),
  check: ({ body }) => checkChat(body, dialect),
  says: ({ text, calls, cut, thinks, finish, usage }, { body }) =>
    completion(body.model, {
      role: "assistant",
      content: text ?? null,
      ...(thinks && { [dialect === "groq" ? "reasoning" : "reasoning_content"]: thinks }),
      ...(calls && {
        tool_calls: calls.map(({ tool, args, id }) => ({
          id: id ?? `call_${++made}`,
          type: "function",
          function: { name: tool, arguments: JSON.stringify(args) },
        })),
      }),
    }, { finish: finish ?? (cut ? "length" : undefined), usage }),
  broken: (tool, args, { body }, finish) =>
    completion(body.model, {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: `call_${++made}`,
        type: "function",
        function: { name: tool, arguments: args },
      }],
    }, { finish }),
  error: (status, message, more) => errorOf(dialect, { status, message, ...more }),
});

/** Each vendor puts its words elsewhere. */
function errorOf(dialect: Dialect, { status, message, param, code }: ChatRefusal): unknown {
  if (dialect === "lmstudio") return { error: message };
  if (dialect === "vllm") {
    return { object: "error", message, type: "BadRequestError", code: status };
  }
  if (dialect === "mistral") {
    return param
      ? { detail: [{ type: "extra_forbidden", loc: ["body", param], msg: message }] }
      : { object: "error", message, type: "invalid_request", code: null };
  }
  const type = status === 429 ? "rate_limit_error" : "invalid_request_error";
  return { error: { message, type, param: param ?? null, code: code ?? null } };
}

function completion(
  model: string,
  message: { role: string; content: unknown; tool_calls?: unknown },
  { finish, usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } }: {
    finish?: string;
    usage?: unknown;
  } = {},
) {
  return {
    id: `chatcmpl-${++made}`,
    object: "chat.completion",
    created: 1_700_000_000,
    model,
    choices: [{
      index: 0,
      message,
      finish_reason: finish ?? (message.tool_calls ? "tool_calls" : "stop"),
    }],
    usage,
  };
}

export function startOpenAi(dialect: Dialect = "openai"): FakeProvider {
  return startProvider(speaking(dialect));
}
