import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Agent } from "../../lib/agent/agent.ts";
import { newId } from "../../lib/store/id.ts";
import { listActsOn } from "../../lib/people/audit_search.ts";
import { createUser } from "../../lib/people/user.ts";
import { SELF } from "../fakes/slack.ts";
import { describeWith } from "../servers/mod.ts";
import { openSlackOtto, type SlackOtto } from "./otto.ts";

const ENV = { SLACK_CHANNELS: "*=C0OPS", SLACK_APPROVERS: "U0BOSS, U0CHIEF" };

/** Asks once, then says what it was answered. */
const asking: Agent = {
  name: "asking",
  run: () => Promise.resolve({ status: "waiting_input", question: "Which one?" }),
};
const failing: Agent = {
  name: "failing",
  run: () => Promise.reject(new Error("broken")),
};

// deno-lint-ignore no-explicit-any -- rows of many shapes
async function theTask(place: SlackOtto, id: string): Promise<any> {
  return await place.get(`/api/tasks/${id}`);
}

/** A task that waits for a word on one call of a tool. */
async function waitingForApproval(
  place: SlackOtto,
  args = '{"to":"ops"}',
): Promise<string> {
  const id = await place.task();
  const { database } = place.otto.services;
  await database.query("ask for an approval", (sql) =>
    sql`
      insert into approvals (id, task_id, key, tool, arguments, sha256, rule, policy_version, expires_at)
      values (${newId()}, ${id}, '1:1:0', 'mail__send', ${args}, 'x', 'sends mail', '1',
        now() + interval '1 day')`);
  await database.query(
    "show it",
    (sql) => sql`update tasks set question = 'May I?' where id = ${id}`,
  );
  await place.passTime(3);
  await place.workOff();
  return id;
}

