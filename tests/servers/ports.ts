import { createServer } from "node:net";

/** Below the range from which systems take ports for outgoing connections. */
const FIRST = 20_000;
const LAST = 31_999;

/** A port of 127.0.0.1 that nobody listens on. It may be taken meanwhile: be ready to ask again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
