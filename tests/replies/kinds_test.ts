import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { eventsOf } from "../agent/stage.ts";
import { GITHUB_TOKEN } from "../fakes/vendors/github.ts";
import { GITLAB_TOKEN } from "../fakes/vendors/gitlab.ts";
import { BOT_TOKEN } from "../fakes/vendors/telegram.ts";
import { API_SECRET, KEY } from "../fakes/vendors/twilio.ts";
import { SELF, TOKEN } from "../fakes/slack.ts";
import { KINDS } from "./kinds.ts";
import { openReplies, type ReplyStage, SAID } from "./stage.ts";

const AUTHORIZATIONS = {
  github: `Bearer ${GITHUB_TOKEN}`,
  gitlab: `Bearer ${GITLAB_TOKEN}`,
  twilio: `Basic ${btoa(`${KEY}:${API_SECRET}`)}`,
  telegram: null,
  slack: null,
};

describe("a reply", () => {
  let stage: ReplyStage;
  beforeAll(async () => void (stage = await openReplies()));
  afterAll(async () => await stage[Symbol.asyncDispose]());

  for (const { name, sender, payload, headers, path, body, to, echoes } of KINDS) {
    it(`to ${name} on ${sender} is one request, and what comes back of it makes no task`, async () => {
      const { vendors } = stage;
      vendors.said.length = vendors.calls.length = 0;
      stage.script();
      await stage.otto.services.database.query(
        "forget what was sent",
        (sql) => sql`with r as (delete from reply_rates) delete from replies`,
      );
      const { task_id } = await stage.send(sender, payload, headers);
      assertEquals(vendors.calls.length, 1);
      const [said, ...more] = vendors.said;
      assertEquals(more, []);
      assertEquals(said, {
        method: "POST",
        path: path.replace("•", BOT_TOKEN),
        body,
        authorization: AUTHORIZATIONS[sender],
      });
      assertMatch(stage.told(), /was sent\. Do not send it again/);
      const task = await stage.task(task_id);
      const [{ data }] = eventsOf(task, "replied");
      assertEquals([data.to, data.text, data.request_id], [to, SAID, "request-1"]);
      const [{ state, destination }] = await stage.outbox();
      assertEquals([state, destination], ["sent", to]);
      const page = await (await stage.otto.ask(`/tasks/${task_id}`)).text();
      assertStringIncludes(page, `Replied (${to})`);
      assert(!page.includes(BOT_TOKEN) && !page.includes(API_SECRET));
      for (const echo of echoes?.(1) ?? []) {
        const { state, reason, task_id: none } = await stage.send(
          sender,
          echo.payload,
          echo.headers,
        );
        assertEquals([state, reason, none], ["filtered", "our own reply, or its status", null]);
      }
      assertEquals(vendors.said.length, 1);
    });
  }

  it("to a thread in Slack is one message of plain text, and what comes back makes no task", async () => {
    const { slack } = stage;
    stage.script("<!channel> see <@U0BOSS> & https://example.com");
    const envelope = { type: "event_callback", team_id: "T0", api_app_id: "A0OTTO" };
    const { task_id } = await stage.send("slack", {
      ...envelope,
      event_id: "Ev1",
      event: {
        type: "app_mention",
        user: "U1",
        channel: "C1",
        ts: "1700000001.000100",
        text: "Hi",
      },
    });
    const sent = slack.called("chat.postMessage").filter(({ args }) =>
      args.metadata?.event_type === "otto_reply"
    );
    assertEquals(sent.map(({ args: { metadata: _, ...args } }) => args), [{
      channel: "C1",
      thread_ts: "1700000001.000100",
      text: "&lt;!channel&gt; see &lt;@U0BOSS&gt; &amp; https://example.com",
      parse: "none",
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    }]);
    assertEquals(eventsOf(await stage.task(task_id), "replied").length, 1);
    const post = slack.posts.find(({ text }) => text.startsWith("&lt;!channel"))!;
    const echo = await stage.send("slack", {
      ...envelope,
      event_id: "Ev2",
      event: {
        type: "message",
        user: SELF.user_id,
        bot_id: SELF.bot_id,
        channel: "C1",
        ts: post.ts,
        thread_ts: "1700000001.000100",
        text: "&lt;!channel&gt; see &lt;@U0BOSS&gt; &amp; <https://example.com>",
      },
    });
    assertEquals([echo.state, echo.task_id], ["filtered", null]);
    assert(!JSON.stringify(echo).includes(TOKEN));
  });
});