/** @param few only what differs between stores, where opening one takes seconds. */
function suite(
  name: string,
  open: (agent: Agent) => Promise<SlackOtto>,
  { few = false }: { few?: boolean } = {},
) {
  const also: (name: string, fn: () => Promise<void>) => void = few ? it.skip : it;
  describe(`Slack answers (${name})`, () => {
    it("a question, by the field and the button below it", async () => {
      await using place = await open(asking);
      const id = await place.task();
      const { database } = place.otto.services;
      const boss = { email: "b@example.com", name: "The Boss", slack_id: "U0BOSS" };
      const person = await createUser(database, boss);
      const messageId = await place.click("U0BOSS", "Answer", "the blue one");
      // The question is out of the world before anything asks again.
      await place.hear();
      const task = await theTask(place, id);
      assertEquals([task.status, task.question], ["pending", null]);
      const { kind, actor, data } = task.events.at(-1);
      assertEquals([kind, actor, data], ["answered", "slack:U0BOSS", {
        text: "the blue one",
      }]);
      const [act] = await listActsOn(database, id, 1);
      assertEquals(
        [act.act, act.who, act.user_id, act.channel, act.detail.slack_user],
        ["answer", "The Boss", person!.id, "slack", "U0BOSS"],
      );
      assert(!JSON.stringify(act).includes("the blue one"), "the audit log has the answer");
      const message = await place.get(`/api/messages/${messageId}`);
      assertEquals([message.state, message.task_id], ["processed", id]);
      assertMatch(message.reason, /U0BOSS in Slack: answered/);
      assertEquals(
        (await place.get("/api/tasks")).items.length,
        1,
        "no task of its own",
      );
    });

    it("no later question, by a view or a reply that are older than it", async () => {
      await using place = await open(asking);
      const id = await place.task();
      const [{ blocks, ts: thread_ts }] = structuredClone(place.slack.posts);
      await place.click("U0BOSS", "Answer", "the blue one");
      await place.workOff();
      place.slack.posts[0].blocks = blocks;
      await place.click("U0BOSS", "Answer", "the old view");
      await place.workOff();
      const said = { type: "message", user: "U0BOSS", channel: "C0OPS", thread_ts };
      await place.event({ ...said, text: "the old reply", ts: "1700000900.000100" });
      await place.workOff();
      const { status, events } = await theTask(place, id);
      assertEquals(status, "waiting_input");
      assertEquals(
        events.filter((each: { kind: string }) => each.kind === "answered").length,
        1,
      );
      assertEquals(place.slack.whispers.length, 2);
      for (const { text } of place.slack.whispers) assertMatch(text, /does not wait/);
    });

    it("a question, by a reply in the thread below the message", async () => {
      await using place = await open(asking);
      const id = await place.task();
      const [post] = place.slack.posts;
      const said = {
        user: "U0CHIEF",
        channel: "C0OPS",
        text: "<@U0OTTO> a &lt;b&gt; &amp; c",
        ts: "4100000900.000100",
        thread_ts: post.ts,
      };
      const ids = [
        await place.event({ type: "message", channel_type: "channel", ...said }),
        await place.event({ type: "app_mention", ...said }),
      ];
      await place.hear();
      const { events } = await theTask(place, id);
      const answers = events.filter((each: { kind: string }) => each.kind === "answered");
      assertEquals(answers.map((each: { data: unknown }) => each.data), [{
        text: "a <b> & c",
      }]);
      // Slack tells of it twice at once, and either may be heard first.
      const reasons = await Promise.all(
        ids.map(async (id) => (await place.get(`/api/messages/${id}`)).reason),
      );
      const first = reasons.findIndex((reason) => reason.endsWith(": answered"));
      assertStringIncludes(reasons[1 - first], `heard already, as message ${ids[first]}`);
      assertEquals(place.slack.whispers, []);
      assertEquals((await place.get("/api/tasks")).items.length, 1);
    });

    also(
      "a question in the thread where somebody asked Otto, which else is none of ours",
      async () => {
        await using place = await open(asking);
        const root = {
          user: "U0BOSS",
          channel: "C0TEAM",
          ts: "1700000500.000100",
        };
        const asked = await place.event({
          type: "app_mention",
          text: "<@U0OTTO> do it",
          ...root,
        });
        await place.workOff();
        const id = (await place.get(`/api/messages/${asked}`)).task_id;
        const reply = (text: string, ts: string) =>
          place.event({
            type: "app_mention",
            ...root,
            text,
            ts,
            thread_ts: root.ts,
          });
        await reply("<@U0OTTO> blue", "4100000501.000100");
        await place.hear();
        assertEquals((await theTask(place, id)).events.at(-1).kind, "answered");
        const more = await reply(
          "<@U0OTTO> and something else",
          "4100000502.000100",
        );
        await place.hear();
        assert(
          (await place.get(`/api/messages/${more}`)).task_id !== id,
          "a task of its own",
        );
      },
    );

    for (
      const [label, state] of [["Approve", "approved"], ["Deny", "denied"]]
    ) {
      it(`an approval, by the button ${label}`, async () => {
        await using place = await open(asking);
        const id = await waitingForApproval(place);
        assertMatch(
          JSON.stringify(place.slack.posts[0].blocks),
          /mail__send.*\\"to\\": \\"ops\\"/,
        );
        await place.click("U0BOSS", label);
        await place.hear();
        const { approvals, events } = await theTask(place, id);
        assertEquals([approvals[0].state, approvals[0].decided_by], [
          state,
          "slack:U0BOSS",
        ]);
        assertEquals([events.at(-1).kind, events.at(-1).actor], [
          state,
          "slack:U0BOSS",
        ]);
      });
    }

    also("an approval by a reply of one word, and by no other", async () => {
      await using place = await open(asking);
      const id = await waitingForApproval(place);
      const reply = (text: string, ts: string) =>
        place.event({
          type: "message",
          user: "U0BOSS",
          channel: "C0OPS",
          text,
          ts,
          thread_ts: place.slack.posts[0].ts,
        });
      await reply("sure, approve it all", "4100000901.000100");
      await place.hear();
      assertEquals((await theTask(place, id)).approvals[0].state, "pending");
      await reply("Approve!", "4100000902.000100");
      await place.hear();
      assertEquals(
        (await theTask(place, id)).approvals[0].decided_by,
        "slack:U0BOSS",
      );
    });

    also("no approval of a call that is too long to be seen", async () => {
      await using place = await open(asking);
      const id = await waitingForApproval(
        place,
        JSON.stringify({ body: "x".repeat(2_000) }),
      );
      const labels = place.slack.posts[0].blocks.flatMap((block) => block.elements ?? [])
        .map((element) => element.text?.text);
      assert(labels.includes("Deny") && !labels.includes("Approve"));
      const reply = async (text: string, ts: string) => {
        const { ts: thread_ts } = place.slack.posts[0];
        const said = { type: "message", user: "U0BOSS", channel: "C0OPS", text, ts, thread_ts };
        await place.event(said);
        await place.hear();
        return (await theTask(place, id)).approvals[0].state;
      };
      assertEquals(await reply("approve", "4100000906.000100"), "pending");
      assertMatch(place.slack.whispers[0].text, /too long to be shown here/);
      assertEquals(await reply("deny", "4100000907.000100"), "denied");
    });

    also("a call whose hidden characters are shown as what they are", async () => {
      await using place = await open(asking);
      await waitingForApproval(place, JSON.stringify({ to: "a\u202emoc\u200b@b" }));
      assertMatch(
        JSON.stringify(place.slack.posts[0].blocks),
        /a\\\\u202emoc\\\\u200b@b/,
      );
    });

    it("nobody who is not named as an approver", async () => {
      await using place = await open(asking);
      const id = await waitingForApproval(place);
      await place.click("U0STRANGER", "Approve");
      await place.event({
        type: "message",
        user: "U0STRANGER",
        channel: "C0OPS",
        text: "approve",
        ts: "4100000903.000100",
        thread_ts: place.slack.posts[0].ts,
      });
      await place.workOff();
      assertEquals((await theTask(place, id)).approvals[0].state, "pending");
      assertEquals(
        place.slack.whispers.map(({ channel, user }) => [channel, user]),
        [
          ["C0OPS", "U0STRANGER"],
          ["C0OPS", "U0STRANGER"],
        ],
      );
      assertMatch(place.slack.whispers[0].text, /SLACK_APPROVERS/);
      assertEquals(place.slack.posts.length, 1);
      assertEquals((await place.get("/api/tasks")).items.length, 1);
    });

    also("a failure with another start", async () => {
      await using place = await open(failing);
      const id = await place.task();
      await place.click("U0BOSS", "Retry");
      await place.workOff();
      const { events } = await theTask(place, id);
      const retried = events.find((each: { kind: string }) => each.kind === "retried");
      assertEquals(retried.actor, "slack:U0BOSS");
      assertEquals(
        events.filter((each: { kind: string }) => each.kind === "failed")
          .length,
        2,
      );
    });

    also("a click on what is over with a word to the one who clicked", async () => {
      await using place = await open(asking);
      const id = await waitingForApproval(place);
      await place.otto.ask(`/api/tasks/${id}/cancel`, { method: "POST" });
      await place.click("U0BOSS", "Approve");
      await place.workOff();
      assertEquals((await theTask(place, id)).status, "cancelled");
      assertMatch(
        place.slack.whispers[0].text,
        /does not wait any more: it is withdrawn/,
      );
    });

    it("nothing to its own messages, however Slack tells of them", async () => {
      await using place = await open(failing);
      await place.task();
      const own = {
        type: "message",
        text: "Failed",
        ts: place.slack.posts[0].ts,
        channel: "C0OPS",
      };
      const { user_id: user, bot_id } = SELF;
      const unknownSelf = { authorizations: [], api_app_id: undefined };
      const events: [Record<string, unknown>, Record<string, unknown>?][] = [
        [{ ...own, user, bot_id, app_id: "A0OTTO" }],
        [{ ...own, subtype: "bot_message", bot_id }, unknownSelf],
        [{
          ...own,
          bot_id: "B0OTHER",
          bot_profile: { id: "B0OTHER", app_id: "A0OTTO" },
        }],
        [{
          type: "message",
          subtype: "message_changed",
          channel: "C0OPS",
          message: { ...own, user },
        }],
        [{
          type: "message",
          subtype: "message_changed",
          channel: "C0OPS",
          message: { ...own, bot_id, user: "U0LATER" },
        }, unknownSelf],
        [{
          type: "message",
          subtype: "message_deleted",
          channel: "C0OPS",
          previous_message: { ...own, app_id: "A0OTTO" },
        }],
        [{ ...own, user, bot_id, ts: "4100000904.000100", thread_ts: own.ts }],
      ];
      for (const [event, envelope] of events) {
        const id = await place.event(event, envelope);
        await place.workOff();
        const { state, reason, task_id } = await place.get(
          `/api/messages/${id}`,
        );
        assertEquals([state, reason, task_id], [
          "filtered",
          "Otto's own message in Slack",
          null,
        ]);
      }
      assertEquals((await place.get("/api/tasks")).items.length, 1);
      assertEquals(place.slack.posts.length, 1);
    });

    also("no bot that may be itself, as long as Slack does not say who it is", async () => {
      await using place = await open(asking);
      place.slack.always("auth.test", { status: 503 });
      const said = { type: "message", channel: "C0OPS", text: "hi", bot_id: "B0ANY" };
      const unknownSelf = { authorizations: [] };
      const unknown = await place.event({ ...said, ts: "4100000910.000100" }, unknownSelf);
      const other = await place.event(
        { ...said, app_id: "A0OTHER", ts: "4100000911.000100" },
        unknownSelf,
      );
      await place.workOff();
      assert((await place.get(`/api/messages/${other}`)).task_id, "surely another app's");
      assertEquals((await place.get(`/api/messages/${unknown}`)).state, "new");
      const { database } = place.otto.services;
      await database.query("pass time", (sql) =>
        sql`
          update messages set lease_until = null, claimed_at = claimed_at - interval '11 minutes'
          where state = 'new'`);
      await place.workOff();
      const { state, reason, task_id } = await place.get(`/api/messages/${unknown}`);
      assertEquals([state, task_id], ["filtered", null]);
      assertMatch(reason, /Slack did not say for ten minutes who Otto is/);
    });

    it("a bot in the thread with silence, and other people's events with tasks", async () => {
      await using place = await open(asking);
      const id = await place.task();
      const bot = {
        type: "message",
        subtype: "bot_message",
        bot_id: "B0OTHER",
        channel: "C0OPS",
      };
      const inside = await place.event({
        ...bot,
        text: "approve",
        ts: "4100000905.000100",
        thread_ts: place.slack.posts[0].ts,
      });
      const outside = await place.event({
        ...bot,
        text: "Deployed",
        ts: "4100000906.000100",
      });
      const mention = await place.event({
        type: "app_mention",
        user: "U0ADA",
        channel: "C0OPS",
        text: "<@U0OTTO> hi",
        ts: "4100000907.000100",
      });
      await place.workOff();
      assertMatch(
        (await place.get(`/api/messages/${inside}`)).reason,
        /bots are not obeyed/,
      );
      assertEquals((await theTask(place, id)).status, "waiting_input");
      for (const other of [outside, mention]) {
        assert(
          (await place.get(`/api/messages/${other}`)).task_id,
          "a task of its own",
        );
      }
      assertEquals(place.slack.whispers, []);
    });

    it("what is nothing said with no task: edits, deletions, people who come", async () => {
      await using place = await open(asking);
      const id = await place.task();
      const said = {
        type: "message",
        user: "U0BOSS",
        text: "the blue one",
        ts: "1700000911.000100",
        thread_ts: place.slack.posts[0].ts,
      };
      const event = { type: "message", channel: "C0OPS", ts: "1700000912.000100" };
      const unsaid = [
        { ...event, subtype: "message_changed", message: said, previous_message: said },
        { ...event, subtype: "message_deleted", previous_message: said },
        { ...event, subtype: "message_replied", message: said },
        { ...event, subtype: "channel_join", user: "U0ADA", text: "<@U0ADA> has joined" },
      ];
      for (const each of unsaid) {
        const messageId = await place.event(each);
        await place.workOff();
        const { state, reason } = await place.get(`/api/messages/${messageId}`);
        assertEquals([state, reason], [
          "filtered",
          `Nothing new is said in Slack: ${each.subtype}`,
        ]);
      }
      assertEquals((await theTask(place, id)).status, "waiting_input");
      const plain = await place.event({ ...event, user: "U0ADA", text: "hello" });
      await place.workOff();
      assert((await place.get(`/api/messages/${plain}`)).task_id, "a task of its own");
      assertEquals((await place.get("/api/tasks")).items.length, 2);
    });

    also("talk below a task that waits for nothing with silence", async () => {
      await using place = await open({
        name: "done",
        run: () => Promise.resolve({ status: "completed", text: "Done", data: null }),
      });
      await place.task();
      const id = await place.event({
        type: "message",
        user: "U0ADA",
        channel: "C0OPS",
        text: "thanks!",
        ts: "4100000908.000100",
        thread_ts: place.slack.posts[0].ts,
      });
      await place.workOff();
      assertMatch(
        (await place.get(`/api/messages/${id}`)).reason,
        /waits for nothing/,
      );
      assertEquals([place.slack.whispers.length, place.slack.posts.length], [
        0,
        1,
      ]);
    });
  });
}

