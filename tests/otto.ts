import { assertEquals } from "@std/assert";
import { type App, createApp } from "../handlers/mod.ts";
import type { Connection } from "../handlers/caller.ts";
import { readConfig } from "../lib/config/config.ts";
import { createLog } from "../lib/process/log.ts";
import { openServices, type Services } from "../lib/services.ts";
import { drain } from "../lib/work/drain.ts";

export const JSON_TYPE = { "content-type": "application/json" };

// deno-lint-ignore no-explicit-any -- tests look into answers of many shapes
export type Any = any;

/** Otto in this process, with a database of its own, spoken to without a port. */
export interface Otto {
  services: Services;
  app: App;
  /** Asks as somebody on this machine would; `from` is another address. */
  ask(path: string, init?: RequestInit & { from?: string }): Promise<Response>;
  /** The JSON of an answer that has this status. */
  get(path: string, status?: number): Promise<Any>;
  /** The same of what is asked with a body of JSON, or without one. */
  post(path: string, body?: unknown, status?: number): Promise<Any>;
  /** Sends a webhook and returns the id it was answered with. */
  send(type: string, body: BodyInit, headers?: Record<string, string>): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
  /** Works until nothing is left. */
  workOff(): Promise<void>;
}

/**
 * Opens Otto with these variables, embedded and in memory unless they name a database; `instead`
 * takes the place of what it would open itself, `write` hears its log.
 */
export async function openOtto(
  env: Record<string, string> = {},
  { write, ...instead }: Partial<Pick<Services, "agent" | "channels" | "reader">> & {
    write?: (line: string) => void;
  } = {},
): Promise<Otto> {
  const stop = new AbortController();
  const config = readConfig({ OTTO_DATA_DIR: ":memory:", LOG_LEVEL: "silent", ...env });
  const log = createLog(config.logLevel, { readable: false, write });
  const opened = await openServices(config, log, stop.signal);
  const services = { ...opened, ...instead };
  await services.ready;
  const app = createApp({ services, stop: stop.signal });

  async function ask(path: string, init: RequestInit & { from?: string } = {}) {
    const { from = "127.0.0.1", ...rest } = init;
    const connection: Connection = { address: () => from };
    const headers = new Headers(rest.headers);
    if (!headers.has("host")) headers.set("host", "localhost:8000");
    // The runtimes take a URL's host from this header; some tests send one that is none.
    const origin = `http://${headers.get("host")}`;
    const request = new Request(
      `${URL.canParse(origin) ? new URL(origin).origin : "http://localhost:8000"}${path}`,
      { ...rest, headers },
    );
    return await app.fetch(request, connection);
  }

  return {
    services,
    app,
    ask,
    get: async (path, status) => await json(await ask(path), status),
    async post(path, body, status) {
      const sent = body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(body) };
      return await json(await ask(path, { method: "POST", ...sent }), status);
    },
    async send(type, body, headers = {}) {
      const answer = await ask(`/webhook/${type}`, { method: "POST", body, headers });
      assertEquals(answer.status, 200, await answer.clone().text());
      await answer.body?.cancel();
      return answer.headers.get("x-message-id")!;
    },
    async workOff() {
      while ((await drain(services, { maxMs: 10_000, maxItems: 1_000 })).messages > 0);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await services[Symbol.asyncDispose]();
    },
  };
}

/** The JSON of an answer that has this status. */
export async function json(answer: Response, status = 200): Promise<Any> {
  const text = await answer.text();
  assertEquals(answer.status, status, text);
  return JSON.parse(text);
}
