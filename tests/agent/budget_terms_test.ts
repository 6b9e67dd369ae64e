import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createWorker } from "../../lib/work/work.ts";
import { call, eventsOf, finish, issue, openStage, type Stage } from "./stage.ts";

/** Otto after Otto on one store, each with its own rules and settings. */
async function inTurn(
  ...turns: [rules: unknown, env: Record<string, string>, act: (stage: Stage) => Promise<void>][]
) {
  const OTTO_DATA_DIR = await Deno.makeTempDir();
  try {
    for (const [rules, env, act] of turns) {
      await using stage = await openStage(rules, { OTTO_DATA_DIR, ...env });
      await act(stage);
    }
  } finally {
    await Deno.remove(OTTO_DATA_DIR, { recursive: true });
  }
}

/** As if what was put off had been so for a while. */
async function letTimePass({ otto }: Stage): Promise<void> {
  await otto.services.database.query("let time pass", (sql) =>
    sql.unsafe(`
      alter table task_events disable trigger task_events_append_only;
      update task_events set at = at - interval '6 minutes';
      alter table task_events enable trigger task_events_append_only;`));
}

const tidyUp = async ({ otto }: Stage) => {
  await createWorker(otto.services).tidy();
  await otto.workOff();
};

describe("budgets that were changed", () => {
  it("let tasks go on that wait for what they have room for now, in their order", async () => {
    const limited = (tasks_per_hour: number) => ({ default: { budgets: { tasks_per_hour } } });
    const ids: string[] = [];
    const waiting = async ({ otto }: Stage) =>
      (await (await otto.ask("/api/tasks?status=pending")).json()).items.length;
    await inTurn([limited(1), {}, async (stage) => {
      stage.fake.script = [finish("Done.")];
      for (let n = 0; n < 4; n++) ids.push(await stage.unsigned({ n }));
      assertEquals(await waiting(stage), 3);
    }], [limited(1), {}, async (stage) => {
      // The same budgets: what was said of the time still holds.
      await letTimePass(stage);
      await tidyUp(stage);
      assertEquals([await waiting(stage), stage.fake.asked.length], [3, 0]);
    }], [limited(3), {}, async (stage) => {
      stage.fake.script = [finish("Done.")];
      await tidyUp(stage);
      assertEquals((await stage.task(ids[1])).status, "completed");
      assertEquals((await stage.task(ids[2])).status, "completed");
      const { status, events } = await stage.task(ids[3]);
      assertEquals(status, "pending");
      assertMatch(eventsOf({ events }, "put_off")[1].data.reason, /3 tasks an hour/);
    }]);
  });

  it("hold when they were lowered below what is spent, and say so at once when nothing fits", async () => {
    const limited = (tokens_per_day: number) => ({ default: { budgets: { tokens_per_day } } });
    let waits = "";
    await inTurn([limited(20_000), {}, async (stage) => {
      const usage = { prompt_tokens: 14_000, completion_tokens: 4_000 };
      stage.fake.script = [{ ...finish("Done.") as object, usage }];
      await stage.unsigned({});
      waits = await stage.unsigned({});
      assertEquals((await stage.task(waits)).status, "pending");
    }], [limited(10_000), {}, async (stage) => {
      await letTimePass(stage);
      await tidyUp(stage);
      const task = await stage.task(waits);
      assertEquals([task.status, stage.fake.asked.length], ["pending", 0]);
      assertMatch(eventsOf(task, "put_off")[1].data.reason, /10000 tokens a day .* is used up/);
    }], [limited(500), {}, async (stage) => {
      await letTimePass(stage);
      await tidyUp(stage);
      const task = await stage.task(waits);
      assertEquals([task.status, stage.fake.asked.length], ["failed", 0]);
      assertMatch(task.error.message, /500 tokens a day for generic has no room/);
    }]);
  });
});

describe("another model", () => {
  it("is not taken to count as the one before did", async () => {
    let id = "";
    await inTurn([{}, {}, async (stage) => {
      stage.fake.script = [
        // Of a text in some language, by a tokenizer made for it.
        {
          ...call("get_payload", {}) as object,
          usage: { prompt_tokens: 300, completion_tokens: 9 },
        },
        { status: 503 },
      ];
      id = await stage.signed({ ...issue, body: "Съешь ещё этих мягких булок. ".repeat(200) });
      assertEquals((await stage.task(id)).status, "pending");
    }], [{}, { AGENT_MODEL: "openai/gpt-5-nano" }, async (stage) => {
      stage.fake.script = [({ body, text }) => ({
        ...finish("Done.") as { text: string },
        usage: {
          prompt_tokens: Math.ceil(text.length / 1.8),
          completion_tokens: body.max_completion_tokens,
        },
      })];
      await stage.otto.services.database.query(
        "let time pass",
        (sql) => sql`update tasks set not_before = null`,
      );
      await stage.otto.workOff();
      const task = await stage.task(id);
      assertEquals(task.status, "completed");
      const [, { data }] = eventsOf(task, "step");
      assert(data.input_tokens > 1_000, `${data.input_tokens} tokens`);
      assertEquals(data.over_tokens, undefined);
    }]);
  });
});
