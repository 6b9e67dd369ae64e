import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import postgres from "postgres";
import { reserve } from "../../lib/agent/budget/reservation.ts";
import type { Otto } from "../otto.ts";
import { describeWith, until } from "../servers/mod.ts";
import { call, finish, JSON_TYPE, openWorkers } from "./stage.ts";

const BUDGET = 40_000;
/** A call of these tasks may bill between so much and twice as much. */
const A_CALL = 5_000;

async function read({ services }: Otto) {
  const [row] = await services.database.query(
    "add up",
    (sql) =>
      sql<{ tokens: number; tasks: number; reserved: number; lost: number; done: number }[]>`
      select coalesce(sum(tokens), 0)::int as tokens, coalesce(sum(tasks), 0)::int as tasks,
        (select count(*) from budget_reservations)::int as reserved,
        (select coalesce(sum(lost_tokens), 0) from agent_runs)::int as lost,
        (select count(*) from tasks where status = 'completed')::int as done
      from agent_usage`,
  );
  return row;
}

/** A model that bills all that it may; what it has billed is added up. */
async function openBilled(DATABASE_URL: string, budgets: Record<string, number>) {
  const workers = await openWorkers({ DATABASE_URL }, { default: { budgets } });
  const bill = { tokens: 0 };
  workers.fake.script = [({ body, text }) => {
    const usage = {
      prompt_tokens: Math.ceil(text.length / 3),
      completion_tokens: body.max_completion_tokens,
    };
    bill.tokens += usage.prompt_tokens + usage.completion_tokens;
    const said = body.messages.length > 2 ? finish("Done.") : call("get_payload", {});
    return { ...said as { text: string }, usage };
  }];
  return { ...workers, bill };
}

