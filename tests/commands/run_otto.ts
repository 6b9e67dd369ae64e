import { ROOT } from "../servers/mod.ts";
import { commandOf } from "../servers/command.ts";

/** What a command of the shell said. */
export interface Said {
  code: number;
  out: string;
  error: string;
}

/** Starts the shell as its task or script does, with these variables and no others. */
export function startOtto(args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  const [command, ...rest] = commandOf(["otto.ts", ...args]);
  return new Deno.Command(command, {
    args: rest,
    cwd: ROOT,
    clearEnv: true,
    env: { HOME: Deno.env.get("HOME") ?? "/", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs the shell to its end. */
export async function runOtto(args: string[], env: Record<string, string> = {}): Promise<Said> {
  const { code, stdout, stderr } = await startOtto(args, env).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), error: text.decode(stderr) };
}

/** A port that nobody listens at. */
export async function freePort(): Promise<string> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(),
  );
  await server.shutdown();
  return String(server.addr.port);
}
