/** A tool as a model sees it. */
export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  schema: Record<string, unknown>;
}

/** A tool that cannot be used now, and why. */
export interface ToolOff {
  tool: string;
  reason: string;
}
