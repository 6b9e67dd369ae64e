import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { openSlackOtto } from "./otto.ts";
import { JSON_TYPE } from "../otto.ts";

const TOKEN = "a-token-of-gitlab";

describe("a message that nobody vouches for", () => {
  it("is not told in Slack where strangers can send, unless its type is listed", async () => {
    await using place = await openSlackOtto({
      HOST: "0.0.0.0",
      ADMIN_TOKEN: "a token of the admin",
      WEBHOOK_SECRET_GITLAB: TOKEN,
      SLACK_CHANNELS: "demo=C0DEMO,monitor=C0MONITOR,gitlab=C0CODE,*=C0REST",
      SLACK_UNVERIFIED_TYPES: "Monitor, stripe",
    });
    const { otto, slack } = place;
    const body = '{"title":"Hello"}';
    await otto.send("demo", body, JSON_TYPE);
    await otto.workOff();
    assertEquals(slack.posts.map((post) => post.channel), []);

    await otto.send("monitor", body, JSON_TYPE);
    await otto.workOff();
    await otto.send("gitlab", body, { ...JSON_TYPE, "x-gitlab-token": TOKEN });
    await otto.workOff();
    assertEquals(slack.posts.map((post) => post.channel), ["C0MONITOR", "C0CODE"]);

    // People see it all the same.
    const told = await otto.services.database.query(
      "read what was told",
      (sql) =>
        sql<{ channel: string }[]>`
        select n.channel from notifications n join tasks t on t.id = n.task_id
        join messages m on m.id = t.message_id where m.webhook_type = 'demo'`,
    );
    assertEquals(told.map(({ channel }) => channel), ["web"]);
  });
});
