import { isPart, type Part, partsIn } from "./parts.ts";
import { type AnsweredRequest, argumentsValue, calledName, objectOf } from "./tool_call.ts";
import { countOf, withTotal } from "./usage_counts.ts";

/** Texts beside an answer that say why it is none. */
const WORDS = ["finishReason", "finishMessage"];

/**
 * Gemini's answer with no more than we ask for. A `continuationToken` would make the SDK ask on by
 * itself, past every budget.
 *
 * @returns undefined when it is none.
 */
export function tidyGenerated(body: Part, question: AnsweredRequest): Part | undefined {
  const [candidate] = partsIn(body.candidates);
  const { promptFeedback, usageMetadata } = body;
  const blocked = isPart(promptFeedback) && typeof promptFeedback.blockReason === "string"
    ? { promptFeedback: { blockReason: promptFeedback.blockReason } }
    : undefined;
  if (!candidate && !blocked) return undefined;
  return {
    ...(candidate ? { candidates: [candidateOf(candidate, question)] } : {}),
    ...blocked,
    ...(isPart(usageMetadata) ? { usageMetadata: counts(usageMetadata) } : {}),
  };
}

function candidateOf(candidate: Part, question: AnsweredRequest): Part {
  const [content = {}] = partsIn(candidate.content);
  const said = WORDS.filter((name) => typeof candidate[name] === "string");
  return {
    content: {
      role: "model",
      parts: partsIn(content.parts).flatMap((each) => partOf(each, question)),
    },
    ...Object.fromEntries(said.map((name) => [name, candidate[name]])),
  };
}

function partOf(part: Part, { tools }: AnsweredRequest): Part[] {
  const { text, thought, thoughtSignature, functionCall } = part;
  const signed = typeof thoughtSignature === "string" ? { thoughtSignature } : {};
  if (isPart(functionCall)) {
    const { id, name, args } = functionCall;
    return [{
      functionCall: {
        ...(typeof id === "string" && id !== "" ? { id } : {}),
        name: calledName(name, tools),
        args: objectOf(argumentsValue(args)),
      },
      ...signed,
    }];
  }
  if (typeof text !== "string") return [];
  return [{ text, ...(thought === true ? { thought } : {}), ...signed }];
}

/** Thoughts and what its own tools have read are counted apart, and billed. */
function counts(usage: Part): Part {
  const sumOf = (...names: string[]) =>
    countOf(names.reduce((sum, name) => sum + (countOf(usage[name]) ?? 0), 0));
  const { input, output } = withTotal({
    input: sumOf("promptTokenCount", "toolUsePromptTokenCount"),
    output: sumOf("candidatesTokenCount", "thoughtsTokenCount"),
  }, countOf(usage.totalTokenCount));
  return {
    ...(input === undefined ? {} : { promptTokenCount: input }),
    ...(output === undefined ? {} : { candidatesTokenCount: output }),
  };
}
