import { freePort } from "./ports.ts";
import { type Process, type ProcessOptions, startProcess } from "./process.ts";

/** A deadline, not what it takes: making the embedded database on a busy machine takes longest. */
const START_MS = 60_000;

/** A process of ours that can be killed and started again under the same settings. */
export interface Restartable extends AsyncDisposable {
  /** The one that runs now, or ran last. */
  readonly process: Process;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Kill -9, and start again. */
  restart(): Promise<void>;
}

/** `main.ts`: it keeps its port when it is started again. */
export interface Main extends Restartable {
  readonly origin: string;
  readonly port: number;
}

async function startRestartable(
  args: string[],
  env: Record<string, string>,
  ready: (process: Process) => Promise<unknown>,
  options?: ProcessOptions,
): Promise<Restartable> {
  let process = startProcess(args, env, options);
  await ready(process);
  const kill = async () => void await process.kill("SIGKILL");
  async function start() {
    process = startProcess(args, env, options);
    await ready(process);
  }
  return {
    get process() {
      return process;
    },
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Starts `main.ts` on a free port and waits until it listens. */
export async function startMain(
  env: Record<string, string>,
  options?: ProcessOptions,
): Promise<Main> {
  const port = await freePort();
  const ready = (process: Process) => process.waitForLine(/Otto is ready/, { timeoutMs: START_MS });
  const main = await startRestartable(
    ["main.ts"],
    { ...env, PORT: String(port) },
    ready,
    options,
  );
  return Object.defineProperties(main, {
    origin: { value: `http://127.0.0.1:${port}` },
    port: { value: port },
  }) as Main;
}

/**
 * Starts `worker.ts` and waits until it works; with `wait: false` only until it says anything,
 * for when its stores are away.
 */
export function startWorker(
  env: Record<string, string>,
  { wait = true, ...options }: ProcessOptions & { wait?: boolean } = {},
): Promise<Restartable> {
  const pattern = wait ? /worker\.started/ : /./;
  return startRestartable(
    ["worker.ts"],
    env,
    (process) => process.waitForLine(pattern, { timeoutMs: START_MS }),
    options,
  );
}
