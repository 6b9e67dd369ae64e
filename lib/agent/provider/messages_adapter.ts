import type { RequestAdapter } from "./adapt_request.ts";
import { type Part, partsIn } from "./answer/parts.ts";

/**
 * Anthropic's requests, with ids of calls as it takes them: a task that began with another provider
 * has that one's, and servers of its protocol make their own (`grep:3`). They sign no thoughts
 * either: where a server refuses what it has not signed, it gets none back.
 */
export function createMessagesAdapter(): RequestAdapter {
  let takesThoughts = true;
  const isTaken = ({ type }: Part) => takesThoughts || !THOUGHTS.has(type);
  return {
    adapt: (body) => ({
      ...body,
      messages: partsIn(body.messages).map((message) =>
        Array.isArray(message.content)
          ? { ...message, content: partsIn(message.content).filter(isTaken).map(withPlainId) }
          : message
      ),
    }),
    learn(body, words) {
      const isMeant = takesThoughts && /signature|thinking/i.test(words) &&
        partsIn(body.messages).some(({ content }) =>
          partsIn(content).some(({ type }) => THOUGHTS.has(type))
        );
      if (isMeant) takesThoughts = false;
      return isMeant;
    },
  };
}

const THOUGHTS = new Set<unknown>(["thinking", "redacted_thinking"]);

function withPlainId(part: Part): Part {
  const { id, tool_use_id } = part;
  return {
    ...part,
    ...(typeof id === "string" ? { id: plain(id) } : {}),
    ...(typeof tool_use_id === "string" ? { tool_use_id: plain(tool_use_id) } : {}),
  };
}

const plain = (id: string): string => id.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
