import { z } from "zod";
import type { Database } from "../../store/database.ts";
import { errorText, type Log } from "../../process/log.ts";
import type { Redact } from "../../redaction/redact.ts";
import { withoutFences } from "../fence.ts";
import type { ToolOff } from "../tool_spec.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import { isTooDeep } from "../../../sources/kit/nesting.ts";
import type { AgentSettings } from "../settings.ts";
import type { Tool } from "../tools/tool.ts";
import { callTool, type ToolPages } from "./client.ts";
import { type Definition, fingerprintOf, whyChanged } from "./definition.ts";
import { resultText } from "./result_text.ts";
import { type McpServer, splitName } from "./servers.ts";
import { createToolLists, type Listed, lookUp, readPages, type ToolLists } from "./tool_list.ts";

/** Tools that do not belong to Otto. */
export interface Toolshed {
  /** Those of the named ones that can be used now, and the others. Never rejects for a server's sake. */
  tools(names: readonly string[]): Promise<{ tools: Tool[]; off: ToolOff[] }>;
}

/** A toolshed whose servers people can look at. */
export interface McpToolshed extends Toolshed {
  readonly servers: readonly McpServer[];
  /** What a server says of its tools; asks it when nothing newer than a minute is known. */
  listed(server: McpServer): Promise<Listed>;
}

/** Characters. All descriptions are sent with every step. */
const MOST_DESCRIPTION = 1_000;
/** Characters, as many as a part of the payload may have (tools/payload.ts). */
const MOST_RESULT = 8_000;

/** What tools are opened with. */
interface ToolshedOptions {
  servers: readonly McpServer[];
  settings: AgentSettings;
  database: Database;
  log: Log;
  /** Takes secrets out of what servers say, before any of it is cut or shown. */
  redact: Redact;
}

/**
 * The tools of MCP servers that the operator has declared. What a server says of
 * its tools is not believed, and a tool that has changed since it was first used
 * is off until the operator accepts its new fingerprint.
 */
export function openToolshed(options: ToolshedOptions): McpToolshed {
  const lists = createToolLists(options.redact);
  return {
    servers: options.servers,
    listed: (server) => lists.of(server),
    async tools(names) {
      const foreign = names.filter((name) => name.includes("__"));
      const opened = await Promise.all(foreign.map((name) => openTool(options, lists, name)));
      const off = opened.filter((each) => "reason" in each);
      for (const { tool, reason } of off) options.log.warn("mcp.tool_off", { tool, reason });
      return { tools: opened.filter((each) => "run" in each), off };
    },
  };
}

/** The tool of this full name, or why it cannot be used now. */
async function openTool(
  { servers, settings, database, redact }: ToolshedOptions,
  lists: ToolLists,
  full: string,
): Promise<Tool | ToolOff> {
  const off = (reason: string): ToolOff => ({ tool: full, reason });
  const capability = settings.mcpTools.get(full);
  const [serverName, name] = splitName(full);
  const server = servers.find((each) => each.name === serverName);
  if (!capability || !server) return off("nobody has declared what it can do");
  const definition = lookUp(await lists.of(server), name);
  if ("off" in definition) return off(definition.off);
  const now = fingerprintOf(definition);
  const expected = capability.fingerprint ?? await pinned(database, full, now);
  if (now !== expected) return off(whyChanged(now));
  return {
    name: full,
    description: describe(definition, redact),
    capability: { reads: capability.reads, effect: capability.effect },
    schema: harmless(definition.inputSchema, redact) as Definition["inputSchema"],
    arguments: z.record(z.string(), z.unknown()),
    atomic: false,
    async run(args, { fence }, signal) {
      const text = await call({ server, definition, lists, redact }, args, signal);
      return fence(text, `result of ${full}`);
    },
  };
}

function describe({ name, title, description }: Definition, redact: Redact): string {
  const text = harmlessText(description ?? title ?? "", redact);
  return beginningOf(text.trim() === "" ? name : text, MOST_DESCRIPTION);
}

/** What stands outside of any fence, as it is no part of the conversation. */
function harmlessText(text: string, redact: Redact): string {
  return withoutFences(redact(text));
}

/** A schema whose texts are harmless: a model reads what it says of its arguments, and their names. */
function harmless(schema: unknown, redact: Redact): unknown {
  if (typeof schema === "string") return harmlessText(schema, redact);
  if (Array.isArray(schema)) return schema.map((each) => harmless(each, redact));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .map(([name, each]) => [harmlessText(name, redact), harmless(each, redact)]),
  );
}

/** Calls a tool, and says its result or throws its failure in words. */
async function call(
  { server, definition, lists, redact }: {
    server: McpServer;
    definition: Definition;
    lists: ToolLists;
    redact: Redact;
  },
  args: Record<string, unknown>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { name, inputSchema: schema } = definition;
    // Nobody has agreed to another tool of the same name.
    const check = (now: ToolPages) => {
      const why = whyAnother(definition, lookUp(readPages(now), name));
      if (why === undefined) return;
      lists.forget(server);
      throw new Error(`it was not called: ${why}`);
    };
    const { result, listChanged } = await callTool(server, { name, args, schema, check }, signal);
    if (listChanged) lists.forget(server);
    if (isTooDeep(result)) throw new Error("its result is nested too deep");
    const text = beginningOf(redact(resultText(result)), MOST_RESULT);
    if ((result as { isError?: unknown } | undefined)?.isError === true) {
      throw new Error(text || "the tool says that it has failed, and not why");
    }
    return text;
  } catch (error) {
    // A tool that has gone since: the next task should not be shown it.
    if (/unknown tool|tool .{0,100}not found|no such tool/i.test(errorText(error).slice(0, 500))) {
      lists.forget(server);
    }
    throw error;
  }
}

/**
 * Why a tool is not what it was when its run began: a run may last for hours, a list is kept for a
 * minute, and few servers tell of a change.
 */
function whyAnother(before: Definition, now: ReturnType<typeof lookUp>): string | undefined {
  if ("off" in now) return now.off;
  return fingerprintOf(now) === fingerprintOf(before)
    ? undefined
    : "its definition has changed since this run began";
}

/** What the tools of this database looked like when they were first used, by their names. */
export async function readPins(database: Database): Promise<ReadonlyMap<string, string>> {
  const rows = await database.query(
    "read the fingerprints of tools",
    (sql) => sql<{ name: string; fingerprint: string }[]>`select name, fingerprint from mcp_tools`,
  );
  return new Map(rows.map(({ name, fingerprint }) => [name, fingerprint]));
}

/** What a tool looked like when it was first used: from now on, if this is the first time. */
async function pinned(database: Database, name: string, now: string): Promise<string> {
  const [row] = await database.query(
    "pin a tool's fingerprint",
    (sql) =>
      sql<{ fingerprint: string }[]>`
      insert into mcp_tools as m (name, fingerprint) values (${name}, ${now})
      on conflict (name) do update set fingerprint = m.fingerprint returning fingerprint`,
  );
  return row.fingerprint;
}
