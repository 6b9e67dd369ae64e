import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readStats } from "../../lib/monitor/stats/read_stats.ts";
import { readTimeSeries } from "../../lib/monitor/stats/timeseries.ts";
import { answerTask } from "../../lib/task/task.ts";
import { testFolder } from "../folder.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const HOUR_MS = 3_600_000;
const SECRET = "a-token-of-gitlab";

/** As if all that came had come an hour before. */
const ageAll = (otto: Otto) =>
  otto.services.database.query(
    "age messages",
    (sql) => sql`update messages set received_at = received_at - interval '1 hour'`,
  );

describe("a stage's latency", () => {
  it("is of what comes in, not of what a person replays or releases later", async () => {
    await using folder = await testFolder();
    const OTTO_DATA_DIR = folder.path;
    {
      await using otto = await openOtto({ OTTO_DATA_DIR, WEBHOOK_SECRET_GITLAB: "another" });
      const answer = await otto.ask("/webhook/gitlab", {
        method: "POST",
        headers: { ...JSON_TYPE, "x-gitlab-token": SECRET },
        body: '{"object_kind":"push"}',
      });
      await answer.body?.cancel();
      await otto.send("demo", "{}", JSON_TYPE);
      await otto.services.quarantine.idle();
      await ageAll(otto);
    }
    await using otto = await openOtto({ OTTO_DATA_DIR, WEBHOOK_SECRET_GITLAB: SECRET });
    const { items } = await otto.get("/api/messages");
    const [sent, refused] = ["demo", "gitlab"].map((type) =>
      items.find((each: { webhook_type: string }) => each.webhook_type === type).message_id
    );
    await otto.post(`/api/messages/${sent}/replay`, {}, 201);
    await otto.post(`/api/messages/${refused}/release`, {}, 200);
    await otto.services.database.query(
      "forget the first",
      (sql) => sql`delete from messages where id = ${sent}`,
    );
    await otto.workOff();
    assertEquals((await readStats(otto.services)).stages.receive, { p50_ms: null, p99_ms: null });
    await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { receive, queue } = (await readStats(otto.services)).stages;
    assert(receive.p99_ms! < HOUR_MS / 2, `${receive.p99_ms} ms`);
    assert(queue.p99_ms! < HOUR_MS / 2, `${queue.p99_ms} ms`);
    const page = await (await otto.ask("/messages")).text();
    assert(!/after receipt|in 1 h/.test(page.replace(/made \d+ m?s after receipt/g, "")), page);
    const released = await otto.get(`/api/messages/${refused}`);
    assert(Date.parse(released.released_at) > Date.parse(released.received_at));
  });

  it("is of work, not of the time that a person takes to answer", async () => {
    await using otto = await openOtto();
    const id = await otto.send("demo", "{}", JSON_TYPE);
    await otto.workOff();
    const { database } = otto.services;
    const set = (change: string) =>
      database.query(
        "change the task",
        (sql) => sql`update tasks set ${sql.unsafe(change)} where message_id = ${id}`,
      );
    // It began two hours ago, and asked somebody for as long.
    await set(`created_at = now() - interval '2 hours', started_at = now() - interval '2 hours',
      finished_at = null, open = true, question = 'Which?', status = 'waiting_input'`);
    await set("waits_since = now() - interval '2 hours'");
    const [{ task_id }] = (await otto.get("/api/messages")).items;
    await answerTask(database, { id: task_id, text: "this", actor: "admin" });
    await otto.workOff();
    const task = await otto.get(`/api/tasks/${task_id}`);
    assertEquals(task.status, "completed");
    assert(task.waited_ms >= 2 * HOUR_MS - 1_000, `${task.waited_ms} ms`);
    const { agent } = (await readStats(otto.services)).stages;
    assert(agent.p99_ms! < HOUR_MS, `${agent.p99_ms} ms`);
    const { p95 } = await readTimeSeries(database, "1h");
    assert(Math.max(...p95) < HOUR_MS, `${Math.max(...p95)} ms`);
    for (const path of ["/tasks", "/messages"]) {
      assert(!/\b2 h\b(?! ago)/.test(await (await otto.ask(path)).text()), path);
    }
    await otto.post(`/api/tasks/${task_id}/cancel`, {}, 409);
  });
});
