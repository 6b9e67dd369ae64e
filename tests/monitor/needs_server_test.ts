import { assertEquals, assertMatch } from "@std/assert";
import { it } from "@std/testing/bdd";
import { TOKEN } from "../fakes/slack.ts";
import { watchNeeds } from "../../lib/work/needs.ts";
import { noteServing } from "../../lib/monitor/silence/unheard.ts";
import { readNeeds } from "../../lib/monitor/needs/needs.ts";
import { openOtto } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";

describeWith({ postgres: true }, "what needs somebody, with several workers", (servers) => {
  it("is put into the outbox once, and a silence raised once", async () => {
    const env = {
      DATABASE_URL: await servers.postgres.createDatabase(),
      SLACK_BOT_TOKEN: TOKEN,
      SLACK_API_URL: "http://127.0.0.1:9",
      NOTIFY_ROUTES: "*=slack:C0ALL",
      TIMEZONE: "Europe/Berlin",
    };
    await using one = await openOtto(env);
    await using other = await openOtto(env);
    const { database } = one.services;
    const id = await one.send("billing", "{}", { "content-type": "application/json" });
    await one.workOff();
    await database.query("fail a task", (sql) =>
      sql`
      update tasks set status = 'failed', error_code = 'agent_failed', error_message = 'no budget',
        finished_at = now() where message_id = ${id}`);
    await database.query("remember weeks", (sql) =>
      sql`
      with slots as (
        insert into source_slots
        select 'github', slot, 2 from generate_series(date_bin('10 minutes', now(), 'epoch')
          - interval '30 days', now() - interval '4 hours', interval '10 minutes') as slot
      )
      insert into heard_sources (source, first_at, last_at)
      values ('github', now() - interval '30 days', now() - interval '4 hours')`);
    await noteServing(database);
    const anew = () =>
      database.query(
        "let turns pass",
        (sql) => sql`delete from settings where name like 'turn:%'`,
      );
    for (let round = 0; round < 3; round++) {
      await anew();
      await Promise.all([
        watchNeeds(one.services),
        watchNeeds(other.services),
        anew().then(() => watchNeeds(other.services)),
        anew().then(() => watchNeeds(one.services)),
      ]);
    }
    const told = await database.query("read the outbox", (sql) =>
      sql<{ text: string }[]>`
      select text from notifications where kind = 'need' order by text`);
    assertEquals(told.length, 2);
    assertMatch(told[0].text, /^GitHub has sent nothing since .*\. In these hours it sent/);
    assertMatch(told[1].text, /^billing: 1 failed since .*: no budget/);
    assertEquals((await readNeeds(database)).silences.length, 1);
  });
});
