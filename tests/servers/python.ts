import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { env } from "node:process";
import { isExecutable } from "./find.ts";
import { ROOT } from "./command.ts";
import { signal } from "./tree.ts";

/** A Python that has python-arq; undefined when there is none. */
export function findPython(): string | undefined {
  return findPythonWith("import arq.worker");
}

/** A worker that speaks ARQ's protocol, for tests of what is Otto's: not of python-arq itself. */
const STAND_IN = join(ROOT, "tests/python/stand_in");

/**
 * A Python for workers, and the variables that it wants: python-arq where there is one, else what
 * stands in for it. Undefined where there is no Python.
 */
export function findWorkerPython(): { python: string; vars: Record<string, string> } | undefined {
  const real = findPython();
  if (real) return { python: real, vars: {} };
  const python = findPythonWith("import asyncio; asyncio.to_thread");
  return python ? { python, vars: { PYTHONPATH: STAND_IN } } : undefined;
}

function findPythonWith(program: string): string | undefined {
  const candidates = env.OTTO_TEST_PYTHON
    ? [env.OTTO_TEST_PYTHON]
    : ["python3", "/usr/bin/python3"];
  return candidates.find((python) =>
    (!python.startsWith("/") || isExecutable(python)) &&
    spawnSync(python, ["-c", program], { env: pythonEnv() }).status === 0
  );
}

/** Which python-arq on which Python the tests run with, in one line for the log of CI. */
export function arqInWords(python: string | undefined): string {
  if (!python) return `python-arq: not run, only its vectors. To get it: ${HOW_TO_GET_ARQ}`;
  const { stdout } = spawnSync(python, ["-c", VERSIONS], { env: pythonEnv(), encoding: "utf8" });
  return `python-arq: run with ${stdout.trim()}`;
}

const VERSIONS = `
import importlib.metadata, platform
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(no version)"
print(f"{version('arq')} on Python {platform.python_version()}, redis-py {version('redis')}")
`;

const HOW_TO_GET_ARQ =
  "`pip install 'arq==0.26.*'`, or set OTTO_TEST_PYTHON to a Python that has it";

function pythonEnv(more: Record<string, string> = {}): Record<string, string> {
  const { PATH = "", HOME = "", PYTHONPATH } = env;
  return { PATH, HOME, ...(PYTHONPATH ? { PYTHONPATH } : {}), ...more };
}

const MOST_STOPPING_MS = 15_000;

export interface Python extends AsyncDisposable {
  readonly pid: number;
  readonly lines: readonly string[];
  /** Sends a signal and waits for the end; what goes on after it is killed. @default {"SIGTERM"} */
  kill(name?: NodeJS.Signals): Promise<void>;
}

/** Runs Python with these arguments until it is disposed. */
export function startPython(
  python: string,
  args: readonly string[],
  { cwd, vars }: { cwd: string; vars: Record<string, string> },
): Python {
  const child = spawn(python, args, { cwd, env: pythonEnv(vars) });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on(
      "data",
      (text: string) => lines.push(...text.split("\n")),
    );
  }
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let isOver = false;
  void ended.then(() => isOver = true);
  // Not by `child.kill`: Deno's sends no second signal.
  const send = (name: NodeJS.Signals) => isOver || signal(child.pid!, name);
  const kill = async (name: NodeJS.Signals = "SIGTERM") => {
    send(name);
    // An ARQ worker may lose a SIGTERM that comes while it asks Redis, and go on.
    const late = setTimeout(() => send("SIGKILL"), MOST_STOPPING_MS);
    await ended;
    clearTimeout(late);
  };
  return {
    pid: child.pid!,
    lines,
    kill,
    [Symbol.asyncDispose]: () => kill("SIGKILL"),
  };
}

/** Runs Python to its end and returns what it printed, as JSON. */
export async function askPython(
  python: string,
  args: readonly string[],
  { cwd, vars }: { cwd: string; vars: Record<string, string> },
): Promise<unknown> {
  const child = spawn(python, args, { cwd, env: pythonEnv(vars) });
  let out = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors += text);
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`Python ended with ${code}: ${errors}`);
  return JSON.parse(out);
}
