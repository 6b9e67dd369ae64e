import { type Part, partsIn } from "./parts.ts";

/** A call, as far as it has come. */
interface StreamedCall {
  id?: unknown;
  name: string;
  args: string;
}

/** A chat completion, made of the chunks of its stream; undefined when they are none. */
export function joinChat(chunks: readonly Part[]): Part | undefined {
  const calls: StreamedCall[] = [];
  const open = new Map<unknown, StreamedCall>();
  const content: unknown[] = [];
  const reasoning: unknown[] = [];
  let usage: unknown;
  let finish: unknown;
  let isChat = false;
  for (const chunk of chunks) {
    isChat ||= Array.isArray(chunk.choices);
    usage = chunk.usage ?? usage;
    const [choice] = partsIn(chunk.choices);
    if (!choice) continue;
    finish = choice.finish_reason ?? finish;
    const [delta = {}] = partsIn([choice.delta, choice.message]);
    content.push(delta.content);
    reasoning.push(delta.reasoning_content ?? delta.reasoning);
    for (const call of partsIn(delta.tool_calls)) {
      const key = call.index ?? call.id;
      const [{ name, arguments: args } = {} as Part] = partsIn(call.function);
      let known = open.get(key);
      // Gemini's compatible endpoint gives each call the same place.
      if (!known || call.id && known.id && call.id !== known.id) {
        known = { name: "", args: "" };
        open.set(key, known);
        calls.push(known);
      }
      known.id ??= call.id;
      // Some say it again with each piece of the arguments.
      if (name !== known.name) known.name += textOf(name);
      known.args += textOf(args);
    }
  }
  if (!isChat) return undefined;
  return {
    choices: [{
      message: {
        content,
        reasoning_content: reasoning,
        tool_calls: calls.map(({ id, name, args }) => ({
          id,
          function: { name, arguments: args },
        })),
      },
      // A stream without an end was cut.
      finish_reason: finish ?? "error",
    }],
    usage,
  };
}

const textOf = (value: unknown): string => typeof value === "string" ? value : "";
