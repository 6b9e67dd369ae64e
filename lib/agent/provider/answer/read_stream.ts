import type { ModelSettings } from "../../../config/model/model_settings.ts";
import { joinChat } from "./chat_stream.ts";
import { joinGenerated } from "./gemini_stream.ts";
import { joinMessage } from "./anthropic_stream.ts";
import { isPart, type Part } from "./parts.ts";

type Join = (events: readonly Part[]) => Part | undefined;

const JOIN: Record<ModelSettings["provider"], Join> = {
  openai: joinChat,
  ollama: joinChat,
  anthropic: joinMessage,
  gemini: joinGenerated,
};

/**
 * An answer that came as a stream of events: some gateways know nothing else, whether one was asked
 * for or not (litellm#25766).
 *
 * @returns undefined when it is no such stream.
 */
export function readStream(
  provider: ModelSettings["provider"],
  text: string,
): Part | undefined {
  if (!/^(data|event|id|retry)?:/.test(text.trimStart().slice(0, 10))) return undefined;
  const events = text.split(/\r\n|\n|\r/).map((line) =>
    line.startsWith("data:") ? parsed(line.slice(5)) : undefined
  ).filter(isPart);
  const failed = events.find(({ error }) => error);
  return failed ? { error: failed.error } : JOIN[provider](events);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
