import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { env } from "node:process";
import type { User } from "./find.ts";
import { startGuard } from "./guard.ts";
import { freePort } from "./ports.ts";
import { freezeTree, killTree, signal, thawTree } from "./tree.ts";
import { until, within } from "./wait.ts";

/** What can be done to a server, whichever it is. */
export interface Running {
  readonly port: number;
  readonly alive: boolean;
  /** SIGKILL to the server and all its children. The data stays. */
  kill(): Promise<void>;
  /** SIGSTOP to all its processes: connections stay open, nothing answers. */
  freeze(): Promise<void>;
  /** SIGCONT: it goes on where it stood still. */
  thaw(): Promise<void>;
  /** Starts it again on the same port and data, killed or not. */
  restart(): Promise<void>;
  /** Ends it and removes its data, unless it has a folder to keep. Harmless when repeated. */
  stop(): Promise<void>;
}

/** How one kind of server is started. */
export interface Recipe {
  name: string;
  /** Its own folder: removed in the end, unless `keep`. */
  dir: string;
  keep?: boolean;
  command: string;
  args(port: number): string[];
  /** Whether this very process answers. */
  ready(server: { port: number; pid: number }): boolean | Promise<boolean>;
  /** Ends it at once and in order, children included. */
  quit: "QUIT" | "TERM";
  user?: User;
}

const START_TIMEOUT_MS = 120_000;
const QUIT_TIMEOUT_MS = 5_000;
const PORT_TRIES = 5;

export async function run(recipe: Recipe): Promise<Running> {
  const guard = startGuard({ quit: recipe.quit, dir: recipe.keep ? "" : recipe.dir });
  const log = `${recipe.dir}/log`;
  let port = await freePort();
  let child: ChildProcess | undefined;
  let gone: Promise<void> = Promise.resolve();

  async function start(): Promise<void> {
    const fd = openSync(log, "w");
    try {
      child = spawn(recipe.command, recipe.args(port), {
        cwd: recipe.dir,
        stdio: ["ignore", fd, fd],
        env: { PATH: env.PATH, TZ: "UTC" },
        ...recipe.user,
      });
    } finally {
      closeSync(fd);
    }
    const { pid } = child;
    const started = child;
    gone = new Promise((resolve) => {
      started.once("error", () => resolve());
      started.once("exit", () => {
        // Its number may be somebody else's soon.
        guard.watch(0);
        resolve();
      });
    });
    if (pid === undefined) throw new Error(`Cannot start ${recipe.command}`);
    guard.watch(pid);
    await until(() => isDead(started) || recipe.ready({ port, pid }), {
      what: `${recipe.name} to be ready`,
      timeoutMs: START_TIMEOUT_MS,
    });
    if (isDead(started)) {
      throw new Error(
        `${recipe.name} ended while starting, saying:\n${readFileSync(log, "utf8")}`,
      );
    }
  }

  async function quit(): Promise<void> {
    if (child?.pid === undefined || isDead(child)) return;
    await thawTree(child.pid);
    signal(child.pid, `SIG${recipe.quit}`);
    try {
      await within(gone, QUIT_TIMEOUT_MS, `${recipe.name} to end`);
    } catch {
      await kill();
    }
  }

  async function kill(): Promise<void> {
    if (child?.pid === undefined || isDead(child)) return;
    await killTree(child.pid);
    await gone;
  }

  function livePid(): number {
    if (child?.pid === undefined || isDead(child)) {
      throw new Error(`${recipe.name} is not running`);
    }
    return child.pid;
  }

  async function stop(): Promise<void> {
    await quit();
    await guard.end();
  }

  try {
    for (let tries = 1;; tries++) {
      try {
        await start();
        break;
      } catch (error) {
        await quit();
        // Somebody else was quicker.
        const taken = /address already in use/i.test((error as Error).message);
        if (!taken || tries === PORT_TRIES) throw error;
        port = await freePort();
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    get port() {
      return port;
    },
    get alive() {
      return child !== undefined && !isDead(child);
    },
    kill,
    freeze: () => freezeTree(livePid()),
    thaw: () => thawTree(livePid()),
    async restart() {
      await quit();
      await start();
    },
    stop,
  };
}

function isDead(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
