import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { createClient } from "redis";
import { findRedis } from "./find.ts";
import { run, type Running } from "./run.ts";

export interface RedisServer extends Omit<Running, "port" | "alive"> {
  readonly url: string;
  /** False for a server of `OTTO_TEST_REDIS_URL`, which is not ours to kill, freeze or restart. */
  readonly own: boolean;
  /** Removes all its data. */
  flush(): Promise<void>;
}

export interface RedisOptions {
  /** Whether every command is on disk before it is answered; without it a restart forgets. */
  durable?: boolean;
  /** More settings, such as `{ maxmemory: "10mb" }`. */
  settings?: Record<string, string>;
  /** A folder for its data, which stays there for the next start. A temporary one if not given. */
  folder?: string;
}

const DURABLE = {
  appendonly: "yes",
  appendfsync: "always",
  "maxmemory-policy": "noeviction",
};

/** Starts a private Redis; undefined when there is none here. */
export async function startRedis(
  { durable = false, settings = {}, folder }: RedisOptions = {},
): Promise<RedisServer | undefined> {
  const found = findRedis();
  if (found === undefined) return undefined;
  if ("url" in found) {
    if (durable || folder || Object.keys(settings).length > 0) return undefined;
    return await borrowRedis(found.url);
  }

  const dir = folder ?? mkdtempSync(`${tmpdir()}/otto-redis-`);
  if (folder) mkdirSync(folder, { recursive: true });
  let server: Running;
  try {
    server = await run({
      name: "Redis",
      dir,
      keep: folder !== undefined,
      command: found.binary,
      args: (port) =>
        Object.entries({
          port: `${port}`,
          bind: "127.0.0.1",
          dir,
          save: "",
          ...(durable ? DURABLE : {}),
          ...settings,
        }).flatMap(([key, value]) => [`--${key}`, value]),
      ready: ({ port }) => answers(port),
      quit: "TERM",
    });
  } catch (error) {
    if (!folder) rmSync(dir, { recursive: true, force: true });
    throw error;
  }
  const { port, kill, freeze, thaw, restart, stop } = server;
  const url = `redis://127.0.0.1:${port}`;
  return {
    url,
    own: true,
    flush: () => ask(url, ["FLUSHALL"]).then(() => {}),
    kill,
    freeze,
    thaw,
    restart,
    stop,
  };
}

const CLAIM = "otto:test:claim";
const CLAIM_SECONDS = "3600";

/** Uses somebody's server for tests: one of its numbered databases, if one is empty. */
export async function borrowRedis(base: string): Promise<RedisServer> {
  const claim = ["SET", CLAIM, randomUUID(), "NX", "EX", CLAIM_SECONDS];
  for (let number = 1; number < 16; number++) {
    const url = new URL(base);
    url.pathname = `/${number}`;
    const { href } = url;
    if (await ask(href, ["DBSIZE"]) !== 0 || await ask(href, claim) !== "OK") {
      continue;
    }
    const notOurs = () =>
      Promise.reject(
        new Error(
          `Cannot do this to the server of OTTO_TEST_REDIS_URL: ask for one of our own with { redis: "own" }`,
        ),
      );
    return {
      url: href,
      own: false,
      flush: () => ask(href, ["FLUSHDB"], claim).then(() => {}),
      kill: notOurs,
      freeze: notOurs,
      thaw: notOurs,
      restart: notOurs,
      stop: () => ask(href, ["FLUSHDB"]).then(() => {}),
    };
  }
  throw new Error(
    "Cannot use the server of OTTO_TEST_REDIS_URL: its databases 1 to 15 are in use",
  );
}

/** Sends commands and returns the last answer. */
export async function ask(url: string, ...commands: string[][]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on("error", () => {});
  await client.connect();
  try {
    let answer: unknown;
    for (const command of commands) answer = await client.sendCommand(command);
    return answer;
  } finally {
    client.destroy();
  }
}

/** A server that is still reading its file says LOADING instead. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    socket.once("data", (data) => {
      resolve(data.toString().startsWith("+PONG"));
      socket.destroy();
    });
  });
}
