import type { ListToolsResult, MCPClient } from "@ai-sdk/mcp";
import { z } from "zod";
import { fingerprint } from "../canonical.ts";
import type { Database } from "../../store/database.ts";
import { deadline } from "../../async/deadline.ts";
import { errorText, type Log } from "../../process/log.ts";
import { cleanText } from "../fence.ts";
import { type McpServer, splitName } from "./servers.ts";
import { beginningOf } from "../../../sources/kit/beginning.ts";
import type { AgentSettings } from "../settings.ts";
import type { Tool } from "../tools/tool.ts";

/** A tool that the operator has listed and that cannot be used now. */
export interface ToolOff {
  tool: string;
  reason: string;
}

/** Tools that do not belong to Otto. */
export interface Toolshed {
  /** Those of the named ones that can be used now, and the others. Never rejects for a server's sake. */
  tools(names: readonly string[]): Promise<{ tools: Tool[]; off: ToolOff[] }>;
}

type Definition = ListToolsResult["tools"][number];

/** A server that has to be woken up takes seconds. */
const CONNECT_MS = 10_000;
/** For connecting and all pages. */
const LIST_MS = 20_000;
/** How long a server's list of tools is believed: a tool that changes is off a minute later. */
const FRESH_MS = 60_000;
/** A server whose list never ends is left after so many. */
const MOST_PAGES = 10;
/** Characters. All descriptions are sent with every step. */
const MOST_DESCRIPTION = 1_000;
/** Characters, as many as a part of the payload may have (tools/payload.ts). */
const MOST_RESULT = 8_000;
/** The most of a server's own words that is kept. */
const MOST_REASON = 300;

/** What tools are opened with. */
interface ToolshedOptions {
  servers: readonly McpServer[];
  settings: AgentSettings;
  database: Database;
  log: Log;
}

/** The tools that a server says it has. */
type ListTools = (server: McpServer) => Promise<Definition[]>;

/**
 * The tools of MCP servers that the operator has declared. What a server says of
 * its tools is not believed, and a tool that has changed since it was first used
 * is off until the operator accepts its new fingerprint.
 */
export function openToolshed(options: ToolshedOptions): Toolshed {
  const listTools = createToolList();
  return {
    async tools(names) {
      const foreign = names.filter((name) => name.includes("__"));
      const opened = await Promise.all(foreign.map((name) => openTool(options, listTools, name)));
      const off = opened.filter((each) => "reason" in each);
      for (const { tool, reason } of off) options.log.warn("mcp.tool_off", { tool, reason });
      return { tools: opened.filter((each) => "run" in each), off };
    },
  };
}

/** Asks each server once a minute. */
function createToolList(): ListTools {
  const known = new Map<string, { at: number; definitions: Promise<Definition[]> }>();
  return (server) => {
    const kept = known.get(server.name);
    if (kept && Date.now() - kept.at < FRESH_MS) return kept.definitions;
    const definitions = deadline(
      `list the tools of the MCP server ${server.name}`,
      LIST_MS,
      withClient(server, listAll),
    );
    known.set(server.name, { at: Date.now(), definitions });
    definitions.catch(() => known.delete(server.name));
    return definitions;
  };
}

/** The tool of this full name, or why it cannot be used now. */
async function openTool(
  { servers, settings, database }: ToolshedOptions,
  listTools: ListTools,
  full: string,
): Promise<Tool | ToolOff> {
  const off = (reason: string): ToolOff => ({ tool: full, reason });
  const capability = settings.mcpTools.get(full);
  const [serverName, name] = splitName(full);
  const server = servers.find((each) => each.name === serverName);
  if (!capability || !server) return off("nobody has declared what it can do");
  let definition: Definition | undefined;
  try {
    definition = (await listTools(server)).find((each) => each.name === name);
  } catch (error) {
    return off(`its server cannot be asked: ${errorText(error).slice(0, MOST_REASON)}`);
  }
  if (!definition) return off("its server has no such tool");
  const { title, description, inputSchema } = definition;
  const now = fingerprint({ name, title, description, inputSchema });
  const expected = capability.fingerprint ?? await pinned(database, full, now);
  if (now !== expected) {
    return off(
      "its definition has changed since it was first used. To accept it, look at it and set " +
        `"fingerprint": "${now}" for it under mcp_tools in AGENT_CONFIG`,
    );
  }
  return {
    name: full,
    description: beginningOf(cleanText(description ?? title ?? name), MOST_DESCRIPTION),
    capability: { reads: capability.reads, effect: capability.effect },
    schema: inputSchema as Record<string, unknown>,
    arguments: z.record(z.string(), z.unknown()),
    atomic: false,
    async run(args, { fence }, signal) {
      const result = await withClient(
        server,
        (client) => client.callTool({ name, arguments: args, options: { signal } }),
      );
      const text = beginningOf(textOf(result), MOST_RESULT);
      if ("isError" in result && result.isError) throw new Error(text);
      return fence(text, `result of ${full}`);
    },
  };
}

/**
 * Connects, works and disconnects: a session that is kept may be gone by the next
 * call, and a call whose outcome is unknown must not be made again.
 */
async function withClient<T>(
  { url, headers }: McpServer,
  work: (client: MCPClient) => Promise<T>,
): Promise<T> {
  const { createMCPClient } = await import("@ai-sdk/mcp");
  const client = await createMCPClient({
    // Deno sends a POST again by itself when a kept connection breaks before the answer.
    transport: { type: "http", url, headers: { ...headers, connection: "close" } },
    clientName: "otto",
    maxRetries: 0,
    initializationOptions: { timeout: CONNECT_MS },
  });
  try {
    return await work(client);
  } finally {
    deadline("leave an MCP server", CONNECT_MS, client.close()).catch(() => {});
  }
}

async function listAll(client: MCPClient): Promise<Definition[]> {
  const definitions: Definition[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { tools, nextCursor } = await client.listTools({
      params: cursor === undefined ? undefined : { cursor },
      options: { timeout: LIST_MS },
    });
    definitions.push(...tools);
    cursor = nextCursor;
    if (cursor === undefined) break;
  }
  return definitions;
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

/** A result's texts and data; what is neither is named. */
function textOf(result: unknown): string {
  const { content, structuredContent } = result as {
    content?: { type: string; text?: string }[];
    structuredContent?: unknown;
  };
  const parts = (content ?? []).map((part) => part.text ?? `(${part.type})`);
  if (parts.length === 0 && structuredContent !== undefined) {
    return JSON.stringify(structuredContent);
  }
  return parts.join("\n");
}