suite("embedded", (agent) => openSlackOtto(ENV, { agent }), { few: true });

describeWith({ postgres: true }, "Slack with PostgreSQL", (servers) => {
  suite(
    "PostgreSQL",
    async (agent) =>
      openSlackOtto({
        ...ENV,
        DATABASE_URL: await servers.postgres.createDatabase(),
      }, { agent }),
  );

  it("link to the task's page, which has a form for the answer", async () => {
    const ADMIN_TOKEN = "a token of the test";
    await using place = await openSlackOtto({
      DATABASE_URL: await servers.postgres.createDatabase(),
      SLACK_CHANNELS: "*=C0OPS",
      PUBLIC_URL: "https://otto.example.com",
      SLACK_UNVERIFIED_TYPES: "demo",
      ADMIN_TOKEN,
    }, { agent: asking });
    await place.otto.send("demo", '{"title":"Hello"}', { "content-type": "application/json" });
    await place.otto.workOff();
    const [{ blocks }] = place.slack.posts;
    assertMatch(JSON.stringify(blocks), /To answer, open the task in Otto/);
    const [, path] = /<https:\/\/otto\.example\.com(\/[^|]*)\|Open in Otto>/
      .exec(JSON.stringify(blocks))!;
    const page = await place.otto.ask(path, {
      headers: { host: "otto.example.com", authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    assertEquals(page.status, 200);
    assertMatch(await page.text(), new RegExp(`<form method="post" action="${path}/answer"`));
  });

  it("hear a bot as soon as Slack says that it is another one", async () => {
    const env = { ...ENV, DATABASE_URL: await servers.postgres.createDatabase() };
    const said = { type: "message", channel: "C0OPS", text: "hi" };
    const before = await openSlackOtto(env, { agent: asking });
    const ids: string[] = [];
    try {
      before.slack.always("auth.test", { status: 503 });
      for (const bot_id of ["B0OTHER", SELF.bot_id]) {
        const ts = `170000091${ids.length}.000100`;
        ids.push(await before.event({ ...said, bot_id, ts }, { authorizations: [] }));
      }
      await before.workOff();
      await before.otto.services.database.query(
        "pass time",
        (sql) => sql`update messages set lease_until = null where state = 'new'`,
      );
    } finally {
      await before[Symbol.asyncDispose]();
    }
    await using after = await openSlackOtto(env, { agent: asking });
    await after.workOff();
    const [other, own] = await Promise.all(ids.map((id) => after.get(`/api/messages/${id}`)));
    assert(other.task_id, "a task of its own");
    assertEquals([own.state, own.reason], ["filtered", "Otto's own message in Slack"]);
  });
});

describe("without approvers", () => {
  it("there is nothing to press, and nobody is obeyed", async () => {
    await using place = await openSlackOtto({ SLACK_CHANNELS: "*=C0OPS" }, {
      agent: asking,
    });
    const id = await place.task();
    const { blocks, ts } = place.slack.posts[0];
    assertEquals(
      blocks.filter(({ type }) => type === "actions" || type === "input"),
      [],
    );
    await place.event({
      type: "message",
      user: "U0BOSS",
      channel: "C0OPS",
      text: "blue",
      ts: "4100000909.000100",
      thread_ts: ts,
    });
    await place.workOff();
    assertEquals((await theTask(place, id)).status, "waiting_input");
    assertEquals(place.slack.whispers.length, 1);
  });

  it("a forged click goes nowhere", async () => {
    await using place = await openSlackOtto(ENV, { agent: asking });
    const answer = await place.otto.ask("/webhook/slack", {
      method: "POST",
      body: new URLSearchParams({ payload: '{"type":"block_actions"}' })
        .toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": String(Math.floor(Date.now() / 1_000)),
        "x-slack-signature": `v0=${"0".repeat(64)}`,
      },
    });
    assertEquals(answer.status, 401);
    await answer.body?.cancel();
  });
});
