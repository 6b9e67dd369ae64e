import { checkMessages } from "./anthropic_check.ts";
import { type FakeProvider, type Protocol, startProvider } from "./server.ts";

let made = 0;
const USAGE: unknown = { input_tokens: 100, output_tokens: 10 };

/** `POST /v1/messages`, as Anthropic's API reference describes it. */
const protocol: Protocol = {
  isCall: (path) => path === "/v1/messages",
  check: ({ body, text }) => {
    // JSON.stringify escapes only what stands alone of a pair.
    const message = /(?<!\\)(\\\\)*\\ud[89a-f]/.test(text)
      ? "The request body is not valid JSON: no low surrogate in string"
      : checkMessages(body);
    return message === undefined ? undefined : { status: 400, message };
  },
  says: ({ text, calls = [], thinks, finish, usage = USAGE }, { body }) => ({
    id: `msg_${++made}`,
    type: "message",
    role: "assistant",
    model: body.model,
    content: [
      ...(thinks === undefined ? [] : [{ type: "thinking", thinking: thinks, signature: "c2ln" }]),
      ...(text === undefined ? [] : [{ type: "text", text }]),
      ...calls.map(({ tool, args, id }) => ({
        type: "tool_use",
        id: id ?? `toolu_${++made}`,
        name: tool,
        input: args,
      })),
    ],
    stop_reason: finish ?? (calls.length > 0 ? "tool_use" : "end_turn"),
    stop_sequence: null,
    usage,
  }),
  // Its arguments are objects by protocol: a text is the nearest to broken there is.
  broken: (tool, args) => ({
    id: `msg_${++made}`,
    type: "message",
    role: "assistant",
    model: "claude",
    content: [{ type: "tool_use", id: `toolu_${++made}`, name: tool, input: args }],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: USAGE,
  }),
  error: (status, message) => ({
    type: "error",
    error: { type: status === 429 ? "rate_limit_error" : "invalid_request_error", message },
  }),
};

export function startAnthropic(): FakeProvider {
  return startProvider(protocol);
}
