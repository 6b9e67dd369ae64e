import { assertEquals } from "@std/assert";
import { env as ownEnv } from "node:process";
import { freePort, type Process, startProcess } from "../servers/mod.ts";

export const ADMIN_TOKEN = "a token of the operator's own";
export const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** A deadline, not what it takes. */
const START_MS = 60_000;
/** What the platform tells of itself, as far as it is the same for all. */
const PLATFORM = { DENO_DEPLOY: "true", ADMIN_TOKEN, LOG_LEVEL: "warn" };

/** `deploy.ts` as Deno Deploy runs it: all permissions, the address from outside. */
export interface Isolate extends AsyncDisposable {
  readonly process: Process;
  readonly origin: string;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Sends a webhook and gives the id that it was answered with. */
  send(body: unknown, type?: string, headers?: Record<string, string>): Promise<string>;
  /** `POST /api/drain`: the last line of its answer. */
  drain(): Promise<{ settled: number; left: number; ms: number }>;
}

export async function startIsolate(
  databaseUrl: string,
  env: Record<string, string> = {},
  flags: string[] = ["-A"],
): Promise<Isolate> {
  const port = await freePort();
  const process = startProcess([...flags, "deploy.ts"], {
    ...PLATFORM,
    DATABASE_URL: databaseUrl,
    DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
    ...env,
  }, { runtime: "deno" });
  await process.waitForLine(/Listening on/, { timeoutMs: START_MS });
  const origin = `http://127.0.0.1:${port}`;
  const ask = (path: string, init?: RequestInit) => fetch(`${origin}${path}`, init);
  return {
    process,
    origin,
    ask,
    async send(body, type = "demo", headers = {}) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const answer = await ask(`/webhook/${type}`, { method: "POST", body: text, headers });
      const said = await answer.text();
      assertEquals(answer.status, 200, said);
      return JSON.parse(said).message_id;
    },
    async drain() {
      const answer = await ask("/api/drain", { method: "POST", headers: ADMIN });
      const said = await answer.text();
      assertEquals(answer.status, 200, said);
      return JSON.parse(said.trimEnd().split("\n").at(-1)!);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** Runs the predeploy command of deno.json on a database. */
export async function migrate(databaseUrl: string): Promise<void> {
  const { deploy } = JSON.parse(await Deno.readTextFile("deno.json"));
  const [, , ...args] = (deploy.predeploy as string).split(" ");
  const env = { DENO_DEPLOY: "true", DATABASE_URL: databaseUrl };
  await using process = startProcess(args, env, { runtime: "deno" });
  const { code } = await process.exited;
  assertEquals(code, 0, process.lines.join("\n"));
}

/** How many rounds of a test that people make longer by hand. */
export const rounds = (few: number) => Number(ownEnv.OTTO_TEST_ROUNDS ?? few);
