import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Outcome } from "../../lib/agent/agent.ts";
import { testFolder } from "../folder.ts";
import { describeWith } from "../servers/mod.ts";
import { openSlackOtto, type SlackOtto } from "./otto.ts";

const RULES = { acme: { subject: { key: "{order}" }, later: "continue" } };
const ASKS: Outcome = { status: "waiting_input", question: "Refund it?" };

async function onSlack(
  env: Record<string, string>,
  run: (place: SlackOtto, tell: (text: string) => Promise<string>) => Promise<void>,
  outcomes: Outcome[] = [],
): Promise<void> {
  await using folder = await testFolder();
  await using place = await openSlackOtto({
    SLACK_CHANNELS: "acme=C0ACME",
    SLACK_APPROVERS: "U0GRACE",
    SOURCES_FILE: await folder.write("sources.json", RULES),
    ...env,
  }, { agent: { name: "test", run: () => Promise.resolve(outcomes.shift() ?? ASKS) } });
  await run(place, (text) => place.task("acme", { order: 7, text }));
}

/** Under which id the answer's field stands. */
const fieldIn = ({ slack: { posts: [{ blocks }] } }: SlackOtto) =>
  (blocks as { block_id?: string }[]).find(({ block_id }) => block_id?.startsWith("answer_"))
    ?.block_id;

const shownIn = (place: SlackOtto) => JSON.stringify(place.slack.posts[0].blocks);

function suite(env: () => Promise<Record<string, string>>): void {
  it("are counted in its one post, and beside what people are asked", async () =>
    await onSlack(await env(), async (place, tell) => {
      const id = await tell("First");
      assertMatch(shownIn(place), /Refund it\?/);
      assert(!/newer message|\+\d/.test(shownIn(place)), "nothing has come yet");
      const field = fieldIn(place);
      assertEquals(await tell("Second"), id);
      await place.passTime(3);
      await place.workOff();
      assertMatch(shownIn(place), /1 newer message since this was asked/);
      assertMatch(shownIn(place), /\+1 message"/);
      const third = await place.otto.send("acme", '{"order":7,"text":"Third"}', {
        "content-type": "application/json",
      });
      await place.otto.workOff();
      await place.passTime(3);
      await place.workOff();
      assertMatch(shownIn(place), /2 newer messages since this was asked/);
      assertMatch(shownIn(place), /\+2 messages"/);
      assertEquals(fieldIn(place), field, "what somebody has typed so far is lost");
      // The question with its buttons stays, and below the news of it.
      const blocks = place.slack.posts[0].blocks as { block_id?: string }[];
      const news = blocks.findIndex((block) => JSON.stringify(block).includes("newer messages"));
      assert(news < blocks.findIndex(({ block_id }) => block_id?.startsWith("answer_")));
      const page = await (await place.otto.ask(`/tasks/${id}`)).text();
      assertMatch(page, /2 newer messages since this was asked/);
      assertEquals((await place.get(`/api/tasks/${id}`)).unread, 2);
      assertEquals(place.slack.posts.length, 1, "no post of its own");
      // What leaves the task is not counted any more.
      await place.otto.ask(`/api/messages/${third}/detach`, { method: "POST" });
      for (let round = 0; round < 2; round++) {
        await place.otto.workOff();
        await place.passTime(3);
      }
      await place.workOff();
      assertMatch(
        JSON.stringify(place.slack.posts.map(({ blocks }) => blocks)),
        /1 newer message since/,
      );
    }));

  it("cost one edit, however many come within its pace, and ring nobody anew", async () =>
    await onSlack(await env(), async (place, tell) => {
      const id = await tell("First");
      await place.passTime(-1_000);
      for (let number = 0; number < 12; number++) await tell(`Later ${number}`);
      assertEquals(place.slack.called("chat.update").length, 0);
      await place.passTime(1_003);
      await place.workOff();
      assertEquals(place.slack.called("chat.update").length, 1);
      assertMatch(shownIn(place), /\+12 messages"/);
      const { notifications } = await place.get(`/api/tasks/${id}`);
      assertEquals(
        notifications.filter(({ channel }: { channel: string }) => channel === "slack").length,
        1,
      );
    }));

  it("that it ends without having read are shown beside it, as the next task", async () =>
    await onSlack(await env(), async (place, tell) => {
      const id = await tell("First");
      await tell("Second");
      await place.otto.ask(`/api/tasks/${id}/answer`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"text":"Yes"}',
      });
      for (let round = 0; round < 3; round++) {
        await place.otto.workOff();
        await place.passTime(3);
      }
      await place.workOff();
      const [done, next] = place.slack.posts.map(({ channel, blocks }) => ({
        channel,
        text: JSON.stringify(blocks),
      }));
      assertMatch(done.text, /Refunded/);
      assertMatch(next.text, /Refund it\?/);
      assertEquals([done.channel, next.channel], ["C0ACME", "C0ACME"]);
    }, [ASKS, { status: "completed", text: "Refunded", data: null }]));
}

describe("later messages of a task in Slack", () => suite(() => Promise.resolve({})));

describeWith({ postgres: true }, "later messages of a task in Slack, on PostgreSQL", (servers) => {
  suite(async () => ({ DATABASE_URL: await servers.postgres.createDatabase(), WORKER: "inline" }));
});
