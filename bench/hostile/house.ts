import { createApp } from "../../handlers/mod.ts";
import { readConfig } from "../../lib/config/config.ts";
import { createLog } from "../../lib/process/log.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { drain } from "../../lib/work/drain.ts";

/** Otto in this process, spoken to without a port. */
export interface House extends AsyncDisposable {
  services: Services;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Works until nothing is left. */
  workOff(): Promise<void>;
}

/**
 * Opens Otto with these variables, embedded and in memory unless they name a database.
 *
 * @param agentOf another agent than the one that the variables make.
 */
export async function openHouse(
  env: Record<string, string>,
  agentOf: (services: Services) => Services["agent"] = ({ agent }) => agent,
): Promise<House> {
  const stop = new AbortController();
  const config = readConfig({ OTTO_DATA_DIR: ":memory:", LOG_LEVEL: "silent", ...env });
  const log = createLog(config.logLevel, { readable: false });
  const opened = await openServices(config, log, stop.signal);
  const services = { ...opened, agent: agentOf(opened) };
  await services.ready;
  const app = createApp({ services, stop: stop.signal });
  return {
    services,
    async ask(path, init = {}) {
      const headers = new Headers(init.headers);
      headers.set("host", "localhost:8000");
      const request = new Request(`http://localhost:8000${path}`, { ...init, headers });
      return await app.fetch(request, { address: () => "127.0.0.1" });
    },
    async workOff() {
      while ((await drain(services, { maxMs: 10_000, maxItems: 1_000 })).messages > 0);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await opened[Symbol.asyncDispose]();
    },
  };
}

/**
 * The JSON of an answer.
 *
 * @throws when it is none of success, with what was said.
 */
// deno-lint-ignore no-explicit-any -- answers of many shapes
export async function json(answer: Response): Promise<any> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  return JSON.parse(text);
}
