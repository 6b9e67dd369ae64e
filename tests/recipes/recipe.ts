import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as alertmanager from "../../sources/alertmanager.ts";
import * as github from "../../sources/github.ts";
import type { Incoming } from "../../sources/source.ts";
import * as stripe from "../../sources/stripe.ts";
import * as twilio from "../../sources/twilio.ts";
import { type FakeMcp, startMcp } from "../fakes/mcp.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { FakeProvider } from "../fakes/server.ts";
import { type Any, JSON_TYPE } from "../agent/stage.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const PAGE = fileURLToPath(new URL("../../docs/recipes.md", import.meta.url));

/** A recipe's files as the page has them, by name. */
export async function filesOf(title: string): Promise<Map<string, string>> {
  const page = await readFile(PAGE, "utf8");
  const part = page.split(/^## /m).find((each) => each.startsWith(`${title}\n`));
  if (!part) throw new Error(`docs/recipes.md has no recipe "${title}"`);
  return new Map(
    [...part.matchAll(/^`([a-z]+\.json)`[^\n]*:\n\n```json\n([\s\S]*?)\n```/gm)]
      .map(([, name, text]) => [name, text]),
  );
}

/** The titles of all recipes. */
export async function titles(): Promise<string[]> {
  return [...(await readFile(PAGE, "utf8")).matchAll(/^## (.*)$/gm)].map(([, title]) => title);
}

const SENDERS = {
  github: { ...github, variable: github.secretVariable },
  twilio: { ...twilio, variable: twilio.secretVariable },
  stripe: { ...stripe, variable: stripe.secretVariable },
  alertmanager: { ...alertmanager, variable: alertmanager.secretVariable },
};
type Sender = keyof typeof SENDERS;
const SECRET = "recipes-secret-4711";

/** Otto with a recipe's files, a fake model, and a fake MCP server where the recipe has one. */
export interface Kitchen extends AsyncDisposable {
  otto: Otto;
  fake: FakeProvider;
  mcp: FakeMcp;
  /** Sends what the sender would, signed, and works it off; the message as it is then. */
  send(sender: Sender, body: string, headers?: Record<string, string>): Promise<Any>;
  task(id: string): Promise<Any>;
  post(path: string, body: unknown, status?: number): Promise<Any>;
  person(email: string): Promise<void>;
  /** As if the time of every group that is open were over. */
  closeGroups(): Promise<void>;
}

export async function openKitchen(title: string): Promise<Kitchen> {
  const files = await filesOf(title);
  const folder = await Deno.makeTempDir();
  const fake = startOpenAi();
  const mcp = startMcp([
    { name: "send", description: "Sends an SMS", inputSchema: { type: "object", properties: {} } },
  ]);
  const env: Record<string, string> = {
    OPENAI_API_KEY: "key-4711",
    OPEN_AI_BASE: `${fake.url}/v1`,
  };
  const variables = {
    "sources.json": "SOURCES_FILE",
    "agent.json": "AGENT_CONFIG",
    "mcp.json": "MCP_SERVERS",
  };
  for (const [name, variable] of Object.entries(variables)) {
    const text = files.get(name);
    if (text === undefined) continue;
    env[variable] = `${folder}/${name}`;
    await Deno.writeTextFile(env[variable], text.replace("https://sms.example.com/mcp", mcp.url));
  }
  for (const { variable } of Object.values(SENDERS)) env[variable] = SECRET;
  const otto = await openOtto(env);
  const kitchen: Kitchen = {
    otto,
    fake,
    mcp,
    async send(sender, body, more = {}) {
      const incoming: Incoming = {
        type: sender,
        method: "POST",
        url: `http://localhost:8000/webhook/${sender}`,
        headers: new Headers({ ...JSON_TYPE, ...more }),
        body: new TextEncoder().encode(body),
        queryForm: undefined,
        receivedAt: Date.now(),
      };
      const proof = await SENDERS[sender].sign(incoming, SECRET);
      const id = await otto.send(sender, body, { ...JSON_TYPE, ...more, ...proof });
      await otto.workOff();
      return await json(await otto.ask(`/api/messages/${id}`));
    },
    task: async (id) => await json(await otto.ask(`/api/tasks/${id}`)),
    async post(path, body, status = 200) {
      const init = { method: "POST", body: JSON.stringify(body), headers: JSON_TYPE };
      const said = await json(await otto.ask(path, init), status);
      await otto.workOff();
      return said;
    },
    async person(email) {
      await kitchen.post("/api/users", { email, name: email }, 201);
    },
    async closeGroups() {
      await otto.services.database.query(
        "let the groups' time pass",
        (sql) => sql`update bursts set due_at = now()`,
      );
      await otto.workOff();
    },
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      await mcp[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
  return kitchen;
}
