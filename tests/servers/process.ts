import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { env as ownEnv } from "node:process";
import { fileURLToPath } from "node:url";
import { startGuard } from "./guard.ts";
import { HOW_TO_GET } from "./find.ts";
import { findNode } from "./node.ts";
import { signal } from "./tree.ts";
import { within } from "./wait.ts";

// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g;

/** The repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(
  /\/$/,
  "",
);

export interface ProcessOptions {
  /** @default {"deno"} */
  runtime?: "deno" | "node";
  /** The folder it runs in; the repository if not given. */
  cwd?: string;
}

/** How a process ended: one of the two. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

export interface Process extends AsyncDisposable {
  readonly pid: number;
  /** Every line of stdout and stderr so far. */
  readonly lines: readonly string[];
  /** How it ended, once it has. Never rejects. */
  readonly exited: Promise<Exit>;
  /**
   * Waits for a line, those already there included (from number `from` on), and returns the match.
   * Colours do not count.
   * @default {10000} timeoutMs
   */
  waitForLine(
    pattern: RegExp,
    options?: { timeoutMs?: number; from?: number },
  ): Promise<RegExpExecArray>;
  /** Sends a signal and returns `exited`. @default {"SIGTERM"} */
  kill(name?: NodeJS.Signals): Promise<Exit>;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

/**
 * Starts one of our entrypoints with exactly the flags of its task in `deno.json`:
 * `startProcess(["main.ts"], { PORT: "8123" })`. Arguments that begin with a flag are taken as
 * they are: `startProcess(["--allow-net", "tests/fixture.ts"], {})`.
 *
 * Its environment is PATH, HOME, DENO_DIR and what is given here, nothing else.
 */
export function startProcess(
  args: string[],
  env: Record<string, string> = {},
  { runtime = "deno", cwd = ROOT }: ProcessOptions = {},
): Process {
  const [command, ...rest] = runtime === "deno"
    ? denoCommand(args, cwd, env.OTTO_DATA_DIR)
    : nodeCommand(args);
  const child = spawn(command, rest, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...inherited(), ...env },
  });
  child.once("error", () => {});
  if (child.pid === undefined) throw new Error(`Cannot start ${command}`);
  const { pid } = child;
  const guard = startGuard();
  guard.watch(pid);

  const lines: string[] = [];
  const changed = new EventTarget();
  const read = [child.stdout, child.stderr].map((input) =>
    new Promise<void>((resolve) => {
      createInterface({ input, crlfDelay: Infinity })
        .on("line", (line) => {
          lines.push(line);
          changed.dispatchEvent(new Event("line"));
        })
        .on("close", () => resolve());
    })
  );
  let ended: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      // What it said last may still be on its way.
      Promise.all([...read, guard.end()]).then(() => {
        ended = { code, signal };
        resolve(ended);
        changed.dispatchEvent(new Event("line"));
      });
    });
  });

  return {
    pid,
    lines,
    exited,
    async waitForLine(pattern, { timeoutMs = 10_000, from = 0 } = {}) {
      let at = from;
      const stop = new AbortController();
      const found = new Promise<RegExpExecArray>((resolve, reject) => {
        const once = new RegExp(
          pattern.source,
          pattern.flags.replace(/[gy]/g, ""),
        );
        function look() {
          for (; at < lines.length; at++) {
            const match = once.exec(lines[at].replace(COLOURS, ""));
            if (match) return resolve(match);
          }
          if (ended) {
            reject(
              new Error(
                `The process ended (${ended.signal ?? ended.code}) before saying ${pattern}`,
              ),
            );
          }
        }
        changed.addEventListener("line", look, { signal: stop.signal });
        look();
      });
      try {
        return await within(found, timeoutMs, `a line like ${pattern}`);
      } catch (error) {
        throw new Error(
          `${(error as Error).message}. It said:\n${tail(lines)}`,
        );
      } finally {
        stop.abort();
      }
    },
    kill(name = "SIGTERM") {
      if (!isGone()) signal(pid, name);
      return exited;
    },
    freeze: () => signal(pid, "SIGSTOP"),
    thaw: () => signal(pid, "SIGCONT"),
    async [Symbol.asyncDispose]() {
      if (!isGone()) signal(pid, "SIGKILL");
      await exited;
    },
  };

  function isGone(): boolean {
    return child.exitCode !== null || child.signalCode !== null;
  }
}

/** Only these of our own environment reach a child. */
function inherited(): Record<string, string> {
  const { PATH, HOME, DENO_DIR } = ownEnv;
  return Object.fromEntries(
    Object.entries({ PATH, HOME, DENO_DIR }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
}

function denoCommand(
  args: string[],
  cwd: string,
  dataDir?: string,
): string[] {
  const flags = args[0].startsWith("-") ? [] : taskFlags(args[0], undefined, dataDir);
  const config = cwd === ROOT ? [] : ["--config", `${ROOT}/deno.json`];
  return [
    Deno.execPath(),
    "run",
    ...config,
    "--no-prompt",
    ...flags,
    ...fromRoot(args),
  ];
}

function nodeCommand(args: string[]): string[] {
  const node = findNode();
  if (node === undefined) {
    throw new Error(`Cannot run Node: get ${HOW_TO_GET.Node}`);
  }
  return [node, ...fromRoot(args)];
}

/** Our files by their full name, so that the child may run in any folder. */
function fromRoot(args: string[]): string[] {
  const at = args.findIndex((arg) => !arg.startsWith("-"));
  return args.map((arg, i) => i === at && !arg.startsWith("/") ? `${ROOT}/${arg}` : arg);
}

/** How a task names the data folder in full, and that it makes it first: the shell's part. */
const DATA_DIR = "$(cd $OTTO_DATA_DIR 2> /dev/null && pwd || echo .otto)";
const MAKE_DATA_DIR = "mkdir -p .otto $OTTO_DATA_DIR && ";

/** The flags between `deno run` and the file, in the task that runs it. */
export function taskFlags(
  file: string,
  config: string = readFileSync(`${ROOT}/deno.json`, "utf8"),
  dataDir = ".otto",
): string[] {
  const tasks: Record<string, string | { command?: string }> = JSON.parse(config).tasks ?? {};
  const pattern = new RegExp(
    `^deno run (.*\\s)?(\\./)?${file.replaceAll(".", "\\.")}$`,
  );
  for (const [name, task] of Object.entries(tasks)) {
    const command = (typeof task === "string" ? task : task.command ?? "")
      .trim().replace(MAKE_DATA_DIR, "").replaceAll(DATA_DIR, dataDir);
    const match = pattern.exec(command);
    if (match === null || /--watch/.test(command)) continue;
    if (/[$"'\\;&|<>*]/.test(command)) {
      throw new Error(
        `Cannot repeat the task "${name}" of deno.json: it needs a shell`,
      );
    }
    return (match[1] ?? "").split(/\s+/).filter((flag) => flag !== "");
  }
  throw new Error(
    `Cannot find the flags of ${file}: no task of deno.json is \`deno run … ${file}\``,
  );
}

function tail(lines: string[]): string {
  return lines.slice(-20).map((line) => `  ${line}`).join("\n");
}
