import { unlessAborted } from "../../async/deadline.ts";
import type { AgentSettings } from "../settings.ts";
import { splitName } from "../tools/names.ts";
import type { Database } from "../../store/database.ts";
import { fingerprintOf, whyChanged } from "./definition.ts";
import { type McpToolshed, readPins } from "./mcp.ts";
import type { McpServer } from "./servers.ts";
import { type Listed, lookUp } from "./tool_list.ts";

/** A tool of a server that the operator has declared. */
export interface DeclaredTool {
  name: string;
  /** Where it may be used: sources that list it, `*` for those without rules of their own. */
  sources: string[];
  /** Why nobody gets it, if nobody does. */
  off?: string;
}

/** How it stands with an MCP server, as this process sees it. */
export interface McpServerStatus {
  name: string;
  /** Its host: what else is in its address may be a secret. */
  host: string;
  /** When it was last asked for its tools; undefined while it has not answered. */
  at?: Date;
  /** Why it has not told them. */
  error?: string;
  /** Tools that it has and nobody has declared: they are off. */
  undeclared: number;
  tools: DeclaredTool[];
}

/** A page does not wait longer for a server. */
const MOST_WAIT_MS = 1_000;

/** Asks the servers, each at most once a minute, and says how it stands with their tools. */
export async function readServers(
  { toolshed, settings, database }: {
    toolshed: McpToolshed;
    settings: AgentSettings;
    database: Database;
  },
): Promise<McpServerStatus[]> {
  if (toolshed.servers.length === 0) return [];
  const pins = await readPins(database);
  return await Promise.all(
    toolshed.servers.map((each) => read(each, { toolshed, settings, pins })),
  );
}

async function read(
  server: McpServer,
  { toolshed, settings, pins }: {
    toolshed: McpToolshed;
    settings: AgentSettings;
    pins: ReadonlyMap<string, string>;
  },
): Promise<McpServerStatus> {
  const listed = await unlessAborted(AbortSignal.timeout(MOST_WAIT_MS), toolshed.listed(server));
  const known = listed && "tools" in listed ? listed.tools : undefined;
  const declared = [...settings.mcpTools.keys()]
    .map((full) => [full, ...splitName(full)] as const)
    .filter(([, name]) => name === server.name);
  const tools = declared.map(([full, , name]): DeclaredTool => {
    const off = whyOff(listed, name, settings.mcpTools.get(full)?.fingerprint ?? pins.get(full));
    return { name, sources: allowedFor(settings, full), ...(off === undefined ? {} : { off }) };
  });
  return {
    name: server.name,
    host: new URL(server.url).host,
    at: listed?.at,
    error: listed && "error" in listed ? listed.error : undefined,
    undeclared: [...known?.keys() ?? []]
      .filter((name) => !declared.some(([, , each]) => each === name)).length,
    tools,
  };
}

/** A server that has told nothing is off as a whole, which is said of it. */
function whyOff(
  listed: Listed | undefined,
  name: string,
  accepted: string | undefined,
): string | undefined {
  if (!listed || "error" in listed) return undefined;
  const found = lookUp(listed, name);
  if ("off" in found) return found.off;
  const now = fingerprintOf(found);
  return accepted === undefined || accepted === now ? undefined : whyChanged(now);
}

function allowedFor({ rulesOf, ruled }: AgentSettings, full: string): string[] {
  return ["*", ...ruled].filter((source) => {
    const { tools, unverifiedTools } = rulesOf(source);
    return tools.includes(full) || unverifiedTools.includes(full);
  });
}
