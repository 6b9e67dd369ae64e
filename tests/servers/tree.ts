import { execFile } from "node:child_process";
import process from "node:process";
import { until } from "./wait.ts";

interface Entry {
  pid: number;
  parent: number;
  zombie: boolean;
}

/** Stops a process and all below it (SIGSTOP): connections stay open, nothing answers. */
export async function freezeTree(pid: number): Promise<void> {
  // The parent first: once it stands still it starts no more children.
  signal(pid, "SIGSTOP");
  for (const child of await below(pid)) signal(child, "SIGSTOP");
}

/** Lets a frozen tree go on (SIGCONT). */
export async function thawTree(pid: number): Promise<void> {
  for (const child of await below(pid)) signal(child, "SIGCONT");
  signal(pid, "SIGCONT");
}

/** SIGKILL to a process and all below it; returns when every one of them is gone. */
export async function killTree(pid: number): Promise<void> {
  signal(pid, "SIGSTOP");
  // PostgreSQL's children lead sessions of their own, so the process group does not reach them.
  const pids = [...await below(pid), pid];
  for (const each of pids) signal(each, "SIGKILL");
  await until(
    async () => !(await processes()).some((entry) => pids.includes(entry.pid) && !entry.zombie),
    { what: `the processes ${pids.join(", ")} to be gone` },
  );
}

/** Sends a signal; a process that is already gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function below(pid: number): Promise<number[]> {
  const all = await processes();
  const found: number[] = [];
  for (let level = [pid]; level.length > 0;) {
    level = all.filter((entry) => level.includes(entry.parent)).map((entry) => entry.pid);
    found.push(...level);
  }
  return found;
}

/** By `sh` on Linux: Deno keeps /proc to itself, and slim images have no `ps`. */
async function processes(): Promise<Entry[]> {
  if (process.platform === "linux") {
    const lines = await output("sh", [
      "-c",
      "cat /proc/[0-9]*/stat 2>/dev/null; true",
    ]);
    return lines.flatMap((line) => {
      const match = /^(\d+) \(.*\) (\S) (\d+) /.exec(line);
      return match
        ? [{
          pid: Number(match[1]),
          parent: Number(match[3]),
          zombie: match[2] === "Z",
        }]
        : [];
    });
  }
  const lines = await output("ps", ["-A", "-o", "pid=,ppid=,stat="]);
  return lines.map((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    return {
      pid: Number(pid),
      parent: Number(parent),
      zombie: state?.startsWith("Z") ?? true,
    };
  });
}

function output(command: string, args: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { maxBuffer: 16 * 1024 * 1024 },
      (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout.split("\n").filter((line) => line !== ""));
      },
    );
  });
}
