import { createHash } from "node:crypto";
import type { ModelMessage } from "ai";

/** A name that every provider takes: OpenAI's API reference has the fewest characters, Gemini's no digit in front. */
const TAKEN = /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/;
const MOST_NAME = 64;
/** How a name ends that was made here. Another that ends so gets one of its own: no two are sent as one. */
const MADE = /_[0-9a-f]{8}$/;

/**
 * A tool's name as it is sent to a model. MCP lets a server's tool have dots in it and 128 characters
 * (specification of 2025-11-25, "Tool Names"), and some servers have more in it than that.
 */
export function sentName(name: string): string {
  if (TAKEN.test(name) && !MADE.test(name)) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  const clean = name.replaceAll(/[^a-zA-Z0-9_-]/gu, "_").replace(/^(?=[0-9-])/, "_");
  return `${clean.slice(0, MOST_NAME - hash.length - 1)}_${hash}`;
}

/** The tools' own names by those that are sent: of tools that may be called, and of calls before. */
export function namesSent(
  tools: readonly { name: string }[],
  turns: readonly ModelMessage[],
): ReadonlyMap<string, string> {
  const own = [...tools.map(({ name }) => name), ...turns.flatMap(partsOf).map(nameIn)];
  return new Map(own.filter((name) => name !== undefined).map((name) => [sentName(name), name]));
}

/** A conversation whose tools are called something else. */
export function renamed(
  turns: readonly ModelMessage[],
  rename: (name: string) => string,
): ModelMessage[] {
  return turns.map((turn) =>
    typeof turn.content === "string" ? turn : {
      ...turn,
      content: partsOf(turn).map((part) => {
        const name = nameIn(part);
        return name === undefined ? part : { ...part, toolName: rename(name) };
      }),
    } as ModelMessage
  );
}

function partsOf({ content }: ModelMessage): readonly object[] {
  return typeof content === "string" ? [] : content;
}

function nameIn(part: object): string | undefined {
  return "toolName" in part ? String(part.toolName) : undefined;
}
