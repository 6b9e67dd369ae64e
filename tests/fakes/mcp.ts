/** A tool as `tools/list` shows it. */
export interface FakeTool {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

/** An MCP server over Streamable HTTP, protocol 2025-06-18. */
export interface FakeMcp {
  url: string;
  tools: FakeTool[];
  /** What was called, with what. */
  called: { name: string; arguments: unknown }[];
  /** What a call gives; an error when it throws. */
  answer: (name: string, args: unknown) => string;
  headers: Headers[];
  [Symbol.asyncDispose](): Promise<void>;
}

export function startMcp(tools: FakeTool[]): FakeMcp {
  const stop = new AbortController();
  const fake = {
    tools,
    called: [] as FakeMcp["called"],
    headers: [] as Headers[],
    answer: (() => "fine") as FakeMcp["answer"],
  };

  async function answer(request: Request): Promise<Response> {
    fake.headers.push(request.headers);
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const { id, method, params } = await request.json();
    const result = (value: unknown, headers?: Record<string, string>) =>
      Response.json({ jsonrpc: "2.0", id, result: value }, { headers });
    switch (method) {
      case "initialize":
        return result({
          protocolVersion: "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "fake", version: "1" },
        }, { "mcp-session-id": crypto.randomUUID() });
      case "notifications/initialized":
        return new Response(null, { status: 202 });
      case "tools/list": {
        // Two pages, where there is more than one tool.
        const at = Number(params?.cursor ?? 0);
        const more = at === 0 && fake.tools.length > 1;
        return result({
          tools: more ? fake.tools.slice(0, 1) : fake.tools.slice(at),
          ...(more ? { nextCursor: "1" } : {}),
        });
      }
      case "tools/call":
        fake.called.push({ name: params.name, arguments: params.arguments });
        try {
          const text = fake.answer(params.name, params.arguments);
          return result({ content: [{ type: "text", text }] });
        } catch (error) {
          const text = (error as Error).message;
          return result({ content: [{ type: "text", text }], isError: true });
        }
      default:
        return Response.json({
          jsonrpc: "2.0",
          id,
          error: { code: -32601, message: `Method not found: ${method}` },
        });
    }
  }

  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal: stop.signal, onListen() {} },
    answer,
  );
  return Object.assign(fake, {
    url: `http://127.0.0.1:${server.addr.port}/mcp`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  });
}
