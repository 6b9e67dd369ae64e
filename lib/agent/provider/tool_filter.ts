import type { ModelSettings } from "../../config/model_settings.ts";
import type { ToolOff, ToolSpec } from "../tool_spec.ts";
import { refusedTool, schemaFor } from "./tool_schema.ts";

/** Definitions change rarely; more would be a server that makes up new ones. */
const MOST_REFUSED = 1_000;

/** Keeps from a provider the tools that it would refuse: it refuses the whole request for one of them. */
export interface ToolFilter {
  /** The tools as the provider takes them, and those that it does not take. */
  sort(tools: readonly ToolSpec[]): { tools: ToolSpec[]; off: ToolOff[] };
  /** Learns from a refusal which tool is meant. False when none of another server's is. */
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
      return { tools: taken, off };
    },
    learn(tools, words) {
      const name = refusedTool(words, tools.map((each) => each.name));
      const tool = tools.find((each) => each.name === name);
      if (!tool || !isForeign(tool.name) || refused.has(keyOf(tool))) return false;
      if (refused.size >= MOST_REFUSED) refused.clear();
      refused.set(keyOf(tool), words);
      return true;
    },
  };
}

/** Otto's own tools are made for every provider; those of others are called `server__tool`. */
export function isForeign(name: string): boolean {
  return name.includes("__");
}

const keyOf = ({ name, schema }: ToolSpec) => `${name} ${JSON.stringify(schema)}`;
