import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { completeMessages } from "../../lib/message/complete.ts";
import { claimMessages } from "../../lib/message/claim.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { readStats } from "../../lib/monitor/stats/read_stats.ts";
import { searchNotifications } from "../../lib/notify/search.ts";
import { finishTasks } from "../../lib/task/finish.ts";
import { startFakeSlack, TOKEN } from "../fakes/slack.ts";
import { openOtto } from "../otto.ts";
import { openPlace } from "../place.ts";
import { ask, messageOf } from "../queue/contract.ts";
import { describeWith } from "../servers/mod.ts";
import { channelContract, type ChannelPlace } from "./contract.ts";

async function openWeb(env: Record<string, string>, processes: number): Promise<ChannelPlace> {
  const place = await openPlace(env, { processes });
  return {
    ...place,
    name: "web",
    destination: "web",
    told: () => undefined,
    away: () => {},
    passTime: () => Promise.resolve(),
  };
}

async function openSlack(env: Record<string, string>, processes: number): Promise<ChannelPlace> {
  const slack = await startFakeSlack();
  const place = await openPlace({
    SLACK_BOT_TOKEN: TOKEN,
    SLACK_API_URL: slack.url,
    SLACK_CHANNELS: "*=C0DEMO",
    SLACK_UNVERIFIED_TYPES: "*",
    ...env,
  }, { processes });
  const [here] = place.processes;
  return {
    ...place,
    name: "slack",
    // Another one: a place takes one call at a time, and which comes first is no promise.
    destination: "C0NOTES",
    told: () => slack.posts.length,
    away: (isAway) => slack.always("chat.postMessage", isAway ? { status: 503 } : undefined),
    async passTime() {
      await ask(here, (sql) => sql`update slack_messages set due_at = now(), lease_until = null`);
      await ask(here, (sql) => sql`update slack_places set free_at = now()`);
      await ask(here, (sql) =>
        sql`
          update notifications set lease_until = null where state = 'pending'`);
    },
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await slack[Symbol.asyncDispose]();
    },
  };
}

for (const [name, open] of [["the web UI", openWeb], ["Slack", openSlack]] as const) {
  channelContract(
    `${name}, in memory,`,
    () => open({ OTTO_DATA_DIR: ":memory:" }, 1),
  );
  describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
    channelContract(
      name,
      async () => await open({ DATABASE_URL: await servers.postgres.createDatabase() }, 2),
    );
  });
}

describe("what is told in the web UI", () => {
  it("is sent with the outcome, when nobody has told anything yet", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    const ids = [messageOf(), messageOf()];
    await storeMessages(database, ids);
    const [fine, broken] = await claimMessages(database, { worker: "w", max: 2 });
    const [user] = await ask(
      { database },
      (sql) =>
        sql<{ id: string }[]>`
        insert into users (id, email, name, kind)
        values (gen_random_uuid(), 'a@example.com', 'A', 'person') returning id`,
    );
    await completeMessages(database, [
      { messageId: fine.id, epoch: fine.epoch, event: null, title: "t", description: "d" },
      { messageId: broken.id, epoch: broken.epoch, error: "it cannot be read" },
    ], { assignee: user.id });
    const [task] = await ask(
      { database },
      (sql) =>
        sql<{ id: string; epoch: number }[]>`
        update tasks set status = 'running' returning id, epoch`,
    );
    await finishTasks(database, [{
      taskId: task.id,
      epoch: task.epoch,
      actor: "tester",
      tell: [{ channel: "web", destination: "web" }],
      status: "failed",
      error: { code: "c", message: "no luck" },
    }]);
    const { items: told } = await searchNotifications(database, { unread: true }, 10);
    assertEquals(
      told.map(({ kind, state, sent_at, created_at }) => ({
        kind,
        state,
        waited: Number(sent_at) - Number(created_at),
      })),
      [
        { kind: "failed", state: "sent", waited: 0 },
        { kind: "message_failed", state: "sent", waited: 0 },
      ],
    );
  });

  it("is no part of how long it takes to tell others", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    const put = (channel: string, count: number, waited: number) =>
      ask({ database }, (sql) =>
        sql`
          insert into notifications (id, cause, channel, destination, kind, text, state, created_at,
            sent_at)
          select gen_random_uuid(), 'x' || n, ${channel}, 'x', 'note', 'hi', 'sent', now(),
            now() + make_interval(secs => ${waited}) from generate_series(1, ${count}::int) n`);
    const latency = async () => (await readStats(otto.services)).stages.notify;
    await put("web", 9, 0);
    assertEquals(await latency(), { p50_ms: 0, p99_ms: 0 });
    await put("slack", 1, 2);
    assertEquals(await latency(), { p50_ms: 2_000, p99_ms: 2_000 });
  });

  it("is given up where nobody has such a channel, and says so", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await ask({ database }, (sql) =>
      sql`
        insert into notifications (id, cause, channel, destination, kind, text)
        values (gen_random_uuid(), 'x', 'pigeon', 'home', 'note', 'hi')`);
    await otto.workOff();
    const { items: [{ state, error }] } = await searchNotifications(database, {}, 10);
    assertEquals([state, error], ["dead", 'no channel "pigeon" is configured']);
  });
});
