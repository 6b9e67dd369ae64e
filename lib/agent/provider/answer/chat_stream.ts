import { isPart, type Part, partsIn } from "./parts.ts";

/**
 * A chat completion that came as a stream of events although none was asked for: some gateways
 * know nothing else (litellm#25766).
 *
 * @returns undefined when it is no such stream.
 */
export function readChatStream(text: string): Part | undefined {
  if (!/^(data|event|id|retry)?:/.test(text.trimStart().slice(0, 10))) return undefined;
  const calls = new Map<unknown, { id?: unknown; name: string; args: string }>();
  const said = { content: "", reasoning: "" };
  let usage: unknown;
  let finish: unknown;
  let isChat = false;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const chunk = line.startsWith("data:") ? parsed(line.slice(5)) : undefined;
    if (!isPart(chunk)) continue;
    if (chunk.error) return { error: chunk.error };
    isChat ||= Array.isArray(chunk.choices);
    usage = chunk.usage ?? usage;
    const [choice] = partsIn(chunk.choices);
    if (!choice) continue;
    finish = choice.finish_reason ?? finish;
    const [delta = {}] = partsIn([choice.delta, choice.message]);
    said.content += textOf(delta.content);
    said.reasoning += textOf(delta.reasoning_content ?? delta.reasoning);
    for (const call of partsIn(delta.tool_calls)) {
      const key = call.index ?? call.id;
      const [{ name, arguments: args } = {} as Part] = partsIn(call.function);
      const known = calls.get(key) ?? { name: "", args: "" };
      known.id ??= call.id;
      known.name += textOf(name);
      known.args += textOf(args);
      calls.set(key, known);
    }
  }
  if (!isChat) return undefined;
  return {
    choices: [{
      message: {
        content: said.content,
        reasoning_content: said.reasoning,
        tool_calls: [...calls.values()].map(({ id, name, args }) => ({
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const textOf = (value: unknown): string => typeof value === "string" ? value : "";
