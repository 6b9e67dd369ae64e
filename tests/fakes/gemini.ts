import { checkContents } from "./gemini_check.ts";
import { type FakeProvider, type Protocol, startProvider } from "./server.ts";

/** `POST /v1beta/models/{model}:generateContent`, as the Gemini API reference describes it. */
const protocol: Protocol = {
  isCall: (path) => /^\/v1beta\/models\/[^/]+:generateContent$/.test(path),
  check: ({ body }) => {
    const message = checkContents(body);
    return message === undefined ? undefined : { status: 400, message };
  },
  says: ({ text, calls = [], thinks, finish, usage }) =>
    generated(
      [
        ...(thinks === undefined ? [] : [{ text: thinks, thought: true }]),
        ...(text === undefined ? [] : [{ text }]),
        // Gemini 3 signs the first call of a turn, and wants the signature back.
        ...calls.map(({ tool, args }, index) => ({
          functionCall: { name: tool, args },
          ...(index === 0 && { thoughtSignature: "c2ln" }),
        })),
      ],
      finish,
      usage,
    ),
  broken: (tool, args) => generated([{ functionCall: { name: tool, args } }]),
  error: (status, message) => ({
    error: {
      code: status,
      message,
      status: status === 429
        ? "RESOURCE_EXHAUSTED"
        : status === 400
        ? "INVALID_ARGUMENT"
        : "INTERNAL",
    },
  }),
};

const USAGE: unknown = { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 };

function generated(parts: unknown[], finishReason = "STOP", usageMetadata = USAGE) {
  // A candidate that says nothing has no parts at all.
  const content = parts.length === 0 ? { role: "model" } : { role: "model", parts };
  return {
    candidates: [{ content, finishReason, index: 0 }],
    usageMetadata,
    modelVersion: "gemini",
  };
}

export function startGemini(): FakeProvider {
  return startProvider(protocol);
}
