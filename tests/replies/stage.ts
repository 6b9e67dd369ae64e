import * as github from "../../sources/github.ts";
import * as gitlab from "../../sources/gitlab.ts";
import * as slack from "../../sources/slack.ts";
import type { Incoming } from "../../sources/source.ts";
import * as telegram from "../../sources/telegram.ts";
import * as twilio from "../../sources/twilio.ts";
import type { Services } from "../../lib/services.ts";
import { drain } from "../../lib/work/drain.ts";
import { type Any, call, finish, JSON_TYPE } from "../agent/stage.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { FakeProvider } from "../fakes/server.ts";
import { type FakeSlack, startFakeSlack, TOKEN } from "../fakes/slack.ts";
import { GITHUB_TOKEN } from "../fakes/vendors/github.ts";
import { GITLAB_TOKEN } from "../fakes/vendors/gitlab.ts";
import { BOT_TOKEN } from "../fakes/vendors/telegram.ts";
import { ACCOUNT, API_SECRET, KEY } from "../fakes/vendors/twilio.ts";
import { type FakeVendors, startVendors } from "../fakes/vendors/vendors.ts";
import { json, openOtto, type Otto } from "../otto.ts";

const SENDERS = { github, gitlab, slack, telegram, twilio };
export type Sender = keyof typeof SENDERS;
const SECRET = "replies-secret-4711";
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
export const SAID = "We open at nine.";

/** Otto with a fake model that replies, and with fake vendors. */
export interface ReplyStage extends AsyncDisposable {
  otto: Otto;
  fake: FakeProvider;
  vendors: FakeVendors;
  slack: FakeSlack;
  /** Sends what the sender would, signed; gives the message's id. */
  receive(sender: Sender, payload: unknown, headers?: Record<string, string>): Promise<string>;
  /** The same, worked off; the message as it is then. */
  send(sender: Sender, payload: unknown, headers?: Record<string, string>): Promise<Any>;
  /** What the model does with the next task: it says this, and ends. */
  script(text?: string): void;
  work(): Promise<void>;
  get(path: string): Promise<Any>;
  task(id: string): Promise<Any>;
  approve(taskId: string): Promise<Any>;
  post(path: string, body: unknown, status?: number): Promise<Any>;
  /** Replies in the outbox, the newest first. */
  outbox(): Promise<Any[]>;
  /** As if the time were over that a reply was put off for. */
  passTime(): Promise<void>;
  /** What the model was told of its last calls. */
  told(): string;
}

export const RULES = { default: { tools: ["reply"] } };

/** The settings of all vendors, as they are at these addresses. */
export function vendorEnv(
  { vendors, slack }: { vendors: string; slack: string },
): Record<string, string> {
  return {
    TWILIO_ACCOUNT_SID: ACCOUNT,
    TWILIO_API_KEY: KEY,
    TWILIO_API_SECRET: API_SECRET,
    TWILIO_API_URL: vendors,
    REPLY_TWILIO_PREFIXES: "+49",
    REPLY_TOKEN_GITHUB: GITHUB_TOKEN,
    GITHUB_API_URL: vendors,
    REPLY_TOKEN_GITLAB: GITLAB_TOKEN,
    GITLAB_URL: vendors,
    REPLY_TOKEN_TELEGRAM: BOT_TOKEN,
    TELEGRAM_API_URL: vendors,
    SLACK_BOT_TOKEN: TOKEN,
    SLACK_API_URL: slack,
    ...Object.fromEntries(
      Object.values(SENDERS).map(({ secretVariable }) => [secretVariable, SECRET]),
    ),
  };
}

export async function openReplies(
  { rules = RULES, sources = {}, env = {} }: {
    rules?: unknown;
    sources?: unknown;
    env?: Record<string, string>;
  } = {},
): Promise<ReplyStage> {
  const vendors = await startVendors();
  const slack = await startFakeSlack();
  const fake = startOpenAi();
  const folder = await Deno.makeTempDir();
  const write = async (name: string, content: unknown) => {
    await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(content));
    return `${folder}/${name}`;
  };
  const settings = Object.entries({
    OPENAI_API_KEY: "key-4711",
    OPEN_AI_BASE: `${fake.url}/v1`,
    AGENT_CONFIG: await write("agent.json", rules),
    SOURCES_FILE: await write("sources.json", sources),
    ...vendorEnv({ vendors: vendors.url, slack: slack.url }),
    ...env,
  });
  const otto = await openOtto(Object.fromEntries(settings.filter(([, value]) => value !== "")));
  let sent = 0;

  const stage: ReplyStage = {
    otto,
    fake,
    vendors,
    slack,
    async receive(sender, payload, more = {}) {
      const isForm = sender === "twilio";
      const body = isForm
        ? new URLSearchParams(payload as Record<string, string>).toString()
        // The same signed bytes again would be a captured request: no sender's are.
        : JSON.stringify(payload) + " ".repeat(sent++);
      const headers = { ...(isForm ? FORM_TYPE : JSON_TYPE), ...more };
      const proof = await signed(sender, body, headers);
      return await otto.send(sender, body, { ...headers, ...proof });
    },
    async send(sender, payload, headers) {
      const id = await stage.receive(sender, payload, headers);
      await stage.work();
      return await stage.get(`/api/messages/${id}`);
    },
    script: (text = SAID) => void (fake.script = [call("reply", { text }), finish("Answered.")]),
    work: () => workOff(otto.services),
    get: async (path) => await json(await otto.ask(path)),
    task: (id) => stage.get(`/api/tasks/${id}`),
    async approve(taskId) {
      const { approvals: [asked] } = await stage.task(taskId);
      await stage.post(`/api/tasks/${taskId}/approve`, { approval_id: asked.id });
      await stage.work();
      return asked;
    },
    post: async (path, body, status = 200) =>
      await json(
        await otto.ask(path, { method: "POST", body: JSON.stringify(body), headers: JSON_TYPE }),
        status,
      ),
    outbox: async () => (await stage.get("/api/notifications?channel=reply")).items,
    passTime: () => passTime(otto.services),
    told: () => JSON.stringify(fake.asked.at(-1)?.body ?? ""),
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      await Promise.all([vendors, slack, fake].map((each) => each[Symbol.asyncDispose]()));
      await Deno.remove(folder, { recursive: true });
    },
  };
  stage.script();
  return stage;
}

/** The headers with which a sender proves a body. */
export async function signed(
  sender: Sender,
  body: string,
  headers: Record<string, string>,
): Promise<Record<string, string>> {
  const incoming: Incoming = {
    type: sender,
    method: "POST",
    url: `http://localhost:8000/webhook/${sender}`,
    headers: new Headers(headers),
    body: new TextEncoder().encode(body),
    queryForm: undefined,
    receivedAt: Date.now(),
  };
  return await SENDERS[sender].sign(incoming, SECRET);
}

export async function workOff(services: Services): Promise<void> {
  await drain(services, { maxMs: 20_000, maxItems: 100 });
}

/** As if the time were over that replies were put off for, or a dead worker's lease had run out. */
export async function passTime({ database }: Services): Promise<void> {
  await database.query("pass time", (sql) =>
    sql`
      update notifications set lease_until = null where channel = 'reply' and state = 'pending'`);
}
