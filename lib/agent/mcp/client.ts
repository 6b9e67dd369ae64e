import type { MCPClient } from "@ai-sdk/mcp";
import { deadline } from "../../async/deadline.ts";
import { keepRawResults, type RawResults } from "./raw_results.ts";
import type { McpServer } from "./servers.ts";

/** A server that has to be woken up takes seconds. */
const CONNECT_MS = 10_000;
/** A server whose list never ends is left after so many. */
const MOST_PAGES = 10;

/** Entries of a server's list of tools, as they came. */
export async function listTools(server: McpServer, signal: AbortSignal): Promise<unknown[]> {
  return await withClient(server, signal, async (client, { last }) => {
    const entries: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MOST_PAGES; page++) {
      const { nextCursor } = await client.listTools({
        params: cursor === undefined ? undefined : { cursor },
        options: { signal },
      });
      const { tools } = last() as { tools?: unknown };
      if (!Array.isArray(tools)) throw new Error("its list of tools is no list");
      entries.push(...tools);
      cursor = nextCursor;
      if (cursor === undefined) break;
    }
    return entries;
  });
}

/** Calls a tool: its result as it came, and whether the server's list has changed meanwhile. */
export async function callTool(
  server: McpServer,
  { name, args }: { name: string; args: Record<string, unknown> },
  signal: AbortSignal,
): Promise<{ result: unknown; listChanged: boolean }> {
  return await withClient(server, signal, async (client, { last, listChanged }) => {
    await client.callTool({ name, arguments: args, options: { signal } });
    return { result: last(), listChanged: listChanged() };
  });
}

/**
 * Connects, works and disconnects: a session that is kept may be gone by the next
 * call, and a call whose outcome is unknown must not be made again.
 */
async function withClient<T>(
  { url, headers }: McpServer,
  signal: AbortSignal,
  work: (client: MCPClient, raw: RawResults) => Promise<T>,
): Promise<T> {
  const { createMCPClient } = await import("@ai-sdk/mcp");
  const raw = keepRawResults();
  const connecting = createMCPClient({
    // Deno sends a POST again by itself when a kept connection breaks before the answer.
    transport: {
      type: "http",
      url,
      headers: { ...headers, connection: "close" },
      fetch: raw.fetch,
    },
    clientName: "otto",
    maxRetries: 0,
    initializationOptions: { timeout: CONNECT_MS, signal },
  });
  const client = await Promise.race([connecting, raw.broken]);
  try {
    return await Promise.race([work(client, raw), raw.broken]);
  } finally {
    deadline("leave an MCP server", CONNECT_MS, client.close()).catch(() => {});
  }
}
