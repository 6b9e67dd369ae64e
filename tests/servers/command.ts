import { readFileSync } from "node:fs";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { HOW_TO_GET } from "./find.ts";
import { findNode } from "./node.ts";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** What can run Otto. */
export type RuntimeName = "deno" | "node";

/** What runs Otto's processes where a test does not say: `OTTO_TEST_RUNTIME`, else Deno. */
export const RUNTIME = readRuntime(env.OTTO_TEST_RUNTIME);

export interface CommandOptions {
  /** @default {RUNTIME} */
  runtime?: RuntimeName;
  /** The folder it will run in; the repository if not given. */
  cwd?: string;
  /** Its `OTTO_DATA_DIR`. */
  dataDir?: string;
}

/**
 * The command, and its arguments, that starts one of our programs: `commandOf(["main.ts"])`, with
 * the flags of its task in `deno.json` on Deno and of its script in `package.json` on Node. Flags
 * that stand before the program are Deno's, and then its only ones; Node has no such permissions.
 *
 * @throws {Error} when there is no Node, or no task that runs the program.
 */
export function commandOf(
  args: string[],
  { runtime = RUNTIME, cwd = ROOT, dataDir }: CommandOptions = {},
): string[] {
  const at = args.findIndex((arg) => !arg.startsWith("-"));
  const [given, name, rest] = [args.slice(0, at), args[at], args.slice(at + 1)];
  const isOurs = !name.startsWith("/");
  // By its full name, so that it may run in any folder.
  const program = isOurs ? `${ROOT}/${name}` : name;
  if (runtime === "node") {
    const flags = given.length > 0 || !isOurs ? [] : scriptFlags(name);
    return [nodeOrWords(), ...flags, program, ...rest];
  }
  const config = cwd === ROOT ? [] : ["--config", `${ROOT}/deno.json`];
  const flags = given.length > 0 ? given : taskFlags(name, undefined, dataDir);
  // Another Deno than the one that runs the tests, by its path.
  const deno = env.OTTO_TEST_DENO ?? Deno.execPath();
  return [deno, "run", ...config, "--no-prompt", ...flags, program, ...rest];
}

/** @throws {Error} when it is neither. */
function readRuntime(name: string | undefined): RuntimeName {
  if (!name) return "deno";
  if (name === "deno" || name === "node") return name;
  throw new Error(`Cannot run Otto on OTTO_TEST_RUNTIME=${name}: it is deno or node`);
}

function nodeOrWords(): string {
  const node = findNode();
  if (node === undefined) throw new Error(`Cannot run Node: get ${HOW_TO_GET.Node}`);
  return node;
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

/** The flags between `node` and the file, in the script of `package.json` that runs it. */
function scriptFlags(file: string): string[] {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8"));
  const script = Object.values<string>(scripts).map((each) => each.split(" "))
    .find((words) => words[0] === "node" && words.at(-1) === file);
  if (script === undefined) {
    throw new Error(
      `Cannot find the flags of ${file}: no script of package.json is \`node … ${file}\``,
    );
  }
  return script.slice(1, -1).map((flag) =>
    flag.startsWith("./") ? `${ROOT}/${flag.slice(2)}` : flag
  );
}
