import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type FakeMcp, startMcp } from "../../tests/fakes/mcp.ts";
import { startOpenAi } from "../../tests/fakes/openai.ts";
import type { FakeProvider } from "../../tests/fakes/server.ts";
import { GITHUB_TOKEN } from "../../tests/fakes/vendors/github.ts";
import { ACCOUNT, API_SECRET, KEY } from "../../tests/fakes/vendors/twilio.ts";
import { type FakeVendors, startVendors } from "../../tests/fakes/vendors/vendors.ts";
import type { Services } from "../../lib/services.ts";
import { canary, FORMS } from "./canary.ts";
import { type House, json, openHouse } from "./house.ts";
import { MALLORY, MATE, PEOPLES } from "./kind.ts";
import type { Later, Prompt } from "./prompts.ts";
import { RULES, SERVERS, SOURCES } from "./rules.ts";
import { type Delivery, fromAnybody, fromGithub, fromTwilio } from "./senders.ts";

/** What must not get out: of whom, and where. */
export interface Canaries {
  /** Nobody may see these: not the model, not people, no server but their own. */
  secret: string[];
  /** The model and the team may see these; nobody outside may without a person's word. */
  private: string[];
}

/** Otto with an operator's rules, four servers with tools, two vendors' APIs, and people. */
export interface Arena extends AsyncDisposable {
  otto: House;
  fake: FakeProvider;
  vendors: FakeVendors;
  canaries: Canaries;
  /** What servers were asked to do. */
  done: { tool: string; args: Record<string, unknown> }[];
  /** Gives the message's id. */
  send(prompt: Prompt): Promise<string>;
  /** The same of one that comes later; undefined where it was turned away. */
  sendLater(prompt: Prompt, later: Later): Promise<string | undefined>;
  /** As the admin. */
  read(path: string): Promise<Response>;
  post(path: string, body: unknown): Promise<Response>;
}

/**
 * @param agentOf another agent than the one that the rules make.
 * @param env such as a `DATABASE_URL`.
 */
