import { z } from "zod";
import { type Config, ConfigError } from "../../config/config.ts";
import { parseJson, readJsonFile } from "../../config/json_file.ts";
import type { AgentSettings } from "../settings.ts";
import { splitName } from "../tools/names.ts";

/** Where an MCP server is reached. */
export interface McpServer {
  name: string;
  url: string;
  /** Secrets. */
  headers: Record<string, string>;
}

const server = z.looseObject({
  url: z.url({ protocol: /^https?$/, error: "must be a URL that starts with https:// or http://" })
    .optional(),
  headers: z.record(z.string(), z.string()).optional(),
}).superRefine(({ url, command }, context) => {
  if (url !== undefined) return;
  context.addIssue({
    code: "custom",
    path: ["url"],
    message: command === undefined
      ? "is missing: where the server is reached"
      : 'is missing. Otto speaks to MCP servers over HTTP only and starts no "command": run the ' +
        "server elsewhere and give its address",
  });
});

const schema = z.object({
  mcpServers: z.record(
    z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9-]|_(?!_|$)){0,30}$/, {
      error: 'must be a name of letters, digits, "-" and, between them, single "_"',
    }),
    server,
  ),
});

/**
 * The MCP servers that the operator has listed: in `MCP_CONFIG_JSON`, else in the
 * file of `MCP_SERVERS`, in the form other programs use (`{"mcpServers": {…}}`).
 *
 * @throws {ConfigError} that names the place, never a value.
 */
export function readMcpServers(
  { agent: { mcpFile, mcpJson } }: Pick<Config, "agent">,
  { mcpTools }: AgentSettings,
): McpServer[] {
  const parsed = mcpJson !== undefined
    ? parseJson("MCP_CONFIG_JSON", mcpJson, schema)
    : mcpFile !== undefined
    ? readJsonFile("MCP_SERVERS", mcpFile, schema)
    : { mcpServers: {} };
  const servers = Object.entries(parsed.mcpServers).map(([name, { url, headers }]) => ({
    name,
    url: url!,
    headers: headers ?? {},
  }));
  for (const tool of mcpTools.keys()) {
    const [name] = splitName(tool);
    if (servers.some((each) => each.name === name)) continue;
    throw new ConfigError(
      `Cannot start with AGENT_CONFIG: mcp_tools.${tool} is a tool of the server "${name}", which ` +
        "neither MCP_CONFIG_JSON nor MCP_SERVERS lists",
    );
  }
  return servers;
}

/** Parameters of an address that are no place. */
const SECRET = /key|token|secret|auth|password|signature/i;
/** Many hosts of servers have the key in the path: it is long, and no word. */
const isKey = (part: string) => part.length >= 16 && /\d/.test(part);

/** What nobody may be shown of a server: its headers' values, and the secrets in its address. */
export function secretsOf({ headers, url }: McpServer): string[] {
  const { username, password, pathname, searchParams } = new URL(url);
  const values = Object.values(headers);
  // Smithery's has a key in it; that of others is a word, such as `default`.
  const isSecret = ([name, value]: [string, string]) =>
    SECRET.test(name) || /config/i.test(name) && isKey(value);
  return [
    ...values,
    // The secret itself: of `Bearer abc`, `abc`.
    ...values.map((value) => value.replace(/^\w+ +/, "")),
    password,
    ...[username, ...pathname.split("/")].filter(isKey),
    ...[...searchParams].filter(isSecret).map(([, value]) => value),
  ].filter((secret) => secret !== "");
}
