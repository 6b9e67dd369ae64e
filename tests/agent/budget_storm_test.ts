import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import type { Asked, Say } from "../fakes/server.ts";
import { describeWith, until } from "../servers/mod.ts";
import { describeWithFaketime, wrongClock } from "../work/faketime.ts";
import { call, finish, JSON_TYPE, openWorkers } from "./stage.ts";

/** What each of these tasks may use, whoever else is at work. */
const OWN = { steps: 3, output_tokens: 1_000, step_seconds: 4, tokens: 12_000 };
const PRICE = { input: 1, output: 10 };
const TOKENS = 60_000;
const MICROS = 300_000;
const TASKS = 9;

const STORMS: Record<
  string,
  { rules: unknown; limit: "tokens" | "micros" | "tasks"; most: number }
> = {
  "tokens of a source": {
    rules: { default: { budgets: { ...OWN, tokens_per_day: TOKENS } } },
    limit: "tokens",
    most: TOKENS,
  },
  "tokens of all sources": {
    rules: { default: { budgets: OWN }, all_budgets: { tokens_per_day: TOKENS } },
    limit: "tokens",
    most: TOKENS,
  },
  "money": {
    rules: { default: { budgets: { ...OWN, money_per_day: MICROS / 1e6 } } },
    limit: "micros",
    most: MICROS,
  },
  "tasks of all sources in an hour": {
    rules: { default: { budgets: OWN }, all_budgets: { tasks_per_hour: TASKS } },
    limit: "tasks",
    most: TASKS,
  },
};

/** What providers say of a bill: the truth, or nothing that can be true. */
const NONSENSE = [
  undefined,
  undefined,
  null,
  { prompt_tokens: 0, completion_tokens: 0 },
  { prompt_tokens: -50_000, completion_tokens: -5_000 },
  { prompt_tokens: 1e300, completion_tokens: 1e300 },
];

/**
 * A provider with bad days: it bills the most that it may, miscounts, goes away, and lets calls
 * hang whose worker is killed then. Its true bill is added up by task.
 */
function badProvider(killWorker: () => void) {
  const bills = new Map<string, { tokens: number; micros: number }>();
  let calls = 0;
  const answer = (asked: Asked): Say => {
    const { body, text } = asked;
    const number = ++calls;
    // It is away, and bills nothing.
    if (number >= 12 && number < 15) return { status: 503 };
    const hangs = number === 4 || number === 7;
    const nonsense = NONSENSE[number % NONSENSE.length];
    const said = !body.tools || body.messages.length > 2 && number % 2 === 0
      // A last step has no tools, and it calls one all the same.
      ? number % 3 === 0 ? call("get_payload", {}) : { text: "As far as I got" }
      : body.messages.length > 4
      ? finish("Done.")
      : call("get_payload", {});
    const input = Math.ceil(text.length / 3);
    // What nobody counts is as long as what was said; else it thinks as much as it may.
    const output = nonsense === undefined || hangs
      ? body.max_completion_tokens
      : Math.ceil(JSON.stringify(said).length / 4);
    const task = /Task ([0-9a-f-]{36})/.exec(text)![1];
    const bill = bills.get(task) ?? { tokens: 0, micros: 0 };
    bill.tokens += input + output;
    bill.micros += input * PRICE.input + output * PRICE.output;
    bills.set(task, bill);
    if (number === 4) killWorker();
    if (hangs) return "hang";
    const usage = nonsense === undefined
      ? { prompt_tokens: input, completion_tokens: output }
      : nonsense;
    return { ...said as { text: string }, usage };
  };
  return { bills, answer };
}

