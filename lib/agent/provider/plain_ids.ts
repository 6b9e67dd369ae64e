import type { RequestAdapter } from "./adapt_request.ts";
import { type Part, partsIn } from "./answer/parts.ts";

/**
 * Anthropic's requests, with ids of calls as it takes them: a task that began with another provider
 * has that one's, and servers of its protocol make their own (`grep:3`).
 */
export const plainIds: RequestAdapter = {
  adapt: (body) => ({
    ...body,
    messages: partsIn(body.messages).map((message) =>
      Array.isArray(message.content)
        ? { ...message, content: partsIn(message.content).map(withPlainId) }
        : message
    ),
  }),
  learn: () => false,
};

function withPlainId(part: Part): Part {
  const { id, tool_use_id } = part;
  return {
    ...part,
    ...(typeof id === "string" ? { id: plain(id) } : {}),
    ...(typeof tool_use_id === "string" ? { tool_use_id: plain(tool_use_id) } : {}),
  };
}

const plain = (id: string): string => id.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
