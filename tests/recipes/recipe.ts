import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as alertmanager from "../../sources/alertmanager.ts";
import * as github from "../../sources/github.ts";
import type { Incoming } from "../../sources/source.ts";
import * as stripe from "../../sources/stripe.ts";
import * as twilio from "../../sources/twilio.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { FakeProvider, Say } from "../fakes/server.ts";
import { GITHUB_TOKEN } from "../fakes/vendors/github.ts";
import { ACCOUNT, API_SECRET, KEY } from "../fakes/vendors/twilio.ts";
import { type FakeVendors, startVendors } from "../fakes/vendors/vendors.ts";
import { type Any, call, JSON_TYPE } from "../agent/stage.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const PAGE = fileURLToPath(new URL("../../docs/recipes.md", import.meta.url));

export const TRIAGE = "Triage new issues";
export const PIPELINE = "Explain a failed pipeline and wait for the fix";
export const SMS = "Answer an SMS within opening hours, with a person's word";
export const INCIDENT = "One summary per incident";
export const PAYMENT = "A failed payment, and a draft for support";

/** A recipe as the page has it: its text, and its files by name. */
interface Recipe {
  text: string;
  files: Map<string, string>;
}

export async function readRecipe(title: string): Promise<Recipe> {
  const page = await readFile(PAGE, "utf8");
  const text = page.split(/^## /m).find((each) => each.startsWith(`${title}\n`));
  if (!text) throw new Error(`docs/recipes.md has no recipe "${title}"`);
  const files = text.matchAll(/^`([a-z]+\.json)`[^\n]*:\n\n```json\n([\s\S]*?)\n```/gm);
  return { text, files: new Map([...files].map(([, name, content]) => [name, content])) };
}

/** The titles of all recipes. */
export async function titles(): Promise<string[]> {
  return [...(await readFile(PAGE, "utf8")).matchAll(/^## (.*)$/gm)].map(([, title]) => title);
}

/** What a recipe tells the agent to do. */
export async function instruction(title: string): Promise<string> {
  const { sources } = JSON.parse((await readRecipe(title)).files.get("agent.json")!);
  return (Object.values(sources)[0] as Any).instruction;
}

/** What the model was told first: instructions and message. */
export const shown = ({ fake }: Kitchen): string => JSON.stringify(fake.asked[0].body.messages);
/** What it was told last. */
export const told = ({ fake }: Kitchen): string => JSON.stringify(fake.asked.at(-1)!.body.messages);
export const wait = (minutes: number, ...events: string[]): Say =>
  call("wait_for_event", { events, minutes });

const SENDERS = {
  github: { ...github, variable: github.secretVariable },
  twilio: { ...twilio, variable: twilio.secretVariable },
  stripe: { ...stripe, variable: stripe.secretVariable },
  alertmanager: { ...alertmanager, variable: alertmanager.secretVariable },
};
type Sender = keyof typeof SENDERS;
const SECRET = "recipes-secret-4711";
const FILES = { "sources.json": "SOURCES_FILE", "agent.json": "AGENT_CONFIG" };

/** What a reader of the page sets besides the files: only what the recipe's own text names. */
const SETTINGS: Record<string, string> = {
  ...Object.fromEntries(Object.values(SENDERS).map(({ variable }) => [variable, SECRET])),
  REPLY_TOKEN_GITHUB: GITHUB_TOKEN,
  TWILIO_ACCOUNT_SID: ACCOUNT,
  TWILIO_API_KEY: KEY,
  TWILIO_API_SECRET: API_SECRET,
};

/** Otto with a recipe's files, a fake model and fake vendors. */
export interface Kitchen extends AsyncDisposable {
  otto: Otto;
  fake: FakeProvider;
  vendors: FakeVendors;
  /** Sends what the sender would, signed, and works it off; the message as it is then. */
  send(sender: Sender, body: string, headers?: Record<string, string>): Promise<Any>;
  task(id: string): Promise<Any>;
  tasks(): Promise<Any[]>;
  post(path: string, body: unknown, status?: number): Promise<Any>;
  /** Lets the oldest approval of a task pass; gives it as it was asked for. */
  approve(taskId: string): Promise<Any>;
  person(email: string): Promise<void>;
  /** As if the quiet before tasks wake were over; with "all", the time that they wait, too. */
  passTime(all?: "all"): Promise<void>;
}

export async function openKitchen(title: string): Promise<Kitchen> {
  const { text, files } = await readRecipe(title);
  const folder = await Deno.makeTempDir();
  const fake = startOpenAi();
  const vendors = await startVendors();
  const env: Record<string, string> = {
    OPENAI_API_KEY: "key-4711",
    OPEN_AI_BASE: `${fake.url}/v1`,
    GITHUB_API_URL: vendors.url,
    TWILIO_API_URL: vendors.url,
  };
  for (const [name, variable] of Object.entries(FILES)) {
    env[variable] = `${folder}/${name}`;
    await Deno.writeTextFile(env[variable], files.get(name)!);
  }
  for (const [name, value] of Object.entries(SETTINGS)) {
    if (text.includes(`\`${name}\``)) env[name] = value;
  }
  const otto = await openOtto(env);
  const kitchen: Kitchen = {
    otto,
    fake,
    vendors,
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
      return await otto.get(`/api/messages/${id}`);
    },
    task: (id) => otto.get(`/api/tasks/${id}`),
    tasks: async () => (await otto.get("/api/tasks")).items,
    async post(path, body, status = 200) {
      const init = { method: "POST", body: JSON.stringify(body), headers: JSON_TYPE };
      const said = await json(await otto.ask(path, init), status);
      await otto.workOff();
      return said;
    },
    async approve(taskId) {
      const { approvals } = await kitchen.task(taskId);
      const asked = approvals.find((each: Any) => each.state === "pending");
      await kitchen.post(`/api/tasks/${taskId}/approve`, { approval_id: asked.id });
      await otto.workOff();
      return asked;
    },
    async person(email) {
      await kitchen.post("/api/users", { email, name: email }, 201);
    },
    async passTime(all) {
      const isOver = all === "all";
      await otto.services.database.query("let time pass", (sql) =>
        sql`
          with over as (
            update tasks set
              wake_at = case when wake_at is null then null else now() - interval '1 second' end,
              wait_until = case when ${isOver} then now() - interval '1 second' else wait_until end
            where status = 'waiting_event' returning id
          )
          update agent_runs r
          set state = jsonb_set(state, '{pending,0,until}', '"2026-01-01T00:00:00Z"')
          from over where r.task_id = over.id and ${isOver}`);
      await otto.workOff();
    },
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      await vendors[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
  return kitchen;
}
