import { createHash } from "node:crypto";
import { isPart, type Part, partsIn } from "./answer/parts.ts";

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
  const clean = name.replaceAll(/[^a-zA-Z0-9_-]/gu, "_");
  const begun = /^[a-zA-Z_]/.test(clean) ? clean : `_${clean}`;
  return `${begun.slice(0, MOST_NAME - hash.length - 1)}_${hash}`;
}

/** A turn of a conversation, as far as it names tools. */
interface NamingTurn {
  content: unknown;
}

/** The tools' own names by those that are sent: of tools that may be called, and of calls before. */
export function namesSent(
  tools: readonly { name: string }[],
  turns: readonly NamingTurn[],
): ReadonlyMap<string, string> {
  const before = turns.flatMap(({ content }) => partsIn(content)).map(nameIn);
  const own = [...tools.map(({ name }) => name), ...before];
  return new Map(own.filter((name) => name !== undefined).map((name) => [sentName(name), name]));
}

/** A conversation whose tools are called something else. */
export function renamed<T extends NamingTurn>(
  turns: readonly T[],
  rename: (name: string) => string,
): T[] {
  return turns.map((turn) =>
    !Array.isArray(turn.content) ? turn : {
      ...turn,
      content: turn.content.map((part) => {
        const name = isPart(part) ? nameIn(part) : undefined;
        return name === undefined ? part : { ...part, toolName: rename(name) };
      }),
    }
  );
}

function nameIn({ toolName }: Part): string | undefined {
  return typeof toolName === "string" ? toolName : undefined;
}
