import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { watchNeeds } from "../../lib/work/needs.ts";
import { ConfigError, readConfig } from "../../lib/config/config.ts";
import { assertThrows } from "@std/assert";
import { json, JSON_TYPE } from "../otto.ts";
import { openSlackOtto, type SlackOtto } from "../slack/otto.ts";

const EVIL = "<!channel> <https://evil.example|Click> & *now*";

async function fail({ otto }: SlackOtto, count: number, reason: string): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, (_, n) => otto.send("billing", `{"n":${n}}`, JSON_TYPE)),
  );
  await otto.workOff();
  await otto.services.database.query("fail tasks", (sql) =>
    sql`
    update tasks set status = 'failed', error_code = 'agent_failed', error_message = ${reason},
      finished_at = now() where message_id in ${sql(ids)}`);
  return ids;
}

/** What several workers do when their turn has come. */
async function turn(house: SlackOtto): Promise<void> {
  const { services } = house.otto;
  const anew = () =>
    services.database.query(
      "let turns pass",
      (sql) => sql`delete from settings where name like 'turn:%'`,
    );
  await anew();
  await Promise.all([watchNeeds(services), anew().then(() => watchNeeds(services))]);
  await house.passTime(5);
  await house.workOff();
}

const told = ({ slack }: SlackOtto, channel: string) =>
  slack.posts.filter((post) => post.channel === channel);
const shown = (post: unknown) => JSON.stringify(post);

describe("what needs somebody, told beyond the page", () => {
  it("is told once for a group, again when it has grown tenfold, and when it is over", async () => {
    await using house = await openSlackOtto({ NOTIFY_ROUTES: "failed=slack:C0FAILED" });
    // An agent's words are Markdown, and a sentence that is told is not.
    const first = await fail(house, 2, "# Found\n\nthe model answered **400**");
    await turn(house);
    await turn(house);
    assertEquals(told(house, "C0FAILED").length, 1);
    assertMatch(
      shown(told(house, "C0FAILED")[0]),
      /billing: 2 failed since [^#*]*: Found"/,
    );
    await fail(house, 5, "# Found\n\nthe model answered **400**");
    await turn(house);
    assertEquals(told(house, "C0FAILED").length, 1, "it has not grown by so much");
    await fail(house, 13, "# Found\n\nthe model answered **400**");
    await turn(house);
    assertMatch(shown(told(house, "C0FAILED")[1]), /Grown tenfold: billing: 20 failed/);
    await house.otto.services.database.query(
      "repair all",
      (sql) => sql`update tasks set status = 'completed', error_code = null`,
    );
    await turn(house);
    await turn(house);
    assertEquals(told(house, "C0FAILED").length, 3);
    assertMatch(shown(told(house, "C0FAILED")[2]), /Over, none of the last 24 hours is left/);
    assertEquals(first.length, 2);
  });

  it("waits for no counting of what came", async () => {
    await using house = await openSlackOtto({ NOTIFY_ROUTES: "*=slack:C0ALL" });
    const { services } = house.otto;
    await fail(house, 1, "no budget");
    await services.database.query(
      "make counting fail",
      (sql) => sql`alter table source_slots rename to source_slots_gone`,
    );
    await watchNeeds(services).catch(() => {});
    await house.passTime(5);
    await house.workOff();
    assertEquals(told(house, "C0ALL").length, 1);
  });

  it("goes where the most precise route leads, and nowhere else", async () => {
    await using house = await openSlackOtto({
      NOTIFY_ROUTES: "refused:gitlab=slack:C0GITLAB,*=slack:U0ALLOTHERS",
      WEBHOOK_SECRET_GITLAB: "right",
    });
    const { otto } = house;
    await otto.ask("/webhook/gitlab", {
      method: "POST",
      headers: { ...JSON_TYPE, "x-gitlab-token": "wrong" },
      body: "{}",
    });
    await otto.services.quarantine.idle();
    await fail(house, 1, EVIL);
    await turn(house);
    assertMatch(shown(told(house, "C0GITLAB")), /GitLab: 1 refused/);
    const [post, ...others] = told(house, "U0ALLOTHERS");
    assertEquals(others, []);
    assertEquals(post.text.includes("<!channel>"), false);
    assertMatch(shown(post.blocks), /"type":"plain_text"[^}]*<!channel>/);
    assertEquals(/mrkdwn/.test(shown(post.blocks)), false);
  });

  it("is told by nobody where no route is set, and the page says how to set one", async () => {
    await using house = await openSlackOtto();
    await fail(house, 1, "no budget");
    await turn(house);
    assertEquals(house.slack.posts.filter(({ text }) => /no budget/.test(text)).length, 0);
    assertMatch(await (await house.otto.ask("/routes")).text(), /NOTIFY_ROUTES=\*=slack:/);
  });

  it("is tried by a route: a marked test, whose outcome the page shows", async () => {
    await using house = await openSlackOtto({ NOTIFY_ROUTES: "silent:github=slack:C0GITHUB" });
    const { otto } = house;
    const page = await (await otto.ask("/routes?kind=silent&source=GitHub")).text();
    assertMatch(page, /silent:github<\/code>: Slack/);
    const post = (destination: string) =>
      otto.ask("/routes/try", {
        method: "POST",
        headers: { origin: "http://localhost:8000" },
        body: new URLSearchParams({ route: "silent:github", destination }),
      });
    const answer = await post("C0GITHUB");
    const path = answer.headers.get("location")!;
    assertMatch(await (await otto.ask(path)).text(), /on its way/);
    await house.passTime(5);
    await house.workOff();
    assertMatch(await (await otto.ask(path)).text(), /C0GITHUB<\/code>[^]*told/);
    assertMatch(shown(told(house, "C0GITHUB")), /A test of Otto's route/);
    assertEquals((await post("C0OTHER")).status, 404);
  });

  it("is not counted any more once somebody has seen it, until it grows", async () => {
    await using house = await openSlackOtto();
    const { otto } = house;
    await fail(house, 2, "no budget");
    const read = () => otto.get("/api/needs");
    const { count, troubles: [{ key, latest }] } = await read();
    assertEquals(count, 1);
    const page = await (await otto.ask("/")).text();
    assertMatch(page, /<title>\(1\) Otto/);
    const seen = await otto.ask("/api/needs/seen", {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify({ key, latest }),
    });
    assertEquals(await json(seen), { seen: true });
    assertEquals((await read()).count, 0);
    assertMatch(await (await otto.ask("/")).text(), /<title>Otto[^]*2 failed[^]*seen/);
    await fail(house, 1, "no budget");
    assertEquals((await read()).count, 1);
  });

  it("stops the start when a route is none", () => {
    for (
      const [route, wrong] of [
        ["refused=C0123", /NOTIFY_ROUTES must be pairs/],
        ["done=slack:C0123", /NOTIFY_ROUTES must be pairs/],
        ["*=slack:C0123", /SLACK_BOT_TOKEN is not set/],
      ] as const
    ) {
      assertThrows(() => readConfig({ NOTIFY_ROUTES: route }), ConfigError, undefined);
      try {
        readConfig({ NOTIFY_ROUTES: route });
      } catch (error) {
        assertMatch((error as Error).message, wrong);
      }
    }
  });
});