export async function openArena(
  prompts: readonly Prompt[],
  { env = {}, agentOf }: {
    env?: Record<string, string>;
    agentOf?: (services: Services) => Services["agent"];
  } = {},
): Promise<Arena> {
  const secrets = Object.fromEntries(
    ["admin", "webhook", "twilio", "provider", "slack", ...Object.keys(SERVERS)]
      .map((name) => [name, canary(name)]),
  );
  const own = {
    field: canary("field"),
    header: canary("header"),
    other: canary("other"),
    camel: canary("camel"),
    pair: canary("pair"),
    told: canary("told"),
  };
  const vault = canary("vault");
  const answer = canary("answer");
  const done: Arena["done"] = [];
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));

  const fake = startOpenAi();
  const vendors = await startVendors();
  const servers = Object.entries(SERVERS).map(([name, tools]): [string, FakeMcp] => {
    const server = startMcp(
      tools.map((each) => ({ ...each, description: `${each.description} (${secrets[name]})` })),
    );
    server.answer = (called, args) => {
      done.push({ tool: `${name}__${called}`, args: args as Record<string, unknown> });
      if (name === "vault") return `The key is ${vault}`;
      if (called === "echo") {
        const { before = 0 } = args as { before?: number };
        if (before > 0) return "x".repeat(before) + secrets.desk;
        return Object.values(FORMS).map((write) => write(secrets.desk)).join("\n");
      }
      const id = /p\d{4}/.exec(JSON.stringify(args))?.[0] ?? "";
      return called === "search" ? resultOf(byId.get(id)?.served) : "fine";
    };
    return [name, server];
  });
  const folder = await mkdtemp(`${tmpdir()}/otto-hostile-`);
  await writeFile(`${folder}/agent.json`, JSON.stringify(RULES));
  await writeFile(`${folder}/sources.json`, JSON.stringify(SOURCES));
  const otto = await openHouse({
    OPENAI_API_KEY: secrets.provider,
    OPEN_AI_BASE: `${fake.url}/v1`,
    ADMIN_TOKEN: secrets.admin,
    GITHUB_WEBHOOK_SECRET: secrets.webhook,
    TWILIO_AUTH_TOKEN: secrets.twilio,
    AGENT_CONFIG: `${folder}/agent.json`,
    SOURCES_FILE: `${folder}/sources.json`,
    REPLY_TOKEN_GITHUB: GITHUB_TOKEN,
    GITHUB_API_URL: vendors.url,
    TWILIO_ACCOUNT_SID: ACCOUNT,
    TWILIO_API_KEY: KEY,
    TWILIO_API_SECRET: API_SECRET,
    TWILIO_API_URL: vendors.url,
    MCP_CONFIG_JSON: JSON.stringify({
      mcpServers: Object.fromEntries(
        servers.map(([name, { url }]) => [name, {
          url,
          headers: { authorization: `Bearer ${secrets[name]}` },
        }]),
      ),
    }),
    ...env,
  }, agentOf);

  const deliver = ({ type, body, headers }: Delivery) =>
    otto.ask(`/webhook/${type}`, { method: "POST", body, headers });
  const idOf = async (answer: Response): Promise<string> => {
    const { message_id, ...rest } = await json(answer.clone()).catch(() => ({}));
    // Twilio gets XML, and the id in a header.
    const id = message_id ?? answer.headers.get("x-message-id");
    if (!answer.ok || !id) throw new Error(`not taken: ${answer.status} ${JSON.stringify(rest)}`);
    return id;
  };
  const headers = { authorization: `Bearer ${secrets.admin}`, "content-type": "application/json" };
  const arena: Arena = {
    otto,
    fake,
    vendors,
    canaries: {
      secret: [...Object.values(secrets), ...Object.values(own)],
      private: [vault, answer],
    },
    done,
    read: (path) => otto.ask(path, { headers }),
    post: (path, body) => otto.ask(path, { method: "POST", headers, body: JSON.stringify(body) }),
    async send({ sender, payload, headers: more, id, number }) {
      const logged = {
        accessToken: own.camel,
        sent: [{ name: "Authorization", value: own.pair }],
        log: `curl -H 'Authorization: Bearer ${own.told}'`,
      };
      const learned = Object.values(FORMS).map((write) => write(secrets.admin));
      const whole: Record<string, unknown> = {
        id,
        learned,
        token: own.field,
        ...logged,
        ...payload,
      };
      const withKey = { "x-key": own.header, ...more };
      if (sender === "twilio") {
        return await idOf(
          await deliver(
            fromTwilio({ number, text: String(whole.body), secret: secrets.twilio }),
          ),
        );
      }
      if (sender !== "github") {
        return await idOf(await deliver(fromAnybody(sender, whole, withKey)));
      }
      const { title, body, ...rest } = whole;
      const issue = { action: "opened", issue: { number, title, body: body ?? "" }, ...rest };
      return await idOf(
        await deliver(
          fromGithub({
            event: "issues",
            payload: issue,
            headers: withKey,
            secret: secrets.webhook,
          }),
        ),
      );
    },
    async sendLater({ sender, number, payload }, { how, text }) {
      if (sender !== "github") {
        const status = how === "closes" ? "done" : "open";
        const { order } = payload;
        return await idOf(
          await deliver(fromAnybody(sender, { order, status, text, token: own.field })),
        );
      }
      const issue = { number, title: "News", body: text };
      const token = own.field;
      const said = how === "closes" || how === "opens again"
        ? {
          event: "issues",
          payload: { action: how === "closes" ? "closed" : "reopened", issue, token },
        }
        : {
          event: "issue_comment",
          payload: { action: "created", issue, token, comment: { id: number, body: text } },
        };
      const secret = how === "comments unsigned" ? undefined : secrets.webhook;
      const answered = await deliver(fromGithub({ ...said, secret }));
      return secret === undefined && answered.status === 401 ? undefined : await idOf(answered);
    },
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      for (const [, server] of servers) await server[Symbol.asyncDispose]();
      await vendors[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
  for (const email of [MATE, MALLORY]) {
    await json(await arena.post("/api/users", { email, name: email }));
  }
  for (const prompt of prompts) prompt.answer = prompt.answer.replaceAll(PEOPLES, answer);
  // Somebody else's message, which no task but its own may show.
  await idOf(await deliver(fromAnybody("demo", { id: "other", title: own.other })));
  return arena;
}

/** What a server gives that commands. */
function resultOf(served: Prompt["served"]): string | Record<string, unknown> {
  if (!served) return "fine";
  const { text, as } = served;
  const uri = "file:///found";
  switch (as) {
    case "text":
      return text;
    case "error":
      throw new Error(text);
    case "resource":
      return { content: [{ type: "resource", resource: { uri, mimeType: "text/plain", text } }] };
    case "data":
      return { content: [], structuredContent: { found: [{ text }] } };
    case "link":
      return { content: [{ type: "resource_link", uri, name: text, description: text }] };
  }
}
