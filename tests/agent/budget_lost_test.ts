import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { settleForgotten } from "../../lib/agent/budget/settlement.ts";
import { createWorker } from "../../lib/work/work.ts";
import { until } from "../servers/mod.ts";
import { eventsOf, finish, JSON_TYPE, openStage, spent, type Stage } from "./stage.ts";

describe("calls that give no step", () => {
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
      // It answers the smallest of requests, and no whole one.
      stage.fake.script = [
        ({ text }) => text.includes("Are you there") ? { text: "OK" } : { status },
      ];
      const id = await stage.unsigned({});
      for (let tries = 0; tries < 8; tries++) {
        await database.query("let time pass", (sql) => sql`update tasks set not_before = now()`);
        await stage.otto.workOff();
      }
      const { status: ended, error } = await stage.task(id);
      assertEquals(ended, "failed", `${status}`);
      assertMatch(
        error.message,
        /15000 tokens per task has no room.*used \d{4,5} \(.* answered \d{3}: .*\): raise/,
      );
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

  /** A task whose call is open, in a worker's hands. */
  async function inCall(stage: Stage, answered: Promise<void>) {
    stage.fake.script = [async () => {
      await answered;
      return finish("Done.") as { text: string };
    }];
    await stage.otto.send("demo", "{}", JSON_TYPE);
    const worker = createWorker(stage.otto.services);
    const { signal } = new AbortController();
    await until(async () => {
      await worker.takeMessages(0, signal);
      await worker.runTasks(signal);
      return stage.fake.asked.length === 1;
    }, { what: "the model to be asked" });
    const { items: [{ id }] } = await (await stage.otto.ask("/api/tasks")).json();
    return { worker, id: id as string };
  }

  it("are counted in full at once, and shown, where the task is cancelled meanwhile", async () => {
    await using stage = await openStage({});
    const never = Promise.withResolvers<void>();
    const { worker, id } = await inCall(stage, never.promise);
    await stage.post(`/api/tasks/${id}/cancel`, {});
    await worker.beat();
    await worker.idle();
    const { tokens, reserved } = await spent(stage);
    const [{ data }, ...more] = eventsOf(await stage.task(id), "call_lost");
    assert(tokens > 4_000, `${tokens} tokens`);
    assertEquals([data, more, reserved], [{ tokens }, [], 0]);
    never.resolve();
  });

  it("are shown with what they have billed where the answer comes too late for the task", async () => {
    await using stage = await openStage({});
    const late = Promise.withResolvers<void>();
    const { worker, id } = await inCall(stage, late.promise);
    await stage.post(`/api/tasks/${id}/cancel`, {});
    late.resolve();
    await worker.idle();
    assertEquals(await spent(stage), { tokens: 110, tasks: 1, reserved: 0 });
    const task = await stage.task(id);
    assertEquals(task.status, "cancelled");
    assertEquals(eventsOf(task, "call_lost").map(({ data }) => data), [{ tokens: 110 }]);
  });
});
