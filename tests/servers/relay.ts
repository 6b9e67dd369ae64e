import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/**
 * An address that leads to one server and later to another, as the name of a
 * managed store does: whoever is connected stays where he is.
 */
export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** New connections go to this port from now on. */
  leadTo(port: number): void;
}

/**
 * Opens a relay on 127.0.0.1 that leads to a port of 127.0.0.1; with `roundTripMs` as far away as
 * that: each half of it is what a byte takes one way.
 */
export async function openRelay(
  target: number,
  { roundTripMs = 0 }: { roundTripMs?: number } = {},
): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from);
      if (roundTripMs > 0) pipeSlowly(from, to, roundTripMs / 2);
      else from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    leadTo(port) {
      target = port;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Timers of one length go off in the order in which they were set. */
function pipeSlowly(from: Socket, to: Socket, ms: number): void {
  // Else small packets would wait for each other as well.
  to.setNoDelay(true);
  from.on("data", (bytes) => setTimeout(() => to.write(bytes), ms));
  from.on("end", () => setTimeout(() => to.end(), ms));
}
