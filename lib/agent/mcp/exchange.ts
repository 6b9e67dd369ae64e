import { fetchAlone } from "../../process/fetch_alone.ts";
import { ownWords } from "../provider/own_words.ts";
import type { Definition } from "./definition.ts";
import { type ByteCount, isStream, parsed, readStream, textOf } from "./stream.ts";
import { answers, type Asked, createTamer, type Tamer } from "./tame.ts";

/** A server that is silent about a protocol that it does not know is asked in the older one. */
const DISCOVER_MS = 3_000;
const LEAVE_MS = 10_000;
/** How servers say that they do not know a session that they have given, besides a 404. */
const SESSION = /session|not initiali[sz]ed/i;
/** What people can do about an answer with this status. */
const HINTS: Record<number, string> = {
  401: ". Set what it wants under headers, where its url is",
  403: ". Set what it wants under headers, where its url is",
  404: ". Check its url",
  405: ". Check its url: it must speak MCP over Streamable HTTP",
};

/** A server has forgotten a session, and with it a request, which it has not worked. */
export class SessionLostError extends Error {
  override readonly name = "SessionLostError";
}

/** How a client speaks with a server. */
export interface Exchange extends Pick<Tamer, "last" | "listChanged"> {
  /** For the SDK, one request at a time. */
  fetch: typeof globalThis.fetch;
  /** Tells the SDK of this tool, when it asks the next time for the list, and nobody else. */
  tell(tool: Pick<Definition, "name" | "inputSchema">): void;
  /** Rejects when a stream breaks or ends before the answer: the SDK would wait on. */
  broken: Promise<never>;
}

/**
 * A `fetch` that reads no more than a server's answers may have, follows no redirection, as the server's
 * headers would go along, and says in words what is no answer.
 *
 * @param onLegacy is told that the server does not know the newest protocol.
 */
export function createExchange({ onLegacy }: { onLegacy: () => void }): Exchange {
  const tamer = createTamer();
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});
  const count: ByteCount = { bytes: 0 };
  let told: Parameters<Exchange["tell"]>[0] | undefined;

  return {
    tell: (tool) => told = tool,
    last: tamer.last,
    listChanged: tamer.listChanged,
    broken,
    async fetch(input, init = {}) {
      // A stream of the server's own would only be read for as long as one call takes.
      if ((init.method ?? "GET") === "GET") return new Response(null, { status: 405 });
      if (init.method === "DELETE") {
        return await fetchAlone(input, { ...init, signal: AbortSignal.timeout(LEAVE_MS) });
      }
      const { method, id } = JSON.parse(String(init.body));
      if (method === "server/discover") return await discover(tamer, { input, init, id, onLegacy });
      if (method === "tools/list" && told) {
        const result = { tools: [told], resultType: "complete" };
        return asJson([{ jsonrpc: "2.0", id, result }]);
      }
      const response = await fetchAlone(input, { ...init, redirect: "manual" });
      if (method === undefined || id === undefined) {
        // What is no request needs no answer: the next request will tell.
        await response.body?.cancel();
        return new Response(null, { status: 202 });
      }
      const asked = { method, id };
      const session = new Headers(init.headers).get("mcp-session-id");
      return isStream(response)
        ? streamed(tamer, { response, asked, count, input, init, fail: reject })
        : asJson(await readMessages(tamer, { response, asked, count, session }), response);
    },
  };
}

/** Asks whether the server knows the newest protocol. Whatever goes wrong, it is asked in the older one. */
async function discover(
  tamer: Tamer,
  { input, init, id, onLegacy }: {
    input: Parameters<typeof globalThis.fetch>[0];
    init: RequestInit;
    id: unknown;
    onLegacy: () => void;
  },
): Promise<Response> {
  const asked = { method: "server/discover", id };
  const count = { bytes: 0 };
  const stop = AbortSignal.timeout(DISCOVER_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, stop]) : stop;
  try {
    const response = await fetchAlone(input, { ...init, redirect: "manual", signal });
    const messages = isStream(response)
      ? await Array.fromAsync(readStream(response, { tamer, asked, count }))
      : await readMessages(tamer, { response, asked, count, session: null });
    const answer = messages.find((each) => answers(each, asked)) as
      | { result?: unknown }
      | undefined;
    if (answer?.result) return asJson([answer]);
  } catch {
    init.signal?.throwIfAborted();
  }
  onLegacy();
  return asJson([{ jsonrpc: "2.0", id, error: { code: -32_601, message: "Method not found" } }]);
}

