import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One call as it came in. */
export interface SlackCall {
  method: string;
  // deno-lint-ignore no-explicit-any -- tests look into arguments of many shapes
  args: Record<string, any>;
  /** `performance.now()` at its arrival. */
  at: number;
}

/** A message as the workspace has it now. */
export interface SlackPost {
  channel: string;
  ts: string;
  thread_ts?: string;
  text: string;
  // deno-lint-ignore no-explicit-any -- blocks have many shapes
  blocks: any[];
  metadata?: unknown;
}

/** What goes wrong with a call. */
export type Trouble =
  /** 200 with `ok: false`, as for all of Slack's own errors. */
  | { error: string; needed?: string; taken?: true }
  /** `taken`: it takes effect all the same. */
  | { status: number; retryAfter?: number; text?: string; taken?: true }
  /** It takes effect, and the answer is lost. */
  | { reset: "after" }
  /** The connection breaks before anything happened. */
  | { reset: "before" }
  /** It takes effect at once; the answer waits until the test ends it. */
  | { slow: Promise<void> };

/** A workspace behind Slack's Web API (docs.slack.dev/reference/methods), on a port of its own. */
export interface FakeSlack extends AsyncDisposable {
  readonly url: string;
  readonly calls: SlackCall[];
  readonly posts: SlackPost[];
  /** Ephemeral messages: `chat.postEphemeral`. */
  readonly whispers: { channel: string; user: string; thread_ts?: string; text: string }[];
  /** Who can be looked up, by e-mail. */
  readonly people: Map<string, string>;
  /** The next calls of a method meet these, one each. */
  next(method: string, ...troubles: Trouble[]): void;
  /** Every call of a method meets this; `undefined` ends it. */
  always(method: string, trouble: Trouble | undefined): void;
  /** The calls of one method. */
  called(method: string): SlackCall[];
}

export const TOKEN = "xoxb-1-test";
export const SELF = { user_id: "U0OTTO", bot_id: "B0OTTO" };

