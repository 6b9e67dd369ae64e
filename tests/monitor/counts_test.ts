import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { PHASES } from "../../lib/message/search/phase.ts";
import { readTimeSeries } from "../../lib/monitor/stats/timeseries.ts";
import { foldActivity, foldCounts, forgetActivity } from "../../lib/store/counts.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const statsOf = (otto: Otto) => otto.get("/webhook/stats");

/** How many each filter finds, of messages that are few enough for one page. */
async function listed(otto: Otto): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const phase of PHASES) {
    const { items } = await otto.get(`/api/messages?phase=${phase}&limit=100`);
    found[phase] = items.length;
  }
  return found;
}

/** Messages that stand everywhere: one or more in each phase. */
async function sendAll(otto: Otto): Promise<void> {
  const { database } = otto.services;
  const set = async (id: string, status: string, later = false) =>
    await database.query("set a task's status", (sql) =>
      sql`update tasks set status = ${status},
        not_before = case when ${later} then now() + interval '1 hour' end
        where message_id = ${id}`);
  const send = () => otto.send("demo", "{}", JSON_TYPE);
  const [done, failed, cancelled, asking, working, later, unread, alone] = await Promise.all(
    Array.from({ length: 8 }, send),
  );
  for (const n of [1, 2, 3]) await otto.send("shop", JSON.stringify({ order: 7, n }), JSON_TYPE);
  await otto.workOff();
  await set(failed, "failed");
  await set(cancelled, "cancelled");
  await set(asking, "waiting_input");
  await set(working, "running");
  await set(later, "pending", true);
  await database.query(
    "fail a message",
    (sql) =>
      sql`with gone as (delete from tasks where message_id = ${unread})
      update messages set state = 'failed', task_id = null where id = ${unread}`,
  );
  await database.query("take a task away", (sql) =>
    sql`
    with gone as (delete from tasks where message_id = ${alone})
    update messages set task_id = null where id = ${alone}`);
  await otto.ask("/webhook/slack", { method: "POST", body: "{}", headers: JSON_TYPE });
  await otto.send("demo", "{}", JSON_TYPE);
  assertEquals((await otto.get(`/api/messages/${done}`)).phase, "done");
}

const openShop = async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(
    file,
    JSON.stringify({ shop: { merge: { key: "order", seconds: 60 } } }),
  );
  return await openOtto({ SOURCES_FILE: file });
};

describe("what is counted as it happens", () => {
  it("has of each phase what a list of it has, before and after it is added up", async () => {
    await using otto = await openShop();
    await sendAll(otto);
    const expected = await listed(otto);
    assertEquals(expected, {
      queued: 1,
      held: 3,
      working: 1,
      waiting: 1,
      needs_you: 1,
      done: 2,
      failed: 2,
      cancelled: 1,
      filtered: 0,
      refused: 1,
    });
    assertEquals((await statsOf(otto)).phases, expected);
    while (await foldCounts(otto.services.database) > 0);
    assertEquals((await statsOf(otto)).phases, expected);
  });

  it("counts each message of a task that was made of several", async () => {
    await using otto = await openShop();
    const { database } = otto.services;
    for (const n of [1, 2, 3]) await otto.send("shop", JSON.stringify({ order: 7, n }), JSON_TYPE);
    await otto.workOff();
    await database.query("let it be due", (sql) => sql`update bursts set due_at = now()`);
    await otto.workOff();
    assertEquals((await listed(otto)).done, 3);
    assertEquals((await statsOf(otto)).phases.done, 3);
  });

  it("says what came in the last hour and in each minute, added up or not", async () => {
    await using otto = await openShop();
    const { database } = otto.services;
    await sendAll(otto);
    const hour = { received: 12, processed: 8, failed: 1, completed_tasks: 8 };
    const chart = async () => {
      const { received, failed, completed } = await readTimeSeries(database, "1h");
      const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
      return [sum(received), sum(failed), sum(completed)];
    };
    assertEquals((await statsOf(otto)).last_hour, hour);
    assertEquals(await chart(), [13, 2, 8]);
    while (await foldActivity(database) > 0);
    assertEquals((await statsOf(otto)).last_hour, hour);
    assertEquals(await chart(), [13, 2, 8]);
    const rows = async () =>
      await database.query("read activity", (sql) =>
        sql<{ minute: Date; items: number }[]>`
          select minute, items::int from activity where type = 'demo' and state = 'received'`);
    const minutes = new Set((await rows()).map(({ minute }) => minute.getTime()));
    assertEquals((await rows()).length, minutes.size, "one row for each minute");
  });

  it("keeps minutes for a day, hours for a week, and nothing longer", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await database.query(
      "write old activity",
      (sql) =>
        sql`insert into activity (minute, kind, type, state, items)
        select date_trunc('hour', now()) - make_interval(hours => hours, mins => mins),
          'message', 'demo', 'received', 1
        from unnest(array[3, 30, 24 * 9]) hours, generate_series(1, 59) mins`,
    );
    while (await foldActivity(database) > 0);
    await forgetActivity(database);
    const left = await database.query(
      "read activity",
      (sql) =>
        sql<{ rows: number; items: number }[]>`
        select count(*)::int as rows, sum(items)::int as items from activity
        group by minute > now() - interval '1 day' order by 1`,
    );
    assertEquals([...left], [{ rows: 1, items: 59 }, { rows: 59, items: 59 }]);
  });
});