function asJson(messages: readonly unknown[], { headers }: { headers?: Headers } = {}): Response {
  // Of the headers that came, the SDK reads this one.
  const session = headers?.get("mcp-session-id");
  return Response.json(messages, session ? { headers: { "mcp-session-id": session } } : {});
}

/** Why a server lets nobody in, where it says so in a header alone. */
function challengeOf(headers: Headers): string {
  const challenge = headers.get("www-authenticate") ?? "";
  const [, words = ""] = /\berror_description="([^"]{1,300})"/.exec(challenge) ??
    /\berror="?([\w-]{1,100})/.exec(challenge) ?? [];
  return words;
}

/** The messages of an answer that is no stream. */
async function readMessages(
  tamer: Tamer,
  { response, asked, count, session }: {
    response: Response;
    asked: Asked;
    count: ByteCount;
    session: string | null;
  },
): Promise<unknown[]> {
  const { status, headers, ok } = response;
  const text = await textOf(response, count);
  const body = parsed(text);
  const words = ownWords(text, body) || challengeOf(headers);
  if (session !== null && (status === 404 || status === 400 && SESSION.test(words))) {
    throw new SessionLostError(`the server has forgotten its session: ${words}`);
  }
  if (status >= 300 && status < 400) {
    const to = URL.parse(headers.get("location") ?? "", response.url)?.origin;
    // Starlette and others lead from `/mcp` to `/mcp/`.
    const place = to === undefined || to === URL.parse(response.url)?.origin
      ? "another path, often the same with or without a / at its end"
      : to;
    throw new Error(
      `the server answered ${status}: it leads to ${place}. Set the url that answers`,
    );
  }
  const messages = [body].flat().map((each) => tamer.tame(each, asked));
  const hint = HINTS[status];
  if (!hint && messages.some((each) => answers(each, asked))) return messages;
  if (!ok) {
    throw new Error(`the server answered ${status}: ${words || "without a word"}${hint ?? ""}`);
  }
  if (text.trim() === "") throw new Error("the server took the request and gave no answer");
  throw new Error(`the server's answer cannot be read: ${words}`);
}

/** A stream of tamed messages, as they come: a server may want to hear something before it answers. */
function streamed(
  tamer: Tamer,
  { response, asked, count, input, init, fail }: {
    response: Response;
    asked: Asked;
    count: ByteCount;
    input: Parameters<typeof fetch>[0];
    init: RequestInit;
    fail: (error: unknown) => void;
  },
): Response {
  const signal = init.signal ?? undefined;
  const headers = new Headers(init.headers);
  headers.delete("content-type");
  headers.set("accept", "text/event-stream");
  // The stream of the first request of all is the one that brings it.
  const session = response.headers.get("mcp-session-id");
  if (session) headers.set("mcp-session-id", session);
  async function* events() {
    const messages = readStream(response, {
      tamer,
      asked,
      count,
      resume(lastId) {
        headers.set("last-event-id", lastId);
        return fetchAlone(input, { headers, signal, redirect: "manual" });
      },
      signal,
    });
    try {
      for await (const message of messages) {
        yield new TextEncoder().encode(`data: ${JSON.stringify(message)}\n\n`);
      }
    } catch (error) {
      fail(error);
    }
  }
  return new Response(ReadableStream.from(events()), {
    headers: { "content-type": "text/event-stream", ...(session && { "mcp-session-id": session }) },
  });
}
