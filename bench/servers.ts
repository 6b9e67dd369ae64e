import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { startGuard } from "../tests/servers/guard.ts";
import { freePort } from "../tests/servers/ports.ts";

/** A program under test, in its own process. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Resolves when it answers `path` with 200. */
  ready(path: string): Promise<void>;
  /** @throws when it has ended, with what it said last. */
  check(): void;
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** A temporary folder that goes when it is disposed of, or when the bench is killed. */
export async function makeFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(`${tmpdir()}/otto-bench-`);
  const guard = startGuard({ dir: path });
  return { path, [Symbol.asyncDispose]: () => guard.end() };
}

const START_MS = 20_000;
const STOP_MS = 12_000;

/** The flags of a bench program's own: what it needs and nothing else. */
const OWN_FLAGS = [
  "run",
  "--no-prompt",
  "--allow-net",
  "--allow-env",
  "--allow-sys=hostname,osUptime",
];

/**
 * Starts a file of a checkout. `main.ts` and `worker.ts` are started by the very command of their
 * task in `deno.json`; anything else of ours with what OWN_FLAGS says, and `folder` to write to.
 */
export async function startProgram(
  { root, file, env, folder = "" }: {
    root: string;
    file: string;
    env: Record<string, string>;
    folder?: string;
  },
): Promise<Program> {
  const port = await freePort();
  const task = taskOf(root, file);
  const [command, args] = task === undefined
    ? [process.execPath, [...OWN_FLAGS, "--allow-read", `--allow-write=${folder}`, file]]
    // `exec`, so that the number of the shell becomes that of the program.
    : ["sh", ["-c", task.replace("deno run", "exec deno run")]];
  const child = spawn(command, args as string[], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...inherited(),
      NO_COLOR: "1",
      LOG_LEVEL: "warn",
      HOST: "127.0.0.1",
      PORT: `${port}`,
      ...(folder ? { OTTO_DATA_DIR: folder } : {}),
      ...env,
    },
  });
  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on("line", (line) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
    });
  }
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start ${command}`);
  // Should the bench itself be killed, the guard ends the program.
  const guard = startGuard({ quit: "TERM" });
  guard.watch(pid);
  const isGone = () => child.exitCode !== null || child.signalCode !== null;

  function check(): void {
    if (isGone()) throw new Error(`${file} has ended. It said:\n${lines.join("\n")}`);
  }

  async function stop(): Promise<void> {
    if (!isGone()) {
      process.kill(pid!, "SIGTERM");
      const timer = setTimeout(() => process.kill(pid!, "SIGKILL"), STOP_MS);
      await gone;
      clearTimeout(timer);
    }
    await guard.end();
  }

  return {
    pid,
    port,
    async ready(path) {
      const until = Date.now() + START_MS;
      while (!await answers(port, path)) {
        check();
        if (Date.now() > until) {
          throw new Error(`${file} does not answer ${path}. It said:\n${lines.join("\n")}`);
        }
        await pause(50);
      }
    },
    check,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The command that `deno.json` has for a file; undefined when it has none. */
function taskOf(root: string, file: string): string | undefined {
  const { tasks } = JSON.parse(readFileSync(`${root}/deno.json`, "utf8")) as {
    tasks: Record<string, { command: string }>;
  };
  return Object.values(tasks).map(({ command }) => command)
    .find((command) => command.endsWith(` ${file}`) && !command.includes("--watch"));
}

/** Only these of our own environment reach a program, and a PATH on which `deno` is this one. */
function inherited(): Record<string, string> {
  const { PATH = "", HOME, DENO_DIR } = process.env;
  return {
    PATH: `${dirname(process.execPath)}:${PATH}`,
    ...(HOME ? { HOME } : {}),
    ...(DENO_DIR ? { DENO_DIR } : {}),
  };
}

/** Runs one of our files to its end, telling each line as it comes. */
export async function runProgram(
  file: string,
  argument: string,
  heard: (line: string) => void,
): Promise<void> {
  const child = spawn(process.execPath, [...OWN_FLAGS, file, argument], {
    stdio: ["ignore", "pipe", "inherit"],
    env: inherited(),
  });
  createInterface({ input: child.stdout }).on("line", heard);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
}

async function answers(port: number, path: string): Promise<boolean> {
  if (path === "") {
    return await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** The CPU time of processes so far, in seconds, where the system tells. */
export interface CpuTimes {
  of(pid: number): number;
  /** Of all processes with this name that descend from us. */
  named(name: string): number;
  /** Of all processes that do not descend from us, and what the host took away. */
  others: number;
  /** What all cores could have given. */
  machine: number;
}

const TICKS_PER_SECOND = 100;

/** Reads the CPU times of all processes; by `cat`, since Deno keeps /proc to itself. */
export async function readCpuTimes(): Promise<CpuTimes> {
  const { stdout } = await promisify(execFile)("sh", [
    "-c",
    "cat /proc/stat /proc/[0-9]*/stat 2> /dev/null; true",
  ], { maxBuffer: 16 * 1024 * 1024 });
  const entries = stdout.split("\n").flatMap((line) => {
    const match = /^(\d+) \((.*)\) \S (\d+) (.*)$/.exec(line);
    if (!match) return [];
    const times = match[4].split(" ").slice(9, 11).map(Number);
    const seconds = (times[0] + times[1]) / TICKS_PER_SECOND;
    return [{ pid: Number(match[1]), name: match[2], parent: Number(match[3]), seconds }];
  });
  const ours = new Set([process.pid]);
  for (let size = 0; size < ours.size;) {
    size = ours.size;
    for (const { pid, parent } of entries) if (ours.has(parent)) ours.add(pid);
  }
  const sum = (which: (entry: typeof entries[number]) => boolean) =>
    entries.filter(which).reduce((total, entry) => total + entry.seconds, 0);
  const [user, nice, system, idle, waiting, , , stolen] = (/^cpu +(.*)$/m.exec(stdout)?.[1] ?? "")
    .split(" ").map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  const busy = user + nice + system + stolen;
  return {
    others: busy - sum((entry) => ours.has(entry.pid)),
    machine: busy + idle + waiting,
    of: (pid) => sum((entry) => entry.pid === pid),
    named: (name) => sum((entry) => entry.name.startsWith(name) && ours.has(entry.pid)),
  };
}

/** The most memory that a process has had, in MB; undefined where the system does not tell. */
export async function readPeakMemory(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)("cat", [`/proc/${pid}/status`]);
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(stdout);
    return match ? Math.round(Number(match[1]) / 1_024) : undefined;
  } catch {
    return undefined;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