/** @param scopes what the token is for, as the header `x-oauth-scopes` lists it. */
export async function startFakeSlack({ scopes }: { scopes?: string } = {}): Promise<FakeSlack> {
  const calls: SlackCall[] = [];
  const posts: SlackPost[] = [];
  const whispers: FakeSlack["whispers"] = [];
  const people = new Map<string, string>();
  const queued = new Map<string, Trouble[]>();
  const lasting = new Map<string, Trouble>();
  let clock = 1_700_000_000;

  const find = ({ channel, ts }: SlackCall["args"]) =>
    posts.find((post) => post.channel === channel && post.ts === ts);

  const methods: Record<string, (args: SlackCall["args"]) => Record<string, unknown>> = {
    "auth.test": () => ({ ok: true, url: "https://test.slack.com/", team_id: "T0", ...SELF }),
    "chat.postMessage": (args) => {
      const refusal = refuse(args, 40_000);
      if (refusal) return refusal;
      const { channel, thread_ts, text = "", blocks = [], metadata } = args;
      const post = { channel, thread_ts, text, blocks, metadata, ts: `${++clock}.000100` };
      posts.push(post);
      return { ok: true, channel, ts: post.ts, message: { text, ...SELF } };
    },
    "chat.update": (args) => {
      const refusal = refuse(args, 4_000);
      if (refusal) return refusal;
      const post = find(args);
      if (!post) return { ok: false, error: "message_not_found" };
      post.text = args.text ?? post.text;
      post.blocks = args.blocks ?? [];
      return { ok: true, channel: post.channel, ts: post.ts, text: post.text };
    },
    "chat.postEphemeral": ({ channel, user, thread_ts, text }) => {
      whispers.push({ channel, user, thread_ts, text });
      return { ok: true, message_ts: `${++clock}.000200` };
    },
    "users.lookupByEmail": ({ email }) => {
      const id = people.get(email);
      return id ? { ok: true, user: { id } } : { ok: false, error: "users_not_found" };
    },
    "conversations.open": ({ users }) => ({ ok: true, channel: { id: `D${users}` } }),
    "conversations.history": ({ channel, oldest }) => ({
      ok: true,
      messages: posts.filter((post) =>
        post.channel === channel && !post.thread_ts && Number(post.ts) >= Number(oldest) - 1e9
      ).reverse(),
    }),
    "conversations.replies": ({ channel, ts }) => ({
      ok: true,
      messages: posts.filter((post) => post.channel === channel && post.thread_ts === ts),
    }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [method, query] = request.url!.slice(1).split("?");
    const asked = Object.fromEntries(new URLSearchParams(query));
    const call = { method, args: { ...asked, ...await readArgs(request) }, at: performance.now() };
    calls.push(call);
    const trouble = queued.get(method)?.shift() ?? lasting.get(method);
    if (trouble && "reset" in trouble && trouble.reset === "before") {
      return void request.socket.destroy();
    }
    if (trouble && "taken" in trouble) methods[method]?.(call.args);
    if (trouble && "status" in trouble) {
      if (trouble.retryAfter !== undefined) response.setHeader("retry-after", trouble.retryAfter);
      response.writeHead(trouble.status);
      return void response.end(
        trouble.text ??
          (trouble.status === 429 ? '{"ok":false,"error":"ratelimited"}' : "<html>upstream</html>"),
      );
    }
    const authorized = request.headers.authorization === `Bearer ${TOKEN}`;
    const body = trouble && "error" in trouble
      ? { ok: false, ...trouble }
      : !authorized
      ? { ok: false, error: "invalid_auth" }
      : methods[method]?.(call.args) ?? { ok: false, error: "unknown_method" };
    if (trouble && "reset" in trouble) return void request.socket.destroy();
    if (trouble && "slow" in trouble) await trouble.slow;
    response.writeHead(200, {
      "content-type": "application/json; charset=utf-8",
      ...(scopes !== undefined && { "x-oauth-scopes": scopes }),
    });
    response.end(JSON.stringify(body));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    posts,
    whispers,
    people,
    next: (method, ...troubles) =>
      void queued.set(method, [...queued.get(method) ?? [], ...troubles]),
    always: (method, trouble) =>
      void (trouble ? lasting.set(method, trouble) : lasting.delete(method)),
    called: (method) => calls.filter((call) => call.method === method),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Only methods that write take JSON: for the others it is as if nothing had been sent. */
async function readArgs(request: IncomingMessage): Promise<SlackCall["args"]> {
  let body = "";
  request.setEncoding("utf8");
  for await (const chunk of request) body += chunk;
  if (request.headers["content-type"]?.startsWith("application/json")) {
    const reads = /^\/(users\.|auth\.test|conversations\.(history|replies))/.test(request.url!);
    return reads ? {} : JSON.parse(body);
  }
  return Object.fromEntries(new URLSearchParams(body));
}

/** Slack's limits, as its documentation and bolt-js#2509 have them. */
function refuse(
  { channel, text = "", blocks = [] }: SlackCall["args"],
  mostText: number,
): Record<string, unknown> | undefined {
  if (!channel) return { ok: false, error: "channel_not_found" };
  if (!text && blocks.length === 0) return { ok: false, error: "no_text" };
  if (new TextEncoder().encode(text).length > mostText) {
    return { ok: false, error: "msg_too_long" };
  }
  if (JSON.stringify(blocks).length > 13_200) return { ok: false, error: "msg_blocks_too_long" };
  const wrong = blocks.length > 50 ||
    blocks.some((block: SlackPost["blocks"][number]) =>
      (block.type === "section" &&
        !(block.text.text.length >= 1 && block.text.text.length <= 3_000)) ||
      (block.type === "actions" && !(block.elements.length >= 1 && block.elements.length <= 25)) ||
      (block.type === "context" && !(block.elements.length >= 1 && block.elements.length <= 10))
    );
  return wrong ? { ok: false, error: "invalid_blocks" } : undefined;
}
