import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { env as ownEnv } from "node:process";
import { commandOf, ROOT, type RuntimeName } from "./command.ts";
import { startGuard } from "./guard.ts";
import { signal } from "./tree.ts";
import { within } from "./wait.ts";

// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g;

export interface ProcessOptions {
  /** What runs it; `OTTO_TEST_RUNTIME` if not given, else Deno. */
  runtime?: RuntimeName;
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
 * Starts one of our programs as `commandOf` says: `startProcess(["main.ts"], { PORT: "8123" })`,
 * `startProcess(["--allow-net", "tests/fixture.ts"])`.
 *
 * Its environment is PATH, HOME, DENO_DIR and what is given here, nothing else.
 */
export function startProcess(
  args: string[],
  env: Record<string, string> = {},
  { runtime, cwd = ROOT }: ProcessOptions = {},
): Process {
  const [command, ...rest] = commandOf(args, { runtime, cwd, dataDir: env.OTTO_DATA_DIR });
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

function tail(lines: string[]): string {
  return lines.slice(-20).map((line) => `  ${line}`).join("\n");
}
