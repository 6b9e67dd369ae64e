import { createHmac } from "node:crypto";
import { drain } from "../../lib/work/drain.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { Asked, FakeProvider, Say } from "../fakes/server.ts";
import { testFolder } from "../folder.ts";
import { type Any, JSON_TYPE, openOtto, type Otto } from "../otto.ts";
import { type Process, startProcess } from "../servers/mod.ts";

export { type Any, JSON_TYPE };

export const SECRET = "github-secret-4711";
export const KEY = "openai-key-canary-4711";

/** Otto with a fake model, and rules in a file. */
export interface Stage {
  otto: Otto;
  fake: FakeProvider;
  /** A message that a signature vouches for; gives its task's id. */
  signed(payload: unknown): Promise<string>;
  /** The same, left to be worked off; gives the message's id. */
  queueSigned(payload: unknown): Promise<string>;
  /** Any other message. */
  unsigned(payload: unknown): Promise<string>;
  task(id: string): Promise<Any>;
  post(path: string, body: unknown, status?: number): Promise<Any>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openStage(
  rules: unknown = {},
  env: Record<string, string> = {},
): Promise<Stage> {
  const fake = startOpenAi();
  const folder = await testFolder();
  const otto = await openOtto({
    OPENAI_API_KEY: KEY,
    OPEN_AI_BASE: `${fake.url}/v1`,
    GITHUB_WEBHOOK_SECRET: SECRET,
    AGENT_CONFIG: await folder.write("agent.json", rules),
    ...env,
  });
  let sent = 0;

  async function taskOf(messageId: string): Promise<string> {
    await drain(otto.services, { maxMs: 20_000, maxItems: 1 });
    return (await otto.get(`/api/messages/${messageId}`)).task_id;
  }
  async function queueSigned(payload: unknown): Promise<string> {
    // The same signed bytes again would be a captured request: no sender's are.
    const body = JSON.stringify(payload) + " ".repeat(sent++);
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    return await otto.send("github", body, {
      ...JSON_TYPE,
      "x-github-event": "issues",
      "x-hub-signature-256": `sha256=${signature}`,
    });
  }
  return {
    otto,
    fake,
    queueSigned,
    signed: async (payload) => await taskOf(await queueSigned(payload)),
    unsigned: async (payload) =>
      await taskOf(await otto.send("demo", JSON.stringify(payload), JSON_TYPE)),
    task: (id) => otto.get(`/api/tasks/${id}`),
    post: otto.post,
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Otto on a server, with a fake model, whose workers are processes of their own. */
export async function openWorkers(
  env: Record<string, string> & { DATABASE_URL: string },
  rules: unknown = {},
) {
  const fake = startOpenAi();
  // Deno lets a worker read the folder that it is started in, and no other.
  const file = await Deno.makeTempFile({ dir: ".", prefix: "agent_test_", suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(rules));
  const settings = {
    OPENAI_API_KEY: KEY,
    OPEN_AI_BASE: `${fake.url}/v1`,
    AGENT_CONFIG: file,
    ...env,
  };
  const otto = await openOtto(settings);
  const running: Process[] = [];
  return {
    otto,
    fake,
    start(more: Record<string, string> = {}): Process {
      const worker = startProcess(["worker.ts"], { ...settings, ...more });
      running.push(worker);
      return worker;
    },
    async [Symbol.asyncDispose]() {
      for (const worker of running) await worker.kill("SIGKILL");
      await otto[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
      await Deno.remove(file);
    },
  };
}

export const call = (tool: string, args: unknown): Say => ({ calls: [{ tool, args }] });
export const finish = (summary: string, status = "completed") =>
  call("finish", { status, summary });
export const issue = {
  action: "opened",
  issue: {
    number: 7,
    title: "It crashes",
    body: "On start, every time",
    labels: [{ name: "bug" }],
  },
  repository: { full_name: "o/r" },
  sender: { login: "octocat" },
};
export const kinds = (task: Any): string[] => task.events.map((event: Any) => event.kind);
export const eventsOf = (task: Any, kind: string): Any[] =>
  task.events.filter((event: Any) => event.kind === kind);
export const toolNames = ({ body }: Asked): string[] =>
  (body.tools ?? []).map((tool: Any) => tool.function.name);
/** What the model was told of its last tool calls. */
export const told = ({ body }: Asked): string[] =>
  body.messages.filter((each: Any) => each.role === "tool").map((each: Any) => each.content);

/** What sources have used of their budgets, and how many calls are under way. */
export async function spent(
  { otto }: Pick<Stage, "otto">,
): Promise<{ tokens: number; tasks: number; reserved: number }> {
  const [row] = await otto.services.database.query(
    "add up",
    (sql) =>
      sql<{ tokens: number; tasks: number; reserved: number }[]>`
    select coalesce(sum(tokens), 0)::int as tokens, coalesce(sum(tasks), 0)::int as tasks,
      (select count(*) from budget_reservations)::int as reserved from agent_usage`,
  );
  return row;
}
