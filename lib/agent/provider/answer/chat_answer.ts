import { isPart, type Part, partsIn } from "./parts.ts";
import { type AnsweredRequest, argumentsText, calledName, withOwnIds } from "./tool_call.ts";
import { chatUsage } from "./usage_counts.ts";

/**
 * A chat completion with no more than OpenAI's protocol has, made of what servers of it send. The
 * SDK refuses a whole answer for a part of it that it does not expect.
 *
 * @returns undefined when it is none.
 */
export function tidyChat(body: Part, question: AnsweredRequest): Part | undefined {
  const [choice] = partsIn(body.choices);
  if (!choice) return undefined;
  // Completions of the older kind have their text there.
  const message = isPart(choice.message) ? choice.message : { content: choice.text };
  const calls = callsIn(message, question);
  const thoughts = message.reasoning_content ?? message.reasoning ?? message.thinking;
  const { text, thought, refused } = textsOf(message.content);
  const refusal = typeof message.refusal === "string" ? message.refusal : refused;
  const reasoning = textsOf(thoughts).text + thought;
  return {
    choices: [{
      message: {
        role: "assistant",
        content: text + refusal,
        ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      },
      // OpenAI says of a refusal that it has stopped.
      finish_reason: refusal === "" ? textIn(choice.finish_reason) : "refusal",
    }],
    usage: chatUsage(body.usage),
  };
}

function textIn(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

/** A text, or what is in parts of one: Mistral's thoughts, and what others took from another API. */
function textsOf(content: unknown): { text: string; thought: string; refused: string } {
  const all = { text: "", thought: "", refused: "" };
  for (const part of [content].flat()) {
    if (typeof part === "string") all.text += part;
    if (!isPart(part)) continue;
    const { type, text, content: inner, thinking, refusal } = part;
    if (typeof refusal === "string") all.refused += refusal;
    else if (type === "thinking" || type === "reasoning") {
      all.thought += textsOf(thinking ?? text ?? inner).text;
    } else all.text += textsOf(text ?? inner).text;
  }
  return all;
}

/** The calls of a message, those of OpenAI's first protocol (`function_call`) among them. */
function callsIn({ tool_calls, function_call }: Part, { tools, ids }: AnsweredRequest): Part[] {
  const list = partsIn(tool_calls);
  const older = partsIn(function_call).map((each): Part => ({ function: each }));
  const calls = (list.length === 0 ? older : list).map((call) => {
    const [called = call] = partsIn([call.function, call.custom]);
    const args = called.arguments ?? called.parameters ?? called.input;
    return {
      id: call.id,
      type: "function",
      function: { name: calledName(called.name, tools), arguments: argumentsText(args) },
      // Gemini's compatible endpoint signs its calls, and wants the signature back.
      ...(isPart(call.extra_content) ? { extra_content: call.extra_content } : {}),
    };
  });
  return withOwnIds(calls, ids);
}
