/** What a fake model says to one request. */
export type Say =
  /** `cut`: it came to its limit of tokens. `usage`: what the provider says it has counted. */
  | {
    text?: string;
    calls?: { tool: string; args: unknown; id?: string }[];
    cut?: boolean;
    /** What it has thought, where the protocol has a place for it. */
    thinks?: string;
    /** Why it ended, in the provider's own word. */
    finish?: string;
    usage?: unknown;
  }
  /** Tool arguments that are not JSON. */
  | { broken: { tool: string; args: string }; finish?: string }
  | { status: number; message?: string; headers?: Record<string, string> }
  /** A body as it is, whatever the protocol says. */
  | { raw: string; status?: number; type?: string; headers?: Record<string, string> }
  /** A body that never ends, so many bytes at a time. */
  | { endless: number }
  /** Never answers. */
  | "hang";

/** One request that a fake provider got. */
export interface Asked {
  path: string;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- each provider's own shape
  body: any;
  /** The body as it came. */
  text: string;
}

/** A model's provider, as a small HTTP server. */
export interface FakeProvider {
  url: string;
  asked: Asked[];
  /** How many requests were refused, as the true API would refuse them. */
  readonly refused: string[];
  /** How many that were never answered have hung up. */
  readonly dropped: number;
  /** What to say, one request after the other; the last is said again and again. */
  script: (Say | ((asked: Asked) => Say | Promise<Say>))[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a provider speaks. */
export interface Protocol {
  isCall(path: string): boolean;
  says(say: Extract<Say, { text?: string }>, asked: Asked): unknown;
  broken(tool: string, args: string, asked: Asked, finish?: string): unknown;
  error(status: number, message: string, more?: { param?: string; code?: string }): unknown;
  /** Why it refuses a request; undefined when it takes it. */
  check(
    asked: Asked,
  ): { status: number; message: string; param?: string; code?: string } | undefined;
}

/** Starts a fake provider on a free port of this machine. */
export function startProvider(protocol: Protocol): FakeProvider {
  const stop = new AbortController();
  const asked: Asked[] = [];
  const refused: string[] = [];
  let dropped = 0;
  const fake: Pick<FakeProvider, "script"> = { script: [{ text: "Done." }] };

  async function answer(request: Request): Promise<Response> {
    const text = await request.text();
    const path = new URL(request.url).pathname;
    if (request.method !== "POST" || !protocol.isCall(path)) {
      return Response.json(protocol.error(404, `no route ${request.method} ${path}`), {
        status: 404,
      });
    }
    const now: Asked = { path, headers: request.headers, body: JSON.parse(text), text };
    asked.push(now);
    const refusal = protocol.check(now);
    if (refusal) {
      const { status, message } = refusal;
      refused.push(message);
      return Response.json(protocol.error(status, message, refusal), { status });
    }
    const next = fake.script.length > 1 ? fake.script.shift()! : fake.script[0];
    const say = typeof next === "function" ? await next(now) : next;
    if (say === "hang") {
      request.signal.addEventListener("abort", () => dropped++);
      return await new Promise(() => {});
    }
    if ("raw" in say) {
      const { raw, status, type = "application/json", headers } = say;
      return new Response(raw, { status, headers: { "content-type": type, ...headers } });
    }
    if ("endless" in say) {
      const part = new TextEncoder().encode(" ".repeat(say.endless));
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(part),
        cancel: () => void dropped++,
      });
      return new Response(body, { headers: { "content-type": "application/json" } });
    }
    if ("status" in say) {
      const { status, message = "as scripted", headers } = say;
      return Response.json(protocol.error(status, message), { status, headers });
    }
    if ("broken" in say) {
      return Response.json(protocol.broken(say.broken.tool, say.broken.args, now, say.finish));
    }
    return Response.json(protocol.says(say, now));
  }

  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    signal: stop.signal,
    onListen() {},
  }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    asked,
    refused,
    get dropped() {
      return dropped;
    },
    get script() {
      return fake.script;
    },
    set script(script) {
      fake.script = script;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}
