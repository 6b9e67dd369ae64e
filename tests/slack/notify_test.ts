import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Agent, Outcome } from "../../lib/agent/agent.ts";
import { cancelTask } from "../../lib/task/task.ts";
import { newId } from "../../lib/store/id.ts";
import { TOKEN, type Trouble } from "../fakes/slack.ts";
import { describeWith } from "../servers/mod.ts";
import { openSlackOtto, type SlackOtto } from "./otto.ts";

const CHANNELS = { SLACK_CHANNELS: "demo=C0DEMO,github=C0CODE,*=C0REST" };
const SAY: Outcome = { status: "completed", text: "It is done.", data: null };
const agentThat = (run: Agent["run"]): Agent => ({ name: "test", run });

/** What is told where, and how that went: `[channel, destination, kind, state]`. */
async function tellings(
  { get }: SlackOtto,
  taskId: string,
): Promise<string[][]> {
  const { notifications } = await get(`/api/tasks/${taskId}`);
  return notifications.map((n: Record<string, string>) => [
    n.channel,
    n.destination,
    n.kind,
    n.state,
  ]).sort();
}

/** What /webhook/health says about Slack, if anything. */
async function outageCheck(
  { get }: SlackOtto,
): Promise<{ hint: string } | undefined> {
  const { checks } = await get("/webhook/health");
  return checks.find((check: { name: string }) => check.name === "slack");
}

const shownText = (post: { blocks: unknown[] }) => JSON.stringify(post.blocks);

