import { assert, assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import type { Assignment } from "../../lib/agent/agent.ts";
import type { Toolshed } from "../../lib/agent/mcp/mcp.ts";
import { createModel } from "../../lib/agent/model.ts";
import { createModelAgent } from "../../lib/agent/model_agent.ts";
import { readAgentSettings } from "../../lib/agent/settings.ts";
import type { Tool } from "../../lib/agent/tools/tool.ts";
import { readConfig } from "../../lib/config/config.ts";
import type { Database } from "../../lib/store/database.ts";
import { createLog } from "../../lib/process/log.ts";
import { listTaskEvents, readTask } from "../../lib/task/task.ts";
import { claimTasks } from "../../lib/task/claim.ts";
import { finishTasks } from "../../lib/task/finish.ts";
import { createWorker } from "../../lib/work/work.ts";
import { z } from "zod";
import { call, finish, JSON_TYPE, openWorkers, spent } from "./stage.ts";
import { startOpenAi } from "../fakes/openai.ts";
import type { FakeProvider } from "../fakes/server.ts";
import { openOtto, type Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";

/** The death of a process, seen from inside: nothing after it happens. */
class Death extends Error {}

/** A database that dies with its process at the nth query, before or after that has had its effect. */
function dying(database: Database, { at, after }: { at: number; after: boolean }) {
  let queries = 0;
  const dead: Database = {
    ...database,
    async query(what, statement, ms) {
      if (++queries > at) throw new Death();
      if (queries < at) return await database.query(what, statement, ms);
      if (after) await database.query(what, statement, ms);
      throw new Death();
    },
  };
  return { database: dead, died: () => queries >= at };
}

describe("a run whose worker dies", () => {
  let otto: Otto;
  let fake: FakeProvider;
  /** What a tool outside has really done, by the text it was given. */
  const sent: string[] = [];
  const send: Tool<{ text: string }> = {
    name: "mail__send",
    description: "Sends",
    capability: { reads: "public", effect: "external" },
    atomic: false,
    arguments: z.strictObject({ text: z.string() }),
    run({ text }) {
      sent.push(text);
      return Promise.resolve("sent");
    },
  };
  const toolshed: Toolshed = { tools: () => Promise.resolve({ tools: [send], off: [] }) };

  beforeAll(async () => {
    otto = await openOtto({ LOG_LEVEL: "silent" });
    fake = startOpenAi();
  });
  afterAll(async () => {
    await otto[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });

  function openAgent(database: Database, tools: string[]) {
    const config = readConfig({ OPEN_AI_BASE: `${fake.url}/v1` });
    const settings = readAgentSettings(undefined);
    return createModelAgent({ config, database, log: createLog("silent") }, {
      model: createModel(config.model!),
      settings: {
        ...settings,
        rulesOf: (source) => ({
          ...settings.rulesOf(source),
          unverifiedTools: ["finish", ...tools],
          budgets: { ...settings.rulesOf(source).budgets, tasksPerHour: 10_000, tokensPerDay: 1e9 },
        }),
      },
      toolshed,
      desk: {
        sourceOf: (name) => otto.services.sources.find(name).source,
        accesses: new Map(),
        prefixes: [],
        sendNow: () => Promise.resolve({ state: "pending" }),
      },
      redact: (text) => text,
    });
  }

  /** Takes a task as the next worker would, once the last one's lease has run out. */
  async function take(): Promise<Assignment> {
    const { database } = otto.services;
    await database.query("let the lease run out", (sql) =>
      sql`
        update tasks set lease_until = now() - interval '1 second', attempts = 0
        where status = 'running'`);
    const [task] = await claimTasks(database, { worker: "next", max: 1, emptyHanded: true });
    return {
      taskId: task.id,
      epoch: task.epoch,
      title: task.title,
      description: task.description,
      source: "generic",
      webhookType: "demo",
      described: { title: task.title, description: task.description },
      loadPayload: () => Promise.resolve({}),
      verified: false,
      fromHere: task.described?.from_here === true,
      receivedAt: task.receivedAt,
    };
  }

  /** Works a new task, dying at the nth query, then again without dying. False when it did not live to die. */
  async function dieAt(at: number, after: boolean, tools: string[]): Promise<string | undefined> {
    const { signal } = new AbortController();
    await otto.send("demo", `{"title":"${at}"}`, JSON_TYPE);
    await createWorker(otto.services).takeMessages(0, signal);
    const first = await take();
    const doomed = dying(otto.services.database, { at, after });
    await openAgent(doomed.database, tools).run(first, signal).catch(() => {});
    const again = await take();
    assertEquals(again.taskId, first.taskId);
    const outcome = await openAgent(otto.services.database, tools).run(again, signal);
    assert(outcome.status === "completed");
    const { text, data } = outcome;
    const finished = await finishTasks(otto.services.database, [{
      taskId: again.taskId,
      epoch: again.epoch,
      actor: "test",
      tell: [],
      status: "completed",
      result: { text, data },
    }]);
    assertEquals(finished.size, 1);
    return doomed.died() ? again.taskId : undefined;
  }

  for (const after of [false, true]) {
    const when = after ? "after" : "before";
    it(`is gone on with, each effect made once, if it dies ${when} any of its queries`, async () => {
      const names = ["add_note", "set_title", "notify", "mail__send"];
      let deaths = 0;
      for (let at = 1; at < 60; at++) {
        sent.length = 0;
        const scripts = [
          {
            calls: [
              { tool: "add_note", args: { text: "noted" } },
              { tool: "mail__send", args: { text: `mail ${at}` } },
            ],
          },
          {
            calls: [
              { tool: "set_title", args: { title: `Titled ${at}` } },
              { tool: "notify", args: { destination: "web:web", text: "told" } },
            ],
          },
          finish("Done"),
        ];
        // Says what comes next by how far the conversation is, so that a repeated question is answered the same.
        fake.script = [({ body }) => {
          const turns = body.messages.filter((m: { role: string }) => m.role === "assistant");
          return scripts[turns.length];
        }];
        const before = await spent({ otto });
        const id = await dieAt(at, after, names);
        if (id === undefined) break;
        deaths++;
        const { database } = otto.services;
        // Each step is billed once, whoever saved it, and so is a call that nobody has saved.
        const now = await spent({ otto });
        const [{ lost }] = await database.query(
          "look at a run",
          (sql) =>
            sql<{ lost: number }[]>`
            select lost_tokens::int as lost from agent_runs where task_id = ${id}`,
        );
        assertEquals(now.tokens - before.tokens, 3 * 110 + lost, `query ${at}`);
        assertEquals([now.tasks - before.tasks, now.reserved], [1, 0], `query ${at}`);
        const events = await listTaskEvents(database, id);
        const count = (kind: string) => events.filter((event) => event.kind === kind).length;
        assertEquals([count("note"), count("titled")], [1, 1], `query ${at}`);
        const notes = await database.query(
          "count",
          (sql) => sql`select from notifications where task_id = ${id} and kind = 'note'`,
        );
        assertEquals(notes.length, 1, `query ${at}`);
        assert(sent.length <= 1, `sent ${sent.length} times, query ${at}`);
        if (sent.length === 0) {
          // It may not have been sent, but then that is what the model was told.
          assert(JSON.stringify(events).includes("outcome unknown"), `query ${at}`);
        }
        assertEquals((await readTask(database, id))?.title, `Titled ${at}`);
      }
      assert(deaths > 15, `${deaths} deaths`);
    });
  }

  it("writes nothing once another has it", async () => {
    const { signal } = new AbortController();
    await otto.send("demo", '{"title":"stale"}', JSON_TYPE);
    await createWorker(otto.services).takeMessages(0, signal);
    const stale = await take();
    const fresh = await take();
    fake.script = [call("add_note", { text: "from the dead" }), finish("Done")];
    const agent = openAgent(otto.services.database, ["add_note"]);
    const said = await agent.run(stale, signal).catch((error) => error.message);
    assertEquals(said, "the task was cancelled or taken over");
    const events = await listTaskEvents(otto.services.database, fresh.taskId);
    assert(events.every((event) => !["step", "note"].includes(event.kind)));
    await agent.run(fresh, signal);
  });
});

describeWith({ postgres: true }, "workers with a model", (servers) => {
  it("take over from one that was killed, and repeat no effect", async () => {
    await using workers = await openWorkers({
      DATABASE_URL: await servers.postgres.createDatabase(),
    }, { default: { unverified_tools: ["add_note"] } });
    const { otto, fake, start } = workers;
    fake.script = [call("add_note", { text: "once" }), "hang"];
    await otto.send("demo", '{"title":"Hello"}', JSON_TYPE);
    const doomed = start();
    await until(() => fake.asked.length === 2, {
      what: "the second step to begin",
      timeoutMs: 30_000,
    });
    await doomed.kill("SIGKILL");
    fake.script = [finish("Done")];
    const heir = start();
    const done = await until(async () => {
      const { items: [task] } = await otto.get("/api/tasks");
      return task.status === "completed" && task;
    }, { what: "another worker to finish the task", timeoutMs: 40_000 });
    const { events } = await otto.get(`/api/tasks/${done.id}`);
    const kinds = events.map((event: { kind: string }) => event.kind);
    assertEquals(kinds.filter((kind: string) => kind === "note").length, 1);
    assert(kinds.includes("taken_over"));
    // The first step, the one that was lost, and that one again: no step was repeated that was saved.
    assertEquals(fake.asked.length, 3);
    assertEquals((await heir.kill()).code, 0);
  });
});
