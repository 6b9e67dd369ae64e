import { spawn } from "node:child_process";
import { env } from "node:process";

/** Looks after one process at a time, and its folder, in case the tests die before they tidy up. */
export interface Guard {
  /** Tells which process to look after now; 0: none. */
  watch(pid: number): void;
  /** Ends the guard. It removes the folder on its way out. */
  end(): Promise<void>;
}

// Whoever dies, even by SIGKILL, closes its end of the pipe: that is the guard's signal.
const SCRIPT = `
trap '' INT TERM HUP
pid=0
while read -r line; do pid=$line; done
if [ "$pid" != 0 ]; then
  kill -CONT "$pid"; kill -"$1" "$pid"
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" || break; sleep 0.5; done
  kill -KILL "$pid"
fi 2>/dev/null
if [ -n "$2" ]; then rm -rf "$2"; fi
`;

/** @param quit The signal that makes the process end at once, taking its children along. */
export function startGuard(
  { quit = "KILL", dir = "" }: {
    quit?: "KILL" | "QUIT" | "TERM";
    dir?: string;
  } = {},
): Guard {
  const child = spawn("sh", ["-c", SCRIPT, "guard", quit, dir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: env.PATH },
  });
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  child.stdin.on("error", () => {});
  return {
    watch(pid) {
      child.stdin.write(`${pid}\n`);
    },
    async end() {
      child.stdin.end("0\n");
      await gone;
    },
  };
}