describeWith({ postgres: true }, "budgets across workers", (servers) => {
  it("hold with sixty tasks at once and a model that bills the most", async () => {
    await using workers = await openBilled(await servers.postgres.createDatabase(), {
      tokens_per_day: BUDGET,
    });
    const { otto, bill } = workers;
    await Promise.all(
      Array.from({ length: 60 }, (_, n) => otto.send("demo", `{"n":${n}}`, JSON_TYPE)),
    );
    const running = [workers.start(), workers.start()];
    // What is left is too little for anybody, and nobody has anything out.
    await until(async () => {
      const { items } = await (await otto.ask("/api/tasks?status=pending&limit=100")).json();
      const { tokens, reserved } = await read(otto);
      return reserved === 0 && tokens > BUDGET - A_CALL && items.length > 0;
    }, { what: "the budget to be used up", timeoutMs: 60_000 });
    for (const worker of running) await worker.kill();
    const { tokens, reserved } = await read(otto);
    assertEquals([tokens, reserved], [bill.tokens, 0]);
    assert(tokens <= BUDGET, `${tokens} of ${BUDGET} tokens`);
  });

  it("count a call that is settled while they are added up", async () => {
    const url = await servers.postgres.createDatabase();
    await using workers = await openBilled(url, {});
    const { database } = workers.otto.services;
    await workers.otto.send("demo", "{}", JSON_TYPE);
    await workers.otto.workOff();
    const sql = postgres(url, { max: 2 });
    await sql`delete from agent_usage`;
    await sql`delete from agent_runs`;
    const [{ id: taskId }] = await sql`
      update tasks set status = 'running', epoch = 1 returning id`;
    await sql`insert into agent_runs (task_id) values (${taskId})`;
    await sql`
      insert into budget_reservations (task_id, id, epoch, source, tokens)
      values (gen_random_uuid(), gen_random_uuid(), 1, 'demo', 900)`;
    // Whoever adds up what was spent waits at a gate, with what could be seen before.
    await sql.unsafe(`
      alter table agent_usage rename to usage_table;
      create function gate() returns boolean language plpgsql volatile as $$ begin
        perform pg_advisory_lock(4711); perform pg_advisory_unlock(4711); return true; end $$;
      create view agent_usage as select * from usage_table where (select gate())`);
    const gate = await sql.reserve();
    await gate`select pg_advisory_lock(4711)`;
    const reserved = reserve(database, { taskId, epoch: 1, source: "demo" }, {
      most: { input: 100, output: 100 },
      least: 100,
      scopes: [{
        source: "demo",
        subject: null,
        tasks_per_hour: null,
        tokens_per_day: 1_000,
        micros_per_day: null,
      }],
      price: undefined,
    });
    await until(async () => {
      const [{ n }] = await sql`
        select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted`;
      return n > 0;
    }, { what: "somebody at the gate" });
    await sql`
      with settled as (delete from budget_reservations returning source, tokens)
      insert into usage_table (source, hour, tokens)
      select source, date_trunc('hour', now()), tokens from settled`;
    await gate`select pg_advisory_unlock(4711)`;
    assertEquals(await reserved, undefined);
    gate.release();
    await sql.end();
  });

  it("count in full, and once, a call whose worker was killed", async () => {
    await using workers = await openBilled(await servers.postgres.createDatabase(), {});
    const { otto, fake } = workers;
    fake.script = ["hang"];
    await otto.send("demo", "{}", JSON_TYPE);
    const doomed = workers.start();
    await until(() => fake.asked.length === 1, { what: "a call to begin", timeoutMs: 30_000 });
    await doomed.kill("SIGKILL");
    assertEquals(await read(otto), { tokens: 0, tasks: 1, reserved: 1, lost: 0, done: 0 });
    fake.script = [finish("Done.")];
    const heir = workers.start();
    await until(async () => (await read(otto)).done === 1, {
      what: "another worker to finish",
      timeoutMs: 40_000,
    });
    await heir.kill();
    const { tokens, tasks, reserved, lost } = await read(otto);
    assert(lost > 4_000, `${lost} tokens are lost`);
    assertEquals([tokens, tasks, reserved], [lost + 110, 1, 0]);
    const { items: [{ id }] } = await (await otto.ask("/api/tasks")).json();
    const { events } = await (await otto.ask(`/api/tasks/${id}`)).json();
    // deno-lint-ignore no-explicit-any -- entries of many shapes
    const [told, ...more] = events.filter(({ kind }: any) => kind === "call_lost");
    assertEquals([told.data, more], [{ tokens: lost }, []]);
  });

  it("reserve for a worker of the release before, which knows no rounds and no subjects", async () => {
    const url = await servers.postgres.createDatabase();
    await using workers = await openBilled(url, {});
    await workers.otto.send("demo", "{}", JSON_TYPE);
    await workers.otto.workOff();
    const sql = postgres(url, { max: 1 });
    await sql`delete from agent_usage`;
    await sql`delete from agent_runs`;
    const [{ id: task }] = await sql`update tasks set status = 'running', epoch = 1 returning id`;
    await sql`insert into agent_runs (task_id) values (${task})`;
    const ask = async (input: number) => {
      const limits = { tasks_per_hour: 1, tokens_per_day: 1_000, micros_per_day: null };
      const scopes = [{ source: "demo", ...limits }, { source: null, ...limits }];
      const request = { task, epoch: 1, id: crypto.randomUUID(), source: "demo", input, scopes };
      const [{ output }] = await sql`
        select reserve_budget(${
        JSON.stringify({ ...request, output: 500, least: 100 })
      }::text::jsonb)::int as output`;
      return output;
    };
    assertEquals(await ask(600), 400);
    // What nobody has settled by the next call was billed in full; the task was counted once.
    assertEquals(await ask(100), null);
    await sql`update budget_reservations set tokens = 300`;
    assertEquals(await ask(100), 500);
    const [row] = await sql`select sum(tokens)::int as tokens, sum(tasks)::int as tasks,
      (select count(*)::int from subject_usage) as subjects from agent_usage`;
    assertEquals({ ...row }, { tokens: 300, tasks: 1, subjects: 0 });
    await sql.end();
  });
});
