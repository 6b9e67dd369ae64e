import type { RequestAdapter } from "./adapt_request.ts";
import { isPart, partsIn } from "./answer/parts.ts";
import { UNSIGNED } from "./reshape_chat.ts";

/**
 * Gemini's requests, with a signature for each call of another model: the SDK sets one for models
 * that it knows to want them by their names.
 */
export function createSignedCalls(): RequestAdapter {
  let isWanted = false;
  return {
    adapt: (body) =>
      isWanted
        ? {
          ...body,
          contents: partsIn(body.contents).map((content) => ({
            ...content,
            parts: partsIn(content.parts).map((part) =>
              isPart(part.functionCall) ? { thoughtSignature: UNSIGNED, ...part } : part
            ),
          })),
        }
        : body,
    learn(_, words) {
      const isNew = !isWanted && /thought_?signature/i.test(words);
      isWanted ||= isNew;
      return isNew;
    },
  };
}
