import { createHmac } from "node:crypto";
import { createApp } from "../../handlers/mod.ts";
import { readConfig } from "../../lib/config/config.ts";
import { createLog } from "../../lib/process/log.ts";
import { serve } from "../../lib/process/serve.ts";
import { openServices, type Services } from "../../lib/services.ts";
import { work } from "../../lib/work/work.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { FakeProvider } from "../fakes/server.ts";
import { freePort } from "../servers/ports.ts";

const SECRET = "github-secret-4711";

/** Otto as a person meets it: on a port, at work, with a fake model if asked for. */
export interface House {
  url: string;
  services: Services;
  model: FakeProvider;
  /** Sends a webhook; the id that it was answered with. */
  send(payload: unknown, type?: string, headers?: Record<string, string>): Promise<string>;
  /** Sends an issue as GitHub would, signed. */
  sendIssue(title: string, body?: string): Promise<string>;
  /** Ends the server as a deploy does; its store and its worker stay. */
  stopServing(): Promise<void>;
  startServing(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openHouse(
  { env = {}, rules, port, works = true }: {
    env?: Record<string, string>;
    /** What the agent may do; with it there is a model. */
    rules?: unknown;
    port?: number;
    works?: boolean;
  } = {},
): Promise<House> {
  const model = startOpenAi();
  const stop = new AbortController();
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(rules ?? {}));
  const at = port ?? await freePort();
  const url = `http://localhost:${at}`;
  const config = readConfig({
    OTTO_DATA_DIR: ":memory:",
    LOG_LEVEL: "silent",
    PORT: String(at),
    GITHUB_WEBHOOK_SECRET: SECRET,
    ...(rules
      ? { OPENAI_API_KEY: "a key", OPEN_AI_BASE: `${model.url}/v1`, AGENT_CONFIG: file }
      : {}),
    ...env,
  });
  const services = await openServices(config, createLog(config.logLevel), stop.signal);
  await services.ready;
  const working = works ? work(services, stop.signal) : Promise.resolve();
  let serving: { stop: AbortController; close(): Promise<unknown> } | undefined;

  async function startServing(): Promise<void> {
    const stop = new AbortController();
    const app = createApp({ services, stop: stop.signal });
    const server = await serve({ port: at, host: "127.0.0.1", answer: app.fetch });
    serving = { stop, close: () => Promise.resolve(server.close()) };
  }
  async function stopServing(): Promise<void> {
    serving?.stop.abort();
    await serving?.close();
    serving = undefined;
  }
  await startServing();

  async function send(payload: unknown, type = "demo", headers: Record<string, string> = {}) {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    const answer = await fetch(`${url}/webhook/${type}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
    });
    await answer.body?.cancel();
    const id = answer.headers.get("x-message-id");
    if (id === null) throw new Error(`The webhook was answered with ${answer.status}`);
    return id;
  }

  return {
    url,
    services,
    model,
    send,
    sendIssue(title, body = "It happens on every start.") {
      const payload = JSON.stringify({
        action: "opened",
        issue: { number: 7, title, body, html_url: "https://github.com/octo/phone/issues/7" },
        repository: { full_name: "octo/phone" },
        sender: { login: "ada" },
      });
      return send(payload, "github", {
        "x-github-event": "issues",
        "x-github-delivery": crypto.randomUUID(),
        "x-hub-signature-256": `sha256=${
          createHmac("sha256", SECRET).update(payload).digest("hex")
        }`,
      });
    },
    startServing,
    stopServing,
    async [Symbol.asyncDispose]() {
      await stopServing();
      stop.abort();
      await working;
      await services[Symbol.asyncDispose]();
      await model[Symbol.asyncDispose]();
      await Deno.remove(file);
    },
  };
}
