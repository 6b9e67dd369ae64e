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

/** Opens a relay on 127.0.0.1 that leads to a port of 127.0.0.1. */
export async function openRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]]) {
      sockets.add(from);
      from.pipe(to);
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
