import { fingerprint } from "../canonical.ts";
import { isTooDeep } from "../../../sources/kit/nesting.ts";
import { isPart } from "../provider/answer/parts.ts";

/** A tool as its server defines it. */
export interface Definition {
  name: string;
  title?: string;
  description?: string;
  inputSchema: Record<string, unknown>;
}

/** Of all that a model is told of a tool: another one is another tool. */
export function fingerprintOf({ name, title, description, inputSchema }: Definition): string {
  return fingerprint({ name, title, description, inputSchema });
}

/** Why a tool is off whose fingerprint is not the accepted one, and what to do about it. */
export function whyChanged(now: string): string {
  return "its definition has changed since it was first used. To accept it, look at it and set " +
    `"fingerprint": "${now}" for it under mcp_tools in AGENT_CONFIG`;
}

/** An entry of a server's list that defines no tool that can be called. */
export interface BrokenEntry {
  name: string;
  broken: string;
}

/** Names of tools in a list of tools that are longer are nobody's. */
const MOST_NAME = 128;
/** Characters of JSON. What is longer costs each task of its sources more than it is worth. */
const MOST_ENTRY = 500_000;

/** Reads an entry of `tools/list`; undefined when it has not even a name. */
export function readDefinition(entry: unknown): Definition | BrokenEntry | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { name, title, description, inputSchema, execution } = entry as Record<string, unknown>;
  if (typeof name !== "string" || name === "" || name.length > MOST_NAME) return undefined;
  if (isTooDeep(entry)) return { name, broken: "it is nested too deep" };
  if (JSON.stringify(entry).length > MOST_ENTRY) {
    return { name, broken: `it has more than ${MOST_ENTRY.toLocaleString("en")} characters` };
  }
  for (const [field, value] of Object.entries({ title, description })) {
    if (value === undefined || typeof value === "string") continue;
    return { name, broken: `its "${field}" is ${kindOf(value)}, and must be a text` };
  }
  if (isPart(execution) && execution.taskSupport === "required") {
    return { name, broken: "it must be called as a task of its server's, which Otto does not do" };
  }
  // Nothing, and JSON Schema's `true`, are what some have for a tool that needs no arguments.
  const schema = inputSchema === undefined || inputSchema === true ? {} : inputSchema;
  if (kindOf(schema) !== "an object") {
    return { name, broken: `its "inputSchema" is ${kindOf(schema)}, and must be an object` };
  }
  return {
    name,
    title: title as string | undefined,
    description: description as string | undefined,
    inputSchema: schema as Record<string, unknown>,
  };
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
