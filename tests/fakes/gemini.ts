import { type FakeProvider, type Protocol, startProvider } from "./server.ts";

/** `POST /v1beta/models/{model}:generateContent`, as the Gemini API reference describes it. */
const protocol: Protocol = {
  isCall: (path) => /^\/v1beta\/models\/[^/]+:generateContent$/.test(path),
  says: ({ text, calls = [] }) =>
    generated([
      ...(text === undefined ? [] : [{ text }]),
      ...calls.map(({ tool, args }) => ({ functionCall: { name: tool, args } })),
    ]),
  broken: (tool, args) => generated([{ functionCall: { name: tool, args } }]),
  error: (status, message) => ({
    error: { code: status, message, status: status === 429 ? "RESOURCE_EXHAUSTED" : "INTERNAL" },
  }),
};

function generated(parts: unknown[]) {
  return {
    candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10, totalTokenCount: 110 },
    modelVersion: "gemini",
  };
}

export function startGemini(): FakeProvider {
  return startProvider(protocol);
}
