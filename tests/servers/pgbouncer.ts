import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { findPgBouncer, unprivileged } from "./find.ts";
import type { PostgresServer } from "./postgres.ts";
import { run, type Running } from "./run.ts";

export interface PgBouncer {
  /** The URL of a database of the server, by way of the pooler. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** Starts a private PgBouncer before a server, with its own defaults; undefined when there is none here. */
export async function startPgBouncer(
  postgres: PostgresServer,
  { mode, settings = {} }: {
    mode: "session" | "transaction";
    settings?: Record<string, string>;
  },
): Promise<PgBouncer | undefined> {
  const command = findPgBouncer();
  if (command === undefined) return undefined;
  // Like PostgreSQL, it refuses to run as root.
  const user = unprivileged();
  const dir = mkdtempSync(`${tmpdir()}/otto-pgbouncer-`);
  if (user) chownSync(dir, user.uid, user.gid);
  const { hostname, port: serverPort, username } = new URL(postgres.url);
  const file = `${dir}/pgbouncer.ini`;
  let server: Running;
  try {
    server = await run({
      name: "PgBouncer",
      dir,
      user,
      command,
      args(port) {
        const lines = Object.entries({
          listen_addr: "127.0.0.1",
          listen_port: port,
          unix_socket_dir: "",
          auth_type: "any",
          pool_mode: mode,
          ...settings,
        }).map(([name, value]) => `${name} = ${value}`);
        writeFileSync(
          file,
          `[databases]\n* = host=${hostname} port=${serverPort} user=${username}\n` +
            `[pgbouncer]\n${lines.join("\n")}\n`,
        );
        return [file];
      },
      ready: ({ port }) => isOpen(port),
      quit: "TERM",
    });
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  return {
    urlOf(database) {
      const url = new URL(database);
      url.port = String(server.port);
      return url.href;
    },
    stop: server.stop,
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}
