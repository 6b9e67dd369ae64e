import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { pause } from "../async/deadline.ts";
import { errorText } from "./log.ts";
import { Refusal } from "./refusal.ts";

/** Leaves most of the eight seconds that a stop may take (run.ts) to the work in hand. */
const CLOSE_MS = 3_000;

/** How soon a connection that became idle during a stop is closed (Node keeps it for five seconds). */
const SWEEP_MS = 50;

/** What answers a request; `address` tells the socket's other end. */
export type FetchHandler = (
  request: Request,
  connection: { address(): string | undefined },
) => Response | Promise<Response>;

/** An HTTP server that is listening. */
export interface Serving {
  readonly port: number;
  /**
   * Takes no more connections and resolves when the open requests are answered,
   * or after three seconds: somebody may be sending a body slowly, and was
   * promised nothing.
   */
  close(): Promise<void>;
}

/** The few things of Deno that this file uses; types only, so that Node reads it too. */
interface DenoServe {
  serve(
    options: { port: number; hostname: string; onListen(): void },
    handler: (
      request: Request,
      info: { remoteAddr: { hostname?: string } },
    ) => Response | Promise<Response>,
  ): { addr: { port: number }; shutdown(): Promise<void> };
}

/** Listens with the runtime's own server: the one place that knows which runtime this is. */
export async function serve(
  { port, host, answer }: { port: number; host: string; answer: FetchHandler },
): Promise<Serving> {
  const { Deno } = globalThis as { Deno?: DenoServe };
  try {
    const server = Deno
      ? serveOnDeno(Deno, { port, host, answer })
      : await serveOnNode({ port, host, answer });
    return { port: server.port, close: () => Promise.race([server.close(), pause(CLOSE_MS)]) };
  } catch (error) {
    const taken = (error as { code?: string }).code === "EADDRINUSE";
    throw new Refusal(
      `Cannot listen on ${host}:${port}: ` +
        (taken
          ? "another program does. Stop that one, or set PORT to a free one."
          : `${
            errorText(error)
          }. Set HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0.`),
    );
  }
}

/** `/webhook/../api`: what a proxy lets through as one path must not become another. Deno refuses it by itself. */
const DOT_SEGMENT = /(^|\/)(\.|%2e){1,2}(\/|\?|$)/i;

function refusePath(): Response {
  const error = {
    code: "bad_path",
    message: "The path has a segment of dots alone",
    hint: "Send the path without . and ..",
  };
  return Response.json({ error }, { status: 400 });
}

function serveOnDeno(
  Deno: DenoServe,
  { port, host, answer }: { port: number; host: string; answer: FetchHandler },
): Serving {
  const server = Deno.serve(
    { port, hostname: host, onListen() {} },
    (request, info) => answer(request, { address: () => info.remoteAddr.hostname }),
  );
  return { port: server.addr.port, close: () => server.shutdown() };
}

async function serveOnNode(
  { port, host, answer }: { port: number; host: string; answer: FetchHandler },
): Promise<Serving> {
  const { serve } = await import("@hono/node-server");
  return await new Promise((resolve, reject) => {
    const server = serve({
      port,
      hostname: host,
      fetch: (request, env) => {
        const { socket, url } =
          (env as { incoming: { url?: string; socket: { remoteAddress?: string } } }).incoming;
        if (DOT_SEGMENT.test(url ?? "")) return refusePath();
        return answer(request, { address: () => socket.remoteAddress });
      },
      // Node's own limits are minutes; Deno has none: see the README on proxies.
      serverOptions: {
        headersTimeout: 10_000,
        requestTimeout: 20_000,
        connectionsCheckingInterval: 2_000,
        maxHeaderSize: 32 * 1024,
      },
    }, (address) => {
      server.removeListener("error", reject);
      resolve({
        port: address.port,
        close: () =>
          new Promise<void>((done) => {
            // Idle ones are closed at once, but a stream that ends now leaves one that its client keeps.
            const sweep = setInterval(() => (server as Server).closeIdleConnections(), SWEEP_MS);
            server.close(() => {
              clearInterval(sweep);
              done();
            });
          }),
      });
    });
    server.once("error", reject);
    (server as Server).on("checkContinue", continueWhenRead);
  });
}

/**
 * Whoever asks first whether to send a body (`Expect: 100-continue`, RFC 9110 §10.1.1) is told to go
 * on when somebody begins to read it: what is refused by its headers need not be sent at all. Node
 * says so at once unless it is asked for this event.
 */
function continueWhenRead(
  this: Server,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const read = request._read;
  // Whoever is refused may or may not send the body: what comes next could be either.
  response.shouldKeepAlive = false;
  request._read = (size) => {
    request._read = read;
    if (!response.headersSent) {
      response.shouldKeepAlive = true;
      response.writeContinue();
    }
    read.call(request, size);
  };
  this.emit("request", request, response);
}
