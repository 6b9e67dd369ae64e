/** A tool as `tools/list` shows it. */
export interface FakeTool {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

/** A message of JSON-RPC, as a client sends it. */
export interface Message {
  id?: unknown;
  method?: string;
  // deno-lint-ignore no-explicit-any -- each method's own
  params?: any;
  result?: unknown;
  error?: { code: number; message: string };
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
  /** Answers in its own way what it does not want to have answered as usual. */
  odd?: (message: Message, request: Request) => Response | Promise<Response> | undefined;
  /** Goes on with a stream after the event of this id. Without it, as most do: 405. */
  resume?: (lastId: string, request: Request) => Response | Promise<Response>;
  /** How often its list was asked for, from the start. */
  listed: number;
  /** The methods that it was asked for, in their order. */
  methods: (string | undefined)[];
  /** What it was answered. */
  answers: Message[];
  headers: Headers[];
  /** Of the client, a request each: two with one of them came on one connection. */
  ports: number[];
  /** The sessions that it knows; a server that has just started knows none. */
  sessions: Set<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

const PING = { jsonrpc: "2.0", id: 9_001, method: "ping" };
const CHANGED = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };

/** Messages as a stream of events. */
export function events(messages: unknown[]): Response {
  const text = messages.map((each) => `event: message\r\ndata: ${JSON.stringify(each)}\r\n\r\n`);
  return new Response(text.join(""), { headers: { "content-type": "text/event-stream" } });
}

export function startMcp(tools: unknown[]): FakeMcp {
  const stop = new AbortController();
  const fake = {
    tools,
    called: [] as FakeMcp["called"],
    headers: [] as Headers[],
    ports: [] as number[],
    answer: (() => "fine") as FakeMcp["answer"],
    error: undefined as unknown,
    odd: undefined as FakeMcp["odd"],
    resume: undefined as FakeMcp["resume"],
    hangs: false,
    streams: false,
    listed: 0,
    methods: [] as (string | undefined)[],
    answers: [] as Message[],
    sessions: new Set<string>(),
  };

  async function answer(
    request: Request,
    { remoteAddr }: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Promise<Response> {
    fake.ports.push(remoteAddr.port);
    fake.headers.push(request.headers);
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    const lastId = request.headers.get("last-event-id");
    if (request.method === "GET" && lastId !== null && fake.resume) {
      return await fake.resume(lastId, request);
    }
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const message: Message = await request.json();
    const { id, method, params } = message;
    if (fake.hangs) return await new Promise(() => {});
    fake.methods.push(method);
    if (method === undefined) fake.answers.push(message);
    const odd = await fake.odd?.(message, request);
    if (odd) return odd;
    if (method === undefined) return new Response(null, { status: 202 });
    const session = request.headers.get("mcp-session-id");
    // As the protocol has it: who is told so begins a new one.
    if (method !== "initialize" && session !== null && !fake.sessions.has(session)) {
      const error = { code: -32_001, message: "Session not found" };
      return Response.json({ jsonrpc: "2.0", id: null, error }, { status: 404 });
    }
    const result = (value: unknown, headers?: Record<string, string>) => {
      const message = { jsonrpc: "2.0", id, result: value };
      return fake.streams ? events([PING, CHANGED, message]) : Response.json(message, { headers });
    };
    switch (method) {
      case "initialize": {
        const name = crypto.randomUUID();
        fake.sessions.add(name);
        return result({
          protocolVersion: "2025-06-18",
          capabilities: { tools: {} },
          serverInfo: { name: "fake", version: "1" },
        }, { "mcp-session-id": name });
      }
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