describeWithFaketime("workers with clocks of their own", () => {
  describeWith({ postgres: true }, "and budgets", (servers) => {
    for (const [name, { rules, limit, most }] of Object.entries(STORMS)) {
      it(`hold with sixty tasks at once, a worker killed and a bad provider: ${name}`, async () => {
        await using workers = await openWorkers({
          DATABASE_URL: await servers.postgres.createDatabase(),
          AGENT_PRICES: JSON.stringify({ "openai/gpt-5-mini": { ...PRICE, currency: "EUR" } }),
        }, rules);
        const { otto, fake } = workers;
        const start = (shift: string) => workers.start(wrongClock(shift));
        const { bills, answer } = badProvider(() => {
          doomed.kill("SIGKILL");
          start("-90m");
        });
        fake.script = [answer];
        await Promise.all(
          Array.from(
            { length: 60 },
            (_, n) => otto.send(n % 2 ? "demo" : "stripe", JSON.stringify({ n }), JSON_TYPE),
          ),
        );
        const doomed = start("+3h");
        start("+0");
        const { database } = otto.services;
        const ask = () =>
          database.query(
            "look",
            (sql) =>
              sql<{ moving: number; reserved: number; open: number }[]>`
                select (select count(*)::int from budget_reservations) as reserved,
                  count(*) filter (where status = 'pending')::int as open,
                  count(*) filter (where status = 'running' or status = 'pending'
                    and coalesce(not_before, now()) < now() + interval '4 minutes')::int as moving
                from tasks`,
          );
        // Whoever still waits does so for the next hour or day.
        await until(async () => {
          const [{ moving, reserved }] = await ask();
          return bills.size > 0 && moving === 0 && reserved === 0;
        }, { what: "everybody to have ended, or to wait for a budget", timeoutMs: 240_000 });
        const rows = await database.query(
          "add up",
          (sql) =>
            sql<{ source: string; tokens: number; micros: number; tasks: number }[]>`
              select source, sum(tokens)::int as tokens, sum(micros)::int as micros,
                max(tasks)::int as tasks from agent_usage group by 1`,
        );
        const sum = (from: Iterable<Record<string, number>>, what: string) =>
          [...from].reduce((all, row) => all + row[what], 0);
        const counted = limit === "tokens" && rows.length > 1 && name === "tokens of a source"
          ? Math.max(...rows.map(({ tokens }) => tokens))
          : limit === "micros"
          ? Math.max(...rows.map(({ micros }) => micros))
          : sum(rows as unknown as Record<string, number>[], limit);
        assert(counted <= most, `${counted} of ${most} ${limit} were counted`);
        assert((await ask())[0].open > 0, "nobody was put off: the budget was never reached");
        // What is counted is what the tasks' timelines say, each call once, and no less than was billed.
        const told = await database.query(
          "read the timelines",
          (sql) =>
            sql<{ task_id: string; tokens: number; micros: number; least: number }[]>`
              select task_id, sum(coalesce((data->>'tokens')::int,
                  (data->>'input_tokens')::int + (data->>'output_tokens')::int))::int as tokens,
                sum((data->>'micros')::int)::int as micros,
                min((data->>'output_tokens')::int)::int as least
              from task_events where kind in ('step', 'call_lost', 'knocked') group by 1`,
        );
        const added = (unit: string) => sum(told as unknown as Record<string, number>[], unit);
        for (const unit of ["tokens", "micros"] as const) {
          assertEquals(sum(rows as unknown as Record<string, number>[], unit), added(unit));
        }
        for (const { task_id: task, tokens, micros, least } of told) {
          // Killed before its first call was out, a worker may have billed nothing.
          const billed = bills.get(task) ?? { tokens: 0, micros: 0 };
          assert(billed.tokens <= tokens, `${billed.tokens} tokens billed, ${tokens} counted`);
          assert(billed.micros <= micros, `${billed.micros} billed, ${micros} counted`);
          assert(least === null || least >= 5, `a step of ${least} tokens`);
        }
        for (const [task, { tokens }] of bills) {
          assert(tokens <= OWN.tokens, `${task} has billed ${tokens} tokens`);
        }
        if (limit === "tasks") assertEquals(bills.size, TASKS);
      });
    }
  });
});
