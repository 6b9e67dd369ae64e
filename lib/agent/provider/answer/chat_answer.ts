import { isPart, type Part, partsIn } from "./parts.ts";
import {
  type AnsweredRequest,
  argumentsText,
  calledName,
  MOST_PARTS,
  withOwnIds,
} from "./tool_call.ts";
import { chatUsage } from "./usage_counts.ts";

/**
 * A chat completion with no more than OpenAI's protocol has, made of what servers of it send. The
 * SDK refuses a whole answer for a part of it that it does not expect. One choice was asked for:
 * where more come (Copilot's words and calls of Claude), the first words and all calls are the answer.
 *
 * @returns undefined when it is none.
 */
export function tidyChat(body: Part, question: AnsweredRequest): Part | undefined {
  const choices = partsIn(body.choices);
  if (choices.length === 0) return undefined;
  // Completions of the older kind have their text beside, those cut from a stream a `delta`.
  const messages = choices.map(({ message, delta, text }): Part =>
    partsIn([message, delta])[0] ?? { content: text }
  );
  const calls = withOwnIds(
    messages.flatMap((each) => callsIn(each, question)).slice(0, MOST_PARTS),
    question.ids,
  );
  const texts = messages.map(({ content }) => textsOf(content));
  // Those of more than one are the same again in other words.
  const text = texts.map((each) => each.text).find((each) => each.trim() !== "") ?? "";
  const refused = texts.map((each) => each.refused).join("");
  const thought = texts.map((each) => each.thought).join("");
  const thoughts = messages.map((each) =>
    each.reasoning_content ?? each.reasoning ?? each.thinking
  );
  const refusal = messages.map((each) => each.refusal)
    .find((each) => typeof each === "string" && each !== "") ?? refused;
  const reasoning = textsOf(thoughts).text + thought;
  const isWithheld = text === "" &&
    (body.input_sensitive === true || body.output_sensitive === true);
  // MiniMax says so beside an answer that has stopped.
  const finish = isWithheld
    ? "sensitive"
    : choices.map((each) => textIn(each.finish_reason)).find((each) => each);
  return {
    choices: [{
      message: {
        role: "assistant",
        content: text + refusal,
        ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      },
      // OpenAI says of a refusal that it has stopped.
      finish_reason: refusal === "" ? finish : "refusal",
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
  for (const part of [content].flat(4)) {
    if (typeof part === "string") all.text += part;
    if (!isPart(part)) continue;
    const { type, text, content: inner, thinking, refusal } = part;
    if (typeof refusal === "string") all.refused += refusal;
    else if (part.thought === true || /think|reason|thought/i.test(String(type))) {
      all.thought += textsOf(thinking ?? text ?? inner).text;
    } else all.text += textsOf(text ?? inner).text;
  }
  return all;
}

/**
 * The calls of a message, those of OpenAI's first protocol (`function_call`) among them, and those
 * that stand among its words, as Anthropic has them.
 */
function callsIn(
  { tool_calls, function_call, content }: Part,
  { tools }: AnsweredRequest,
): Part[] {
  const others = [
    ...partsIn(function_call).map((each): Part => ({ function: each })),
    ...partsIn(content).filter(({ type }) => type === "tool_use" || type === "tool_call"),
  ];
  const list = partsIn(tool_calls);
  return (list.length === 0 ? others : list).map((call) => {
    const [called = call] = partsIn([call.function, call.custom]);
    const args = called.arguments ?? called.parameters ?? called.input ?? called.args;
    return {
      id: call.id,
      type: "function",
      function: { name: calledName(called.name, tools), arguments: argumentsText(args) },
      // Gemini's compatible endpoint signs its calls, and wants the signature back.
      ...(isPart(call.extra_content) ? { extra_content: call.extra_content } : {}),
    };
  });
}