/** @param few only what differs between stores, where opening one takes seconds. */
function suite(
  name: string,
  open: (...more: Parameters<typeof openSlackOtto>) => Promise<SlackOtto>,
  { few = false }: { few?: boolean } = {},
) {
  const some = <T>(list: T[]) => few ? list.slice(0, 1) : list;
  const also: (name: string, fn: () => Promise<void>) => void = few ? it.skip : it;

  describe(`a task in Slack (${name})`, () => {
    it("is told in the channel of its type, of its source, or of all others", async () => {
      await using place = await open(CHANNELS);
      for (const type of ["demo", "github", "stripe"]) await place.task(type);
      assertEquals(place.slack.posts.map((post) => post.channel), [
        "C0DEMO",
        "C0CODE",
        "C0REST",
      ]);
      assertMatch(place.slack.posts[0].text, /^Completed: demo: Hello$/);
    });

    it("has one message, which moves with it", async () => {
      let go = () => {};
      const gone = new Promise<void>((resolve) => go = resolve);
      let started = () => {};
      const running = new Promise<void>((resolve) => started = resolve);
      await using place = await open(CHANNELS, {
        agent: agentThat(async () => {
          started();
          await gone;
          return SAY;
        }),
      });
      const { otto, slack } = place;
      await otto.send("demo", '{"title":"Slow"}', {
        "content-type": "application/json",
      });
      const working = otto.workOff();
      await running;
      const { createWorker } = await import("../../lib/work/work.ts");
      const worker = createWorker(otto.services);
      await worker.tellPeople(new AbortController().signal);
      await otto.services.slack!.idle();
      assertMatch(slack.posts[0].text, /^Running: /);
      go();
      await working;
      await place.passTime(3);
      await place.workOff();
      assertMatch(slack.posts[0].text, /^Completed: /);
      assertMatch(shownText(slack.posts[0]), /It is done\./);
      assertEquals([slack.posts.length, slack.called("chat.update").length], [
        1,
        1,
      ]);
    });

    also("tells each outcome once in the outbox, in Slack and in the web UI", async () => {
      await using place = await open(CHANNELS);
      const id = await place.task();
      assertEquals(await tellings(place, id), [
        ["slack", "C0DEMO", "completed", "sent"],
        ["web", "web", "completed", "sent"],
      ]);
      assertEquals(place.slack.posts[0].metadata, {
        event_type: "otto_task",
        event_payload: { task_id: id },
      });
    });

    also("waits with an update for its time to come, however often it changes", async () => {
      await using place = await open(CHANNELS, {
        agent: agentThat(() => Promise.reject(new Error("no"))),
      });
      const { otto, slack } = place;
      const id = await place.task();
      assertMatch(slack.posts[0].text, /^Failed: demo: Hello \(no\)$/);
      // As if Otto's own three seconds were so long that no machine is too slow for them.
      await place.passTime(-1_000);
      for (let round = 0; round < 3; round++) {
        await otto.ask(`/api/tasks/${id}/retry`, { method: "POST" });
        await place.workOff();
      }
      assertEquals(slack.called("chat.update").length, 0);
      await place.passTime(1_003);
      await place.workOff();
      assertEquals(slack.called("chat.update").length, 1);
    });

    also("shows that it was cancelled, and tells nobody", async () => {
      await using place = await open(CHANNELS, {
        agent: agentThat(() => Promise.resolve({ status: "waiting_input", question: "Which?" })),
      });
      const id = await place.task();
      assertMatch(place.slack.posts[0].text, /^Waiting for you: /);
      await cancelTask(place.otto.services.database, { id, actor: "admin" });
      await place.passTime(3);
      await place.workOff();
      assertMatch(place.slack.posts[0].text, /^Cancelled: /);
      assertEquals(
        (await tellings(place, id)).filter(([channel]) => channel === "slack"),
        [
          ["slack", "C0DEMO", "waiting_input", "sent"],
        ],
      );
    });

    it("goes to the thread of the Slack message that it came from", async () => {
      await using place = await open(CHANNELS);
      const said = {
        type: "app_mention",
        user: "U0ADA",
        channel: "C0TEAM",
        text: "<@U0OTTO> hi",
      };
      await place.event({ ...said, ts: "1700000001.000100" });
      await place.event({
        ...said,
        ts: "1700000003.000100",
        thread_ts: "1700000002.000100",
      });
      await place.workOff();
      await place.passTime(2);
      await place.workOff();
      assertEquals(
        place.slack.posts.map(({ channel, thread_ts }) => [channel, thread_ts])
          .sort(),
        [["C0TEAM", "1700000001.000100"], ["C0TEAM", "1700000002.000100"]],
      );
    });

    it("goes to its assignee when there is no channel, once they are known to Slack", async () => {
      await using place = await open();
      const { otto, slack } = place;
      const headers = { "content-type": "application/json" };
      const person = async (user: Record<string, string>) =>
        (await (await otto.ask("/api/users", {
          method: "POST",
          headers,
          body: JSON.stringify(user),
        })).json()).id;
      const ann = await person({
        email: "ann@example.com",
        name: "Ann",
        slack_id: "U0ANN",
      });
      const bob = await person({ email: "bob@example.com", name: "Bob" });
      const eve = await person({ email: "eve@example.com", name: "Eve" });
      slack.people.set("bob@example.com", "U0BOB");
      for (const assigned_to of [ann, bob, eve]) {
        const id = await place.task();
        assertEquals(
          (await tellings(place, id)).length,
          1,
          "told in the web UI alone",
        );
        await otto.ask(`/api/tasks/${id}`, {
          method: "PATCH",
          headers,
          body: JSON.stringify({ assigned_to }),
        });
        await place.passTime(2);
        await place.workOff();
      }
      assertEquals(slack.posts.map((post) => post.channel), [
        "DU0ANN",
        "DU0BOB",
      ]);
      assertEquals(slack.called("users.lookupByEmail").length, 2);
      assertEquals((await place.get(`/api/users/${bob}`)).slack_id, "U0BOB");
      assertEquals((await place.get("/webhook/stats")).dead_notifications, []);
    });

    also("never takes a destination, a ping or a link from a payload", async () => {
      await using place = await open(CHANNELS, {
        agent: agentThat(() =>
          Promise.resolve({
            ...SAY,
            text: "<!channel> <https://evil.example|ok>\n*bold*",
          })
        ),
      });
      await place.task("demo", {
        title: "<!channel> <@U0ADA> <https://evil.example|Deploy ok> & more",
        channel: "C0EVIL",
        slack: { channel: "C0EVIL", thread_ts: "1700000001.000100" },
      });
      const [post] = place.slack.posts;
      assertEquals(post.channel, "C0DEMO");
      assertEquals(
        post.text,
        "Completed: demo: &lt;!channel&gt; &lt;@U0ADA&gt; &lt;https://evil.example|Deploy ok&gt; &amp; more",
      );
      for (const block of post.blocks) {
        for (const text of [block.text, ...block.elements ?? []]) {
          if (text?.type === "mrkdwn") {
            assert(!/evil|channel/.test(text.text), text.text);
          }
        }
      }
      const [{ args }] = place.slack.called("chat.postMessage");
      assertEquals([
        args.link_names,
        args.parse,
        args.unfurl_links,
        args.unfurl_media,
      ], [
        false,
        "none",
        false,
        false,
      ]);
    });

    also("keeps to Slack's limits, however long its texts are", async () => {
      await using place = await open(CHANNELS, {
        agent: agentThat(() => Promise.resolve({ ...SAY, text: "👩‍👩‍👧‍👦&<".repeat(20_000) })),
      });
      await place.task("demo", { title: "👩‍👩‍👧‍👦".repeat(1_000) });
      assertEquals([
        place.slack.posts.length,
        place.slack.called("chat.postMessage").length,
      ], [
        1,
        1,
      ]);
      assert(shownText(place.slack.posts[0]).isWellFormed());
    });

    also("is sent once more without blocks when it is them that Slack refuses", async () => {
      await using place = await open(CHANNELS);
      place.slack.next("chat.postMessage", { error: "invalid_blocks" });
      const id = await place.task();
      const [first, second] = place.slack.called("chat.postMessage");
      assert(first.args.blocks && !second.args.blocks);
      assertMatch(second.args.text, /^Completed: demo: Hello\n/);
      assertEquals((await tellings(place, id))[0][3], "sent");
    });

    for (
      const error of some([
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "cannot_reply_to_message",
        "message_limit_exceeded",
        "some_error_of_tomorrow",
      ])
    ) {
      it(`falls back to the web UI, with the reason, on ${error}`, async () => {
        await using place = await open(CHANNELS);
        place.slack.always("chat.postMessage", { error });
        const id = await place.task();
        assertEquals(await tellings(place, id), [
          ["slack", "C0DEMO", "completed", "dead"],
          ["web", "web", "completed", "sent"],
          ["web", "web", "slack_failed", "sent"],
        ]);
        const { notifications } = await place.get(`/api/tasks/${id}`);
        for (const { channel, kind, text, error: reason } of notifications) {
          if (channel === "slack") assertMatch(reason, new RegExp(`^${error}`));
          if (kind === "slack_failed") {
            assertMatch(
              text,
              new RegExp(`C0DEMO: ${error}.*Completed: demo: Hello`),
            );
          }
        }
        const page = await (await place.otto.ask("/")).text();
        assertMatch(page, new RegExp(error));
        assertEquals(await outageCheck(place), undefined);
      });
    }

    also("is told after all when a dead notification is tried again", async () => {
      await using place = await open(CHANNELS);
      place.slack.next("chat.postMessage", { error: "not_in_channel" });
      const id = await place.task();
      const { notifications } = await place.get(`/api/tasks/${id}`);
      const dead = notifications.find((n: { state: string }) => n.state === "dead");
      await place.otto.ask(`/api/notifications/${dead.id}/retry`, {
        method: "POST",
      });
      await place.passTime(3);
      await place.workOff();
      assertEquals((await tellings(place, id))[0], [
        "slack",
        "C0DEMO",
        "completed",
        "sent",
      ]);
      assertEquals(place.slack.posts.length, 1);
    });

    const passing: [string, Trouble][] = [
      ["an answer of 503", { status: 503 }],
      ["an answer that is not JSON", { status: 502, text: "<html>" }],
      ["internal_error", { error: "internal_error" }],
      ["fatal_error", { error: "fatal_error" }],
      ["service_unavailable", { error: "service_unavailable" }],
      ["request_timeout", { error: "request_timeout" }],
      ["team_added_to_org", { error: "team_added_to_org" }],
      ["a connection that breaks", { reset: "before" }],
    ];
    for (const [what, trouble] of some(passing)) {
      it(`is tried again after ${what}`, async () => {
        await using place = await open(CHANNELS);
        place.slack.next("chat.postMessage", trouble, trouble);
        const id = await place.task();
        assertEquals((await tellings(place, id))[0], [
          "slack",
          "C0DEMO",
          "completed",
          "pending",
        ]);
        for (let round = 0; round < 2; round++) {
          await place.passTime(10);
          await place.workOff();
        }
        assertEquals((await tellings(place, id))[0], [
          "slack",
          "C0DEMO",
          "completed",
          "sent",
        ]);
        assertEquals(place.slack.posts.length, 1);
      });
    }

    it("waits as long as Slack asks, and does not count it as a try", async () => {
      await using place = await open(CHANNELS);
      place.slack.next("chat.postMessage", { status: 429, retryAfter: 30 });
      const id = await place.task();
      await place.task("github");
      assertEquals(
        place.slack.called("chat.postMessage").length,
        1,
        "other channels wait too",
      );
      await place.passTime(29);
      await place.workOff();
      assertEquals(place.slack.called("chat.postMessage").length, 1);
      await place.passTime(1.5);
      await place.workOff();
      assertEquals(place.slack.posts.length, 2);
      const { notifications } = await place.get(`/api/tasks/${id}`);
      assertEquals(
        notifications.find((n: { channel: string }) => n.channel === "slack")
          .attempts,
        1,
      );
    });

    it("is not posted again when only the answer was lost", async () => {
      await using place = await open(CHANNELS);
      place.slack.next("chat.postMessage", { reset: "after" });
      const id = await place.task();
      assertEquals(place.slack.posts.length, 1);
      await place.passTime(10);
      await place.workOff();
      assertEquals((await tellings(place, id))[0], [
        "slack",
        "C0DEMO",
        "completed",
        "sent",
      ]);
      assertEquals(place.slack.called("chat.postMessage").length, 1);
    });

    const halfway: Trouble[] = [
      { status: 503, taken: true },
      { error: "internal_error", taken: true },
      { error: "fatal_error", taken: true },
      { error: "request_timeout", taken: true },
    ];
    for (const trouble of halfway) {
      const { status, error } = trouble as { status?: number; error?: string };
      also(`is looked for before it is posted again after ${error ?? status}`, async () => {
        await using place = await open(CHANNELS);
        place.slack.always("chat.postMessage", trouble);
        const id = await place.task();
        for (let round = 0; round < 3; round++) {
          await place.passTime(30);
          await place.workOff();
        }
        assertEquals((await tellings(place, id))[0], ["slack", "C0DEMO", "completed", "sent"]);
        assertEquals(place.slack.posts.length, 1);
      });
    }

    also(
      "is posted at most once more when Slack does not let us look for a lost answer",
      async () => {
        await using place = await open(CHANNELS);
        place.slack.always("conversations.history", {
          error: "missing_scope",
          needed: "channels:history",
        });
        place.slack.next("chat.postMessage", { reset: "after" });
        const id = await place.task();
        for (let round = 0; round < 3; round++) {
          await place.passTime(60);
          await place.workOff();
        }
        assertEquals((await tellings(place, id))[0], [
          "slack",
          "C0DEMO",
          "completed",
          "sent",
        ]);
        assertEquals(place.slack.called("chat.postMessage").length, 2);
        assertEquals(await outageCheck(place), undefined);
      },
    );

    it("has what its agent says on the way below it, or in another channel", async () => {
      await using place = await open(CHANNELS);
      const id = await place.task();
      const say = (destination: string) =>
        place.otto.services.database.query("say", (sql) =>
          sql`
            insert into notifications (id, cause, task_id, channel, destination, kind, text)
            values (${newId()}, ${"agent_call:" + destination}, ${id}, 'slack', ${destination},
              'note', 'Half way <!here>')`);
      await say("C0DEMO");
      await say("C0OTHER");
      place.slack.next("chat.postMessage", { reset: "after" });
      for (let round = 0; round < 3; round++) {
        await place.passTime(10);
        await place.otto.services.database.query(
          "pass time",
          (sql) => sql`update notifications set lease_until = null where state = 'pending'`,
        );
        await place.workOff();
      }
      const [shown, ...notes] = place.slack.posts;
      assertEquals(
        notes.map(({ channel, thread_ts, text }) => [channel, thread_ts, text])
          .sort(),
        [["C0DEMO", shown.ts, "Half way &lt;!here&gt;"], [
          "C0OTHER",
          undefined,
          "Half way &lt;!here&gt;",
        ]],
      );
      assertEquals(
        (await tellings(place, id)).filter(([, , kind]) => kind === "note"),
        [
          ["slack", "C0DEMO", "note", "sent"],
          ["slack", "C0OTHER", "note", "sent"],
        ],
      );
    });

    const unheard: [string, Trouble, number, string][] = [
      ["cannot say now whether it took it", { status: 503 }, 1, "pending"],
      ["does not let us look for it", { error: "missing_scope" }, 3, "dead"],
    ];
    for (const [what, trouble, posts, state] of unheard) {
      also(`has a note ${posts} times at most when Slack ${what}`, async () => {
        await using place = await open(CHANNELS);
        const id = await place.task();
        const { database } = place.otto.services;
        await database.query("say", (sql) =>
          sql`
            insert into notifications (id, cause, task_id, channel, destination, kind, text)
            values (${newId()}, 'agent_call:x', ${id}, 'slack', 'C0OTHER', 'note', 'Half way')`);
        place.slack.always("chat.postMessage", { status: 503, taken: true });
        place.slack.always("conversations.history", trouble);
        for (let round = 0; round < 5; round++) {
          await place.passTime(10);
          await database.query(
            "pass time",
            (sql) => sql`update notifications set lease_until = null where state = 'pending'`,
          );
          await place.workOff();
        }
        assertEquals(
          place.slack.posts.filter(({ channel }) => channel === "C0OTHER").length,
          posts,
        );
        assertEquals(
          (await tellings(place, id)).filter(([, , kind]) => kind === "note"),
          [["slack", "C0OTHER", "note", state]],
        );
      });
    }

    also("shows what its agent wrote as Markdown without the marks of that", async () => {
      const text = [
        "## What *happened*",
        "",
        "- **Source:** `a_b` \\[c\\]",
        "  1. see [the docs](https://example.com/d_e)",
        "",
        "| Name | Count |",
        "|:-----|------:|",
        "| ~~a~~\\|b | 1 |",
        "| c |  |",
        "",
        "> <script> & [x](javascript:alert(1))",
        "",
        "```json",
        '{"a": "*b*"}',
        "```",
      ].join("\n");
      await using place = await open(CHANNELS, {
        agent: agentThat(() => Promise.resolve({ ...SAY, text })),
      });
      await place.task();
      const [post] = place.slack.posts;
      assertEquals(post.blocks[1].text, {
        type: "plain_text",
        emoji: false,
        text: [
          "What happened",
          "",
          "• Source: a_b [c]",
          "  1. see the docs (https://example.com/d_e)",
          "",
          "Name · Count",
          "a|b · 1",
          "c · –",
          "",
          "│ <script> & x (javascript:alert(1))",
          "",
          '{"a": "*b*"}',
        ].join("\n"),
      });
    });

    also("shows the digest without a mark or a backslash", async () => {
      await using place = await open(CHANNELS);
      await place.task("demo", { title: "a_b *c* [d](e) `f` #1" });
      const [post] = place.slack.posts;
      const shown = post.blocks[1].text.text;
      assertMatch(shown, /^demo: a_b \*c\* \[d\]\(e\) `f` #1\n\n• Source: demo\n/);
      assert(!/\\|\*\*|^#/m.test(shown), shown);
    });

    also("shows no secret whose parts a mark keeps from each other", async () => {
      const token = `ghp_${"a1B2".repeat(9)}`;
      await using place = await open(CHANNELS, {
        agent: agentThat(() =>
          Promise.resolve({ ...SAY, text: `${token.slice(0, 9)}**${token.slice(9)}**` })
        ),
      });
      await place.task();
      const [{ args }] = place.slack.called("chat.postMessage");
      assert(!JSON.stringify(args).includes(token.slice(9)), JSON.stringify(args.blocks));
    });

    also("shows no secret that it met", async () => {
      const token = `ghp_${"a1B2".repeat(9)}`;
      await using place = await open(CHANNELS, {
        agent: agentThat(() => Promise.resolve({ ...SAY, text: `${token} ${TOKEN}` })),
      });
      await place.task("demo", { title: `Leak of ${token}` });
      const [{ args }] = place.slack.called("chat.postMessage");
      assert(
        !JSON.stringify(args).includes(token) &&
          !JSON.stringify(args).includes(TOKEN),
      );
    });

    also("is posted anew when its message is gone", async () => {
      await using place = await open(CHANNELS, {
        agent: agentThat(() => Promise.reject(new Error("no"))),
      });
      const id = await place.task();
      place.slack.next("chat.update", { error: "cant_update_message" });
      await place.otto.ask(`/api/tasks/${id}/retry`, { method: "POST" });
      await place.passTime(3);
      await place.workOff();
      assertEquals(place.slack.posts.length, 2);
      assertEquals(
        (await tellings(place, id)).filter(([channel]) => channel === "slack")
          .length,
        2,
      );
    });

    it("shares a channel: one message in 1.1 seconds", async () => {
      await using place = await open(CHANNELS);
      const { otto, slack } = place;
      for (let number = 0; number < 4; number++) {
        await otto.send("demo", `{"title":"${number}"}`, {
          "content-type": "application/json",
        });
      }
      await place.workOff();
      for (let posted = 1; posted <= 4; posted++) {
        assertEquals(slack.posts.length, posted);
        await place.passTime(1.2);
        await place.workOff();
      }
    });

    for (
      const error of some([
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "missing_scope",
        "not_allowed_token_type",
        "team_access_not_granted",
        "two_factor_setup_required",
        "enterprise_is_restricted",
      ])
    ) {
      it(`stops calling, and says so, on ${error}`, async () => {
        await using place = await open(CHANNELS);
        place.slack.always("chat.postMessage", { error, needed: "chat:write" });
        const first = await place.task();
        await place.passTime(10);
        const second = await place.task();
        assertEquals(place.slack.called("chat.postMessage").length, 1);
        for (const id of [first, second]) {
          assertEquals(await tellings(place, id), [
            ["slack", "C0DEMO", "completed", "pending"],
            ["web", "web", "completed", "sent"],
          ]);
        }
        assertEquals((await place.get("/webhook/health")).status, "degraded");
        assertMatch((await outageCheck(place))!.hint, new RegExp(error));
        const { items } = await place.get("/api/notifications?unread=true");
        const said = items.find((n: { kind: string }) => n.kind === "slack_failed");
        assertMatch(said.text, new RegExp(`Slack takes no messages: ${error}`));
      });
    }
  });
}

suite("embedded", openSlackOtto, { few: true });

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  suite(
    "PostgreSQL",
    async (env = {}, more) =>
      openSlackOtto({
        DATABASE_URL: await servers.postgres.createDatabase(),
        ...env,
      }, more),
  );

  it("recovers in another process, with the right token", async () => {
    const DATABASE_URL = await servers.postgres.createDatabase();
    await using before = await openSlackOtto({ DATABASE_URL, ...CHANNELS });
    before.slack.always("auth.test", { error: "token_revoked" });
    const id = await before.task();
    assertEquals(before.slack.posts.length, 0);
    assertEquals((await before.get("/webhook/health")).status, "degraded");
    await using after = await openSlackOtto({ DATABASE_URL, ...CHANNELS });
    await after.passTime(60);
    await after.workOff();
    assertEquals((await tellings(after, id))[0], [
      "slack",
      "C0DEMO",
      "completed",
      "sent",
    ]);
    assertEquals(await outageCheck(after), undefined);
  });

  it("posts once in a place at a time, however many workers there are", async () => {
    const DATABASE_URL = await servers.postgres.createDatabase();
    await using one = await openSlackOtto({ DATABASE_URL, ...CHANNELS });
    await using two = await openSlackOtto({ DATABASE_URL, ...CHANNELS }, {
      slack: one.slack,
    });
    for (let number = 0; number < 6; number++) {
      await one.otto.send("demo", `{"n":${number}}`, {
        "content-type": "application/json",
      });
    }
    for (let posted = 1; posted <= 6; posted++) {
      await Promise.all([one.workOff(), two.workOff()]);
      assertEquals(one.slack.posts.length, posted);
      await one.passTime(1.2);
    }
    assertEquals(one.slack.called("chat.postMessage").length, 6);
  });
});
