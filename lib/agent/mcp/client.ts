import type { MCPClient } from "@ai-sdk/mcp";
import { deadline } from "../../async/deadline.ts";
import { errorText } from "../../process/log.ts";
import { isPart } from "../provider/answer/parts.ts";
import { createExchange, type Exchange, SessionLostError } from "./exchange.ts";
import type { McpServer } from "./servers.ts";

/** A server that has to be woken up takes seconds. */
const CONNECT_MS = 10_000;
/** A server whose list never ends is left after so many; some put five tools on each. */
const MOST_PAGES = 100;
/** More are no tools that anybody has looked at. */
const MOST_TOOLS = 10_000;

/** Servers that are known not to know the newest protocol: they need not be asked again. */
const legacy = new WeakSet<McpServer>();

/** A server's list of tools, as it came. */
export interface ToolPages {
  entries: unknown[];
  /** The list goes on, and nobody has read further. */
  goesOn: boolean;
}

/** Asks for a server's list of tools, all its pages together no longer than one answer may be. */
export async function listTools(server: McpServer, signal: AbortSignal): Promise<ToolPages> {
  return await withClient(
    server,
    signal,
    (client, exchange) => fetchPages(client, exchange, { signal }),
  );
}

async function fetchPages(
  client: MCPClient,
  { last }: Exchange,
  { until = () => false, signal }: {
    /** The entry that is looked for: what comes behind it is not asked for. */
    until?: (entry: unknown) => boolean;
    signal: AbortSignal;
  },
): Promise<ToolPages> {
  const entries: unknown[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { nextCursor } = await client.listTools({
      params: cursor === undefined ? undefined : { cursor },
      options: { signal },
    });
    const { tools } = last() as { tools?: unknown };
    if (!Array.isArray(tools)) throw new Error("its list of tools is no list");
    const room = MOST_TOOLS - entries.length;
    entries.push(...tools.slice(0, room));
    if (tools.length > room || tools.some(until)) break;
    cursor = nextCursor;
    // Some give the same one again and again (codebase-memory-mcp#1247).
    if (cursor === undefined || cursors.has(cursor)) return { entries, goesOn: false };
    cursors.add(cursor);
  }
  return { entries, goesOn: true };
}

/**
 * Calls a tool: its result as it came, and whether the server's list has changed meanwhile.
 *
 * @param check throws when the tool, as the server has it now, must not be called any more.
 */
export async function callTool(
  server: McpServer,
  { name, args, schema = {}, check }: {
    name: string;
    args: Record<string, unknown>;
    /** Of its arguments, as the server has it. */
    schema?: Record<string, unknown>;
    check?: (now: ToolPages) => void;
  },
  signal: AbortSignal,
): Promise<{ result: unknown; listChanged: boolean }> {
  return await withClient(server, signal, async (client, exchange) => {
    if (check) {
      const until = (entry: unknown) => isPart(entry) && entry.name === name;
      const pages = await fetchPages(client, exchange, { until, signal }).catch((error) => {
        if (error instanceof SessionLostError) throw error;
        throw new Error(`it was not called: its server gave no list of tools: ${errorText(error)}`);
      });
      check(pages);
    }
    // Arguments that the newest protocol wants in headers, too: the SDK sends those of what it has
    // been told of the tool.
    if (JSON.stringify(schema).includes('"x-mcp-header"')) {
      exchange.tell({ name, inputSchema: schema });
      await client.listTools({ options: { signal } });
    }
    await client.callTool({ name, arguments: args, options: { signal } });
    return { result: exchange.last(), listChanged: exchange.listChanged() };
  });
}

type Work<T> = (client: MCPClient, exchange: Exchange) => Promise<T>;

/**
 * Connects, works and disconnects: a session that is kept may be gone by the next call. One that is
 * gone in the middle is begun again, once: the server has not worked what it was asked in it. A
 * call whose outcome is unknown is not made again.
 *
 * @throws in words that have nothing of the server's address but its host: the rest may be a secret.
 */
async function withClient<T>(
  server: McpServer,
  signal: AbortSignal,
  work: Work<T>,
): Promise<T> {
  try {
    return await connected(server, signal, work).catch((error) => {
      if (!(error instanceof SessionLostError)) throw error;
      return connected(server, signal, work);
    });
  } catch (error) {
    const { href, host } = new URL(server.url);
    const words = errorText(error).replaceAll(href, host).replaceAll(server.url, host);
    // Its cause would say the same once more, and with the address.
    throw new Error(words);
  }
}

async function connected<T>(
  server: McpServer,
  signal: AbortSignal,
  work: Work<T>,
): Promise<T> {
  const { createMCPClient } = await import("@ai-sdk/mcp");
  const exchange = createExchange({ onLegacy: () => legacy.add(server) });
  const connecting = createMCPClient({
    transport: {
      type: "http",
      url: server.url,
      headers: server.headers,
      fetch: exchange.fetch,
    },
    clientName: "otto",
    maxRetries: 0,
    protocolVersionDiscovery: !legacy.has(server),
    initializationOptions: { timeout: CONNECT_MS, signal },
  });
  const client = await Promise.race([connecting, exchange.broken]).catch((error) => {
    // It may have become a newer one.
    legacy.delete(server);
    throw error;
  });
  try {
    return await Promise.race([work(client, exchange), exchange.broken]);
  } finally {
    deadline("leave an MCP server", CONNECT_MS, client.close()).catch(() => {});
  }
}
