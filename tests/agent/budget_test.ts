import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { drain } from "../../lib/work/drain.ts";
import { reserveStep } from "../../lib/agent/budget/budget_wait.ts";
import { hasBegun, reserve } from "../../lib/agent/budget/reservation.ts";
import { microsFor, scopesOf } from "../../lib/agent/budget/scope.ts";
import type { Budgets } from "../../lib/agent/policy.ts";
import type { RunContext } from "../../lib/agent/run/run_context.ts";
import type { Asked, Say } from "../fakes/server.ts";
import { call, eventsOf, finish, issue, JSON_TYPE, openStage, spent, type Stage } from "./stage.ts";

/** Says something, and bills as much as it may: an input of three characters a token, and all of the output. */
const dearest = (say: Say) => ({ body, text }: Asked): Say => ({
  ...say as { text: string },
  usage: {
    prompt_tokens: Math.ceil(text.length / 3),
    completion_tokens: body.max_completion_tokens,
  },
});
const billed = (say: Say, usage: unknown): Say => ({ ...say as { text: string }, usage });

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
});

describe("budgets in money", () => {
  it("cost what their reservations do, to the millionth, whatever the prices", async () => {
    await using stage = await openStage({});
    const prices = [0.1, 0.7, 0.15, 1.1, 3.3, 0.075, 0.0375, 2.675, 15, 1_000, 1e-7];
    const asked = prices.flatMap((input) =>
      prices.flatMap((output) =>
        [[3, 0], [70, 10], [1_234, 567], [9_999_999, 100_000]].map(([read, said]) => ({
          input,
          output,
          read,
          said,
        }))
      )
    );
    const rows = await stage.otto.services.database.query(
      "let the schema count",
      (sql) =>
        sql<{ input: number; output: number; read: number; said: number; micros: number }[]>`
        select input::float8, output::float8, read, said,
          ceil(read * input + said * output)::float8 as micros
        from jsonb_to_recordset(${JSON.stringify(asked)}::text::jsonb)
          as a(input numeric, output numeric, read int, said int)`,
    );
    for (const { read, said, micros, ...price } of rows) {
      assertEquals(
        microsFor({ input: read, output: said }, { ...price, currency: "EUR" }),
        micros,
        JSON.stringify({ ...price, read, said }),
      );
    }
    assertEquals(scopesOf({ source: "a" }, {} as Budgets, { moneyPerDay: 1.001 }), [
      {
        source: null,
        subject: null,
        tasks_per_hour: null,
        tokens_per_day: null,
        micros_per_day: 1_001_000,
      },
    ]);
  });

  it("are never waited for in vain, to the millionth", async () => {
    await using stage = await openStage({});
    const { database } = stage.otto.services;
    const taskId = await stage.unsigned({});
    await database.query(
      "work it",
      (sql) => sql`update tasks set status = 'running', epoch = 1 where id = ${taskId}`,
    );
    const price = { input: 0.15, output: 0.6005, currency: "EUR" };
    const lease = { taskId, epoch: 1, source: "demo" };
    const outcomes: string[] = [];
    for (let micros = 780; micros <= 790; micros++) {
      const record = {
        reserve: (request: Parameters<typeof reserve>[2]) => reserve(database, lease, request),
        hasBegun: () => hasBegun(database, taskId),
      };
      const scopes = scopesOf(lease, {} as Budgets, { moneyPerDay: micros / 1e6 });
      const plan = { most: { input: 1_234, output: 4_000 }, least: 1_000, round: 0, last: false };
      const run = { database, record, scopes, price } as unknown as RunContext;
      // Whoever waits is told so by this signal: nobody gives anything back.
      outcomes.push(
        await reserveStep(run, plan, AbortSignal.abort(new Error("waits")))
          .then(({ output }) => `${output}`, ({ message }) => message.replace(/ for all.*/, "")),
      );
      await database.query("give back", (sql) => sql`delete from budget_reservations`);
      await database.query("give back", (sql) => sql`delete from agent_usage`);
    }
    assertEquals(outcomes, [
      ...[780, 781, 782, 783, 784, 785, 786].map((micros) =>
        `the budget of ${micros / 1e6} EUR a day`
      ),
      "1000",
      "1002",
      "1004",
      "1005",
    ]);
  });

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
