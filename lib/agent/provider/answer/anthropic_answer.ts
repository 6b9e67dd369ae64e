import { type Part, partsIn } from "./parts.ts";
import {
  type AnsweredRequest,
  argumentsValue,
  calledName,
  MOST_PARTS,
  objectOf,
  withOwnIds,
} from "./tool_call.ts";
import { countOf } from "./usage_counts.ts";

/** Counts that a step's tokens are made of. */
const COUNTS = [
  "input_tokens",
  "output_tokens",
  "cache_creation_input_tokens",
  "cache_read_input_tokens",
];

/**
 * A message with no more than Anthropic's protocol has and we ask for: servers that speak it besides
 * (Kimi, MiniMax, DeepSeek, LiteLLM) leave out signatures and add parts of their own.
 *
 * @returns undefined when it is none.
 */
export function tidyMessage(body: Part, question: AnsweredRequest): Part | undefined {
  const { content, stop_reason, usage } = body;
  if (typeof content !== "string" && !Array.isArray(content)) return undefined;
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const [counted = {}] = partsIn(usage);
  return {
    type: "message",
    content: withIds(
      partsIn(parts).slice(0, MOST_PARTS).flatMap((part) => partOf(part, question)),
      question,
    ),
    ...(typeof stop_reason === "string" ? { stop_reason } : {}),
    usage: {
      input_tokens: 0,
      output_tokens: 0,
      ...Object.fromEntries(
        COUNTS.map((name) => [name, countOf(counted[name])]).filter(([, count]) =>
          count !== undefined
        ),
      ),
    },
  };
}

function partOf(part: Part, { tools }: AnsweredRequest): Part[] {
  const { type, text, thinking, signature, data, name, input, id } = part;
  if (type === "text" && typeof text === "string") return [{ type, text }];
  if (type === "thinking" && typeof thinking === "string") {
    return [{ type, thinking, signature: typeof signature === "string" ? signature : "" }];
  }
  if (type === "redacted_thinking" && typeof data === "string") return [{ type, data }];
  if (type !== "tool_use") return [];
  return [{ type, id, name: calledName(name, tools), input: objectOf(argumentsValue(input)) }];
}

function withIds(parts: Part[], { ids }: AnsweredRequest): Part[] {
  const owned = withOwnIds(parts.filter(({ type }) => type === "tool_use"), ids);
  return parts.map((part) => {
    if (part.type !== "tool_use") return part;
    const call = owned.shift()!;
    return { ...call, id: call.id ?? `toolu_${crypto.randomUUID()}` };
  });
}
