import type { ModelSettings } from "../../config/model/model_settings.ts";
import type { ToolOff, ToolSpec } from "../tool_spec.ts";
import { refusedTool, schemaFor } from "./tool_schema.ts";

/** Definitions change rarely; more would be a server that makes up new ones. */
const MOST_REFUSED = 1_000;
/** OpenAI, Azure, Groq and Gemini refuse a request with more, and no model chooses well among them. */
const MOST_TOOLS = 128;
/** What a provider says of a schema whose tool it does not name: llama.cpp's grammars, Groq, xAI, Ollama. */
const ABOUT_SCHEMAS = /schema|grammar|\$ref|recursi|function\.parameters|ToolFunction/i;

/** Keeps from a provider the tools that it would refuse: it refuses the whole request for one of them. */
export interface ToolFilter {
  /** The tools as the provider takes them, and those that it does not take. */
  sort(tools: readonly ToolSpec[]): { tools: ToolSpec[]; off: ToolOff[] };
  /** Learns from a refusal which tools are meant. False when none of another server's is. */
  learn(tools: readonly ToolSpec[], words: string): boolean;
}

/** What it has learned holds for this process, and until the tool's schema changes. */
export function openToolFilter({ provider }: ModelSettings): ToolFilter {
  const refused = new Map<string, string>();
  return {
    sort(tools) {
      const taken: ToolSpec[] = [];
      const off: ToolOff[] = [];
      for (const tool of tools) {
        const fits = schemaFor(provider, tool);
        const sent = "off" in fits ? tool : { ...tool, schema: fits.schema };
        const reason = "off" in fits ? fits.off : refused.get(keyOf(sent));
        if (reason !== undefined && isForeign(tool.name)) off.push({ tool: tool.name, reason });
        else taken.push(sent);
      }
      for (let at = taken.length - 1; at >= 0 && taken.length > MOST_TOOLS; at--) {
        if (!isForeign(taken[at].name)) continue;
        const [{ name }] = taken.splice(at, 1);
        off.push({ tool: name, reason: `models get at most ${MOST_TOOLS} tools at once` });
      }
      return { tools: taken, off };
    },
    learn(tools, words) {
      const name = refusedTool(words, tools.map((each) => each.name));
      const foreign = tools.filter((each) => isForeign(each.name) && !refused.has(keyOf(each)));
      // Where nobody can tell which one is meant, the task can still be worked without them.
      const meant = name === undefined && ABOUT_SCHEMAS.test(words)
        ? foreign
        : foreign.filter((each) => each.name === name);
      // It was none of them: the same is said without them.
      if (foreign.length === 0) {
        for (const [key, reason] of refused) if (reason === words) refused.delete(key);
      }
      if (refused.size + meant.length > MOST_REFUSED) refused.clear();
      for (const tool of meant) refused.set(keyOf(tool), words);
      return meant.length > 0;
    },
  };
}

/** Otto's own tools are made for every provider; those of others are called `server__tool`. */
export function isForeign(name: string): boolean {
  return name.includes("__");
}

const keyOf = ({ name, schema }: ToolSpec) => `${name} ${JSON.stringify(schema)}`;
