/** A tool as `tools/list` shows it. */
export interface FakeTool {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

/** An MCP server over Streamable HTTP, protocol 2025-06-18. */
export interface FakeMcp {
  url: string;
  /** Broken ones, too. */
  tools: unknown[];
  /** What was called, with what. */
  called: { name: string; arguments: unknown }[];
  /** What a call gives: a text, a whole result, or an error when it throws. */
  answer: (name: string, args: unknown) => string | Record<string, unknown>;
  /** A JSON-RPC error in the place of every call's result. */
  error?: unknown;
  /** Answers nothing any more. */
  hangs: boolean;
  /** Answers as a stream of events, with a ping and a change of its list before the answer. */
  streams: boolean;
  /** How often its list was asked for, from the start. */
  listed: number;
  headers: Headers[];
  [Symbol.asyncDispose](): Promise<void>;
}

const PING = { jsonrpc: "2.0", id: 9_001, method: "ping" };
const CHANGED = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };

function events(messages: unknown[]): Response {
  const text = messages.map((each) => `event: message\r\ndata: ${JSON.stringify(each)}\r\n\r\n`);
  return new Response(text.join(""), { headers: { "content-type": "text/event-stream" } });
}

export function startMcp(tools: unknown[]): FakeMcp {
  const stop = new AbortController();
  const fake = {
    tools,
    called: [] as FakeMcp["called"],
    headers: [] as Headers[],
    answer: (() => "fine") as FakeMcp["answer"],
    error: undefined as unknown,
    hangs: false,
    streams: false,
    listed: 0,
  };

  async function answer(request: Request): Promise<Response> {
    fake.headers.push(request.headers);
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const { id, method, params } = await request.json();
    if (fake.hangs) return await new Promise(() => {});
    const result = (value: unknown, headers?: Record<string, string>) => {
      const message = { jsonrpc: "2.0", id, result: value };
      return fake.streams ? events([PING, CHANGED, message]) : Response.json(message, { headers });
    };
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
        fake.listed++;
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
        if (fake.error) return Response.json({ jsonrpc: "2.0", id, error: fake.error });
        try {
          const text = fake.answer(params.name, params.arguments);
          if (typeof text !== "string") return result(text);
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
