import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import { settleForgotten } from "../../lib/agent/budget/settlement.ts";
import type { Asked, Say } from "../fakes/server.ts";
import { call, eventsOf, finish, issue, JSON_TYPE, openStage, type Stage } from "./stage.ts";

/** Says something, and bills as much as it may: an input of three characters a token, and all of the output. */
const dearest = (say: Say) => ({ body, text }: Asked): Say => ({
  ...say as { text: string },
  usage: {
    prompt_tokens: Math.ceil(text.length / 3),
    completion_tokens: body.max_completion_tokens,
  },
});
const billed = (say: Say, usage: unknown): Say => ({ ...say as { text: string }, usage });

async function spent(
  { otto }: Stage,
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

async function sendMany({ otto }: Stage, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await otto.send("demo", `{"n":${n}}`, JSON_TYPE);
  await drain(otto.services, { maxMs: 60_000, maxItems: 1_000 });
}

const statuses = async ({ otto }: Stage) => {
  const rows = await otto.services.database.query(
    "count",
    (sql) =>
      sql<{ status: string; n: number }[]>`
      select status, count(*)::int as n from tasks group by 1`,
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
};

describe("budgets", () => {
  it("hold when sixty tasks come at once and each call bills all that it may", async () => {
    for (
      const rules of [
        { default: { budgets: { tokens_per_day: 20_000 } } },
        { all_budgets: { tokens_per_day: 20_000 } },
      ]
    ) {
      await using stage = await openStage(rules);
      stage.fake.script = [dearest(finish("Done."))];
      await sendMany(stage, 60);
      const { tokens, reserved } = await spent(stage);
      const { completed, pending } = await statuses(stage);
      assert(tokens <= 20_000 && tokens > 10_000, `${tokens} tokens`);
      assertEquals([reserved, completed + pending, stage.fake.asked.length], [0, 60, completed]);
    }
  });

  it("let nothing begin after a model that bills more than it was allowed, which is said", async () => {
    await using stage = await openStage({ default: { budgets: { tokens_per_day: 5_000 } } });
    stage.fake.script = [
      billed(finish("Done."), { prompt_tokens: 58_000, completion_tokens: 1_000 }),
    ];
    await sendMany(stage, 60);
    assertEquals([stage.fake.asked.length, await spent(stage)], [
      1,
      { tokens: 59_000, tasks: 1, reserved: 0 },
    ]);
    const items = (await (await stage.otto.ask("/api/tasks?status=completed")).json()).items;
    const [step] = eventsOf(await stage.task(items[0].id), "step");
    assertEquals(step.data.over_tokens, 54_000);
    assertMatch(
      await (await stage.otto.ask(`/tasks/${items[0].id}`)).text(),
      /billed [\d,]+ tokens more than it was allowed/,
    );
  });

  it("give back what a call does not use", async () => {
    await using stage = await openStage({ default: { budgets: { tokens_per_day: 20_000 } } });
    stage.fake.script = [finish("Done.")];
    await sendMany(stage, 60);
    assertEquals([await statuses(stage), await spent(stage)], [
      { completed: 60 },
      { tokens: 60 * 110, tasks: 60, reserved: 0 },
    ]);
  });

  it("count tasks exactly, of a source and of all", async () => {
    for (
      const [rules, most] of [
        [{ default: { budgets: { tasks_per_hour: 7 } } }, 7],
        [{ all_budgets: { tasks_per_hour: 5 } }, 5],
      ] as const
    ) {
      await using stage = await openStage(rules);
      stage.fake.script = [call("get_payload", {}), finish("Done.")];
      stage.fake.script = [
        ({ body }) => body.messages.length > 2 ? finish("Done.") : call("get_payload", {}),
      ];
      await sendMany(stage, 20);
      assertEquals([(await spent(stage)).tasks, await statuses(stage)], [
        most,
        { completed: most, pending: 20 - most },
      ]);
    }
  });

  it("bill a last step that calls tools, and usage that is missing or nonsense", async () => {
    for (
      const usage of [
        undefined,
        {},
        { prompt_tokens: 0, completion_tokens: 0 },
        { prompt_tokens: -100, completion_tokens: -10 },
        { prompt_tokens: 1e300, completion_tokens: 1e300 },
      ]
    ) {
      await using stage = await openStage({ default: { budgets: { steps: 1 } } });
      stage.fake.script = [billed(call("get_payload", {}), usage ?? null)];
      const task = await stage.task(await stage.signed(issue));
      const { tokens, reserved } = await spent(stage);
      assert(tokens > 500 && tokens < 10_000, `${tokens} tokens for ${JSON.stringify(usage)}`);
      assertEquals(reserved, 0);
      assertEquals(eventsOf(task, "step")[0].data.estimated, true);
    }
  });

  it("keep a task's own, last words among it", async () => {
    for (const budget of [12_000, 20_000]) {
      await using stage = await openStage({ default: { budgets: { tokens: budget } } });
      stage.fake.script = [
        ({ body, ...asked }) =>
          dearest(body.tools ? call("get_payload", {}) : { text: "As far as I got" })(
            { body, ...asked },
          ),
      ];
      const task = await stage.task(await stage.signed(issue));
      assertEquals([task.status, task.result?.data.budget], ["completed", "tokens"]);
      assert((await spent(stage)).tokens <= budget);
    }
  });

  it("fail a task with words when no call would ever fit in", async () => {
    for (
      const [budgets, words] of [
        [{ tokens_per_day: 50 }, /50 tokens a day for generic has no room .* AGENT_CONFIG/],
        [{ tokens: 50 }, /50 tokens per task has no room .* budgets.tokens/],
      ] as const
    ) {
      await using stage = await openStage({ default: { budgets } });
      const task = await stage.task(await stage.unsigned({}));
      assertEquals([task.status, stage.fake.asked.length], ["failed", 0]);
      assertMatch(task.error.message, words);
    }
  });

  it("cost nothing where the provider said no, and all that it might where it broke off", async () => {
    await using stage = await openStage({});
    stage.fake.script = [{ status: 500 }];
    await stage.unsigned({});
    assertEquals(await spent(stage), { tokens: 0, tasks: 1, reserved: 0 });
    stage.fake.script = [{ raw: '{"choices":' }];
    await stage.unsigned({});
    assert((await spent(stage)).tokens > 4_000);
  });

  it("are shown on a task with what its lost calls may have billed", async () => {
    const AGENT_PRICES = '{"openai/gpt-5-mini":{"input":1,"output":10,"currency":"EUR"}}';
    await using stage = await openStage({}, { AGENT_PRICES });
    const { database } = stage.otto.services;
    stage.fake.script = [{ raw: '{"choices":' }, finish("Done.")];
    const id = await stage.unsigned({});
    await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
    await stage.otto.workOff();
    const [{ data }] = eventsOf(await stage.task(id), "call_lost");
    const { tokens } = await spent(stage);
    assertEquals(data.tokens, tokens - 110);
    const [{ micros }] = await database.query(
      "add up",
      (sql) => sql<{ micros: number }[]>`select sum(micros)::int as micros from agent_usage`,
    );
    assertEquals([data.micros, data.currency], [micros - 200, "EUR"]);
    const page = (await (await stage.otto.ask(`/tasks/${id}`)).text()).replaceAll(/\s+/g, " ");
    const [lost, all] = [tokens - 110, tokens].map((count) => count.toLocaleString("en"));
    assertMatch(
      page,
      new RegExp(`1 model step, ${all} tokens .100 in, 10 out, ${lost} at most of 1`),
    );
    assertMatch(page, /A model call was lost/);
    // One that was cancelled in the middle, and that nobody has taken since, says so at last.
    await database.query("leave a call behind", (sql) =>
      sql`
      insert into budget_reservations (task_id, id, epoch, source, tokens, micros, reserved_at)
      values (${id}, gen_random_uuid(), 1, 'demo', 1000, 30, now() - interval '1 hour')`);
    await settleForgotten(database, "EUR");
    assertEquals(eventsOf(await stage.task(id), "call_lost")[1].data, {
      tokens: 1_000,
      micros: 30,
      currency: "EUR",
    });
  });

  it("hold for a task whose calls time out again and again", async () => {
    for (const status of [499, 504, 524]) {
      await using stage = await openStage({ default: { budgets: { tokens: 15_000 } } });
      const { database } = stage.otto.services;
      stage.fake.script = [{ status }];
      const id = await stage.unsigned({});
      for (let tries = 0; tries < 8; tries++) {
        await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
        await stage.otto.workOff();
      }
      const { status: ended, error } = await stage.task(id);
      assertEquals(ended, "failed", `${status}`);
      assertMatch(error.message, /15000 tokens per task has no room/);
      const { tokens } = await spent(stage);
      assert(tokens > 10_000 && tokens <= 15_000, `${tokens} tokens`);
    }
  });

  it("count what nobody has settled, once", async () => {
    await using stage = await openStage({});
    const { database } = stage.otto.services;
    await database.query("leave a call behind", (sql) =>
      sql`
      insert into budget_reservations (task_id, id, epoch, source, tokens, reserved_at)
      select gen_random_uuid(), gen_random_uuid(), 1, 'demo', 1000, now() - make_interval(mins => m)
      from unnest(array[1, 40, 50]) m`);
    await settleForgotten(database, undefined);
    await settleForgotten(database, undefined);
    assertEquals(await spent(stage), { tokens: 2_000, tasks: 0, reserved: 1 });
  });
});

describe("budgets in money", () => {
  const AGENT_PRICES = '{"openai/gpt-5-mini":{"input":1,"output":10,"currency":"EUR"}}';

  it("hold, and are shown with the tokens", async () => {
    await using stage = await openStage({ default: { budgets: { money_per_day: 0.1 } } }, {
      AGENT_PRICES,
    });
    stage.fake.script = [dearest(finish("Done."))];
    await sendMany(stage, 20);
    const [{ micros }] = await stage.otto.services.database.query(
      "add up",
      (sql) => sql<{ micros: number }[]>`select sum(micros)::int as micros from agent_usage`,
    );
    assert(micros <= 100_000 && micros > 50_000, `${micros}`);
    const { items } = await (await stage.otto.ask("/api/tasks?status=completed")).json();
    assertMatch(await (await stage.otto.ask(`/tasks/${items[0].id}`)).text(), /0\.\d+ EUR/);
    assertMatch(await (await stage.otto.ask("/system")).text(), /0\.\d+ EUR/);
    const later = (await (await stage.otto.ask("/api/tasks?status=pending")).json()).items[0];
    assertMatch(
      eventsOf(await stage.task(later.id), "put_off")[0].data.reason,
      /0.1 EUR a day for generic is used up: there is room again at \d{4}-\d\d-\d\d \d\d:\d\d UTC/,
    );
  });
});
