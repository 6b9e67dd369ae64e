import { type FakeProvider, type Protocol, startProvider } from "./server.ts";

let made = 0;

/** `POST /v1/chat/completions`, as OpenAI's API reference describes it; Ollama speaks it, too. */
const protocol: Protocol = {
  isCall: (path) => path === "/v1/chat/completions",
  says: ({ text, calls, cut, usage }, { body }) =>
    completion(body.model, {
      role: "assistant",
      content: text ?? null,
      ...(calls && {
        tool_calls: calls.map(({ tool, args, id }) => ({
          id: id ?? `call_${++made}`,
          type: "function",
          function: { name: tool, arguments: JSON.stringify(args) },
        })),
      }),
    }, { cut, usage }),
  broken: (tool, args, { body }) =>
    completion(body.model, {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: `call_${++made}`,
        type: "function",
        function: { name: tool, arguments: args },
      }],
    }),
  error: (status, message) => ({
    error: {
      message,
      type: status === 429 ? "rate_limit_error" : "invalid_request_error",
      param: null,
      code: null,
    },
  }),
};

function completion(
  model: string,
  message: { role: string; content: unknown; tool_calls?: unknown },
  { cut = false, usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 } }: {
    cut?: boolean;
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
      finish_reason: cut ? "length" : message.tool_calls ? "tool_calls" : "stop",
    }],
    usage,
  };
}

export function startOpenAi(): FakeProvider {
  return startProvider(protocol);
}
