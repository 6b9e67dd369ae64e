import type { Dialect } from "../fakes/chat_check.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { Services } from "../../lib/services.ts";
import type { FakeProvider, Say } from "../fakes/server.ts";
import { type Any, openSubjectStage, type SubjectStage } from "./stage.ts";
import { testFolder } from "../folder.ts";

const CONTINUE = { github: { later: "continue" } };
export const finish = (summary: string): Say => ({
  calls: [{ tool: "finish", args: { status: "completed", summary } }],
});

export interface ModelStage {
  stage: SubjectStage;
  fake: FakeProvider;
  /** All that the model was told in its newest request, as one text. */
  told(): string;
  task(id: string): Promise<Any>;
  tasks(): Promise<Any[]>;
}

/** Runs a test on a stage whose agent asks a fake model. */
export async function withModel(
  env: () => Promise<Record<string, string>>,
  run: (model: ModelStage) => Promise<void>,
  {
    rules = CONTINUE,
    agent = { sources: { github: { tools: ["ask_human", "wait_for_event"] } } },
    more = {},
    dialect,
  }: {
    rules?: unknown;
    agent?: unknown;
    more?: Record<string, string>;
    dialect?: Dialect;
  } = {},
): Promise<void> {
  const fake = startOpenAi(dialect);
  await using folder = await testFolder();
  try {
    await using stage = await openSubjectStage({
      rules,
      env: {
        OPENAI_API_KEY: "key-4711",
        OPEN_AI_BASE: `${fake.url}/v1`,
        AGENT_CONFIG: await folder.write("agent.json", agent),
        ...await env(),
        ...more,
      },
    });
    await run({
      stage,
      fake,
      told: () => JSON.stringify(fake.asked.at(-1)?.body ?? ""),
      task: (id) => stage.get(`/api/tasks/${id}`),
      tasks: async () => (await stage.get("/api/tasks")).items,
    });
  } finally {
    await fake[Symbol.asyncDispose]();
  }
}

export const post = (body: unknown) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** Lets the time come up to which a waiting task is left in quiet, or waits at all. */
export async function wakeNow(
  { otto }: SubjectStage,
  column: "wake_at" | "wait_until" = "wake_at",
): Promise<void> {
  await otto.services.database.query(
    "let time pass",
    (sql) =>
      sql`update tasks set ${sql.unsafe(column)} = now() - interval '1 second'
        where status = 'waiting_event' and ${sql.unsafe(column)} is not null`,
  );
}

/** Settles what has come, as another worker would while a task is in hand. */
export async function settle({ otto }: SubjectStage): Promise<void> {
  await settleAll(otto.services);
}

/** The same with only the services. */
export async function settleAll(services: Services): Promise<void> {
  const { createMessageStep } = await import("../../lib/work/messages.ts");
  const step = createMessageStep(services, { worker: "another", done: () => {} });
  await step.takeMessages(0, new AbortController().signal);
}
