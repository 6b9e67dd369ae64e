import type { Tool } from "./tool.ts";

/** Tools that do not belong to Otto. */
export interface Toolshed extends AsyncDisposable {
  /** Those of the named ones that can be used now. */
  tools(names: readonly string[], signal: AbortSignal): Promise<Tool[]>;
}

export const emptyToolshed: Toolshed = {
  tools: () => Promise.resolve([]),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
