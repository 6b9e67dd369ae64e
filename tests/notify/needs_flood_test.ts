import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readNeeds } from "../../lib/monitor/needs/needs.ts";
import { tellNeeds } from "../../lib/monitor/needs/tell.ts";
import { listUntold } from "../../lib/monitor/needs/untold.ts";
import { endSilences, raiseSilence } from "../../lib/monitor/silence/silence.ts";
import { createWorker } from "../../lib/work/work.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

/** Failed messages of some types, `minutes` ago. */
async function fail(
  { services: { database } }: Otto,
  { types, source = "generic", reason = "no budget", minutes = 0 }: {
    types: string[];
    source?: string;
    reason?: string;
    minutes?: number;
  },
): Promise<void> {
  await database.query("have failures", (sql) =>
    sql`
    insert into messages (id, webhook_type, source, verification, size, received_at, state, error,
      settled_at)
    select gen_random_uuid(), type, ${source}, 'unverified', 2, now(), 'failed', ${reason},
      now() - make_interval(mins => ${minutes}::int)
    from json_array_elements_text(${JSON.stringify(types)}::text::json) as t(type)`);
}

const tell = ({ services: { database } }: Otto) =>
  tellNeeds({
    database,
    routes: new Map([["*", ["C0ALL"]]]),
    labelOf: (source) => source,
    timeZone: "UTC",
  });

/** What was told since the last time. */
async function said({ services: { database } }: Otto): Promise<string[]> {
  const rows = await database.query(
    "read and forget",
    (sql) => sql<{ text: string }[]>`delete from notifications where kind = 'need' returning text`,
  );
  return rows.map(({ text }) => text);
}

const pass = ({ services: { database } }: Otto, minutes: number) =>
  database.query("let time pass", (sql) =>
    sql`
    with groups as (
      update need_groups set told_at = told_at - make_interval(mins => ${minutes}::int),
        began_at = began_at - make_interval(mins => ${minutes}::int)
    )
    update messages set settled_at = settled_at - make_interval(mins => ${minutes}::int)`);

describe("many that need somebody", () => {
  it("are one group whatever the URL called their source", async () => {
    await using otto = await openOtto();
    await fail(otto, { types: ["github", "GitHub", "gItHub"], source: "github" });
    await fail(otto, { types: ["gitea", "forgejo"], source: "gitea" });
    await fail(otto, { types: ["Shop", "shop"] });
    const { troubles } = await readNeeds(otto.services.database);
    assertEquals(
      troubles.map(({ source, count }) => [source, count]).sort(),
      [["gitea", 2], ["github", 3], ["shop", 2]],
    );
  });

  it("are told once where they come each hour, and said to be quiet once", async () => {
    await using otto = await openOtto();
    const texts: string[] = [];
    for (let hour = 0; hour < 6; hour++) {
      await fail(otto, { types: ["billing"] });
      await tell(otto);
      await pass(otto, 61);
      await tell(otto);
      texts.push(...await said(otto));
    }
    assertEquals(texts.length, 2, texts.join("\n"));
    assertMatch(texts[0], /^billing: 1 failed/);
    assertMatch(texts[1], /^Nothing new for 1 h 1 min: billing: 1 failed.*still wait/);
    await pass(otto, 25 * 60);
    await tell(otto);
    await fail(otto, { types: ["billing"] });
    await tell(otto);
    assertMatch((await said(otto)).join("\n"), /^billing: 1 failed[^\n]*$/, "a new one");
  });

  it("stay due when they are too many for an hour, and endings take no place", async () => {
    await using otto = await openOtto();
    await fail(otto, { types: Array.from({ length: 25 }, (_, n) => `sender${n}`) });
    await tell(otto);
    const first = await said(otto);
    assertEquals(first.filter((text) => /^sender/.test(text)).length, 20);
    assertEquals(first.filter((text) => /^More than 20 kinds/.test(text)).length, 1);
    await tell(otto);
    assertEquals(await said(otto), []);
    await pass(otto, 61);
    await tell(otto);
    const later = await said(otto);
    assertEquals(later.filter((text) => /^sender/.test(text)).length, 5);
    assertEquals(later.filter((text) => /^Nothing new/.test(text)).length, 20);
    await fail(otto, { types: ["billing"] });
    await tell(otto);
    assertMatch((await said(otto)).join("\n"), /^billing: 1 failed/);
  });

  it("are said to be at least so many where a part was looked at, or kept", async () => {
    await using otto = await openOtto();
    await fail(otto, { types: Array(700).fill("billing") });
    await fail(otto, { types: Array(600).fill("shop"), reason: "gone" });
    const { troubles } = await readNeeds(otto.services.database);
    assertEquals(troubles.map(({ is_more }) => is_more), [true, true]);
    const page = await (await otto.ask("/")).text();
    assertMatch(page, /at least \d+ failed/);
    const [, act] = page.match(/href="(\/messages\/many\?[^"]+)">Retry[^<]*the newest 50/)!;
    assertEquals(new URLSearchParams(act.replaceAll("&amp;", "&").split("?")[1]).size, 50);
  });

  it("are questions, each of them counted that nobody was told of", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    for (let n = 0; n < 12; n++) await otto.send(n < 11 ? "shop" : "desk", `{"n":${n}}`, JSON_TYPE);
    await otto.workOff();
    await database.query("ask", (sql) =>
      sql`
      update tasks set status = 'waiting_input', question = 'Which one?', title = 'Choose'`);
    assertEquals(
      (await listUntold(database)).map(({ source, count }) => [source, count]),
      [["shop", 11], ["desk", 1]],
    );
    await tell(otto);
    assertMatch((await said(otto)).sort().join("\n"), /^desk: a task waits.*\nshop: 11 tasks wait/);
  });

  it("are silences whose end says which source sends again, or that it is paused", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    const hear = async () => {
      await database.query("be heard", (sql) =>
        sql`
        insert into heard_sources (source, first_at, last_at)
        select source, now() - interval '9 days', now() - interval '3 hours'
        from (values ('github'), ('jira')) as v(source)
        on conflict (source) do update set last_at = excluded.last_at`);
      await raiseSilence(database, {
        kind: "sources",
        sources: ["github", "jira"],
        since: new Date(Date.now() - 3 * 3_600_000),
        because: "In these hours it sent 1, 2, 3 and 4 messages.",
      });
      await tell(otto);
      assertMatch((await said(otto)).join("\n"), /have sent nothing.*In these hours/);
    };
    const send = (source: string) =>
      database.query(
        "send again",
        (sql) => sql`update heard_sources set last_at = now() where source = ${source}`,
      );
    await hear();
    await send("github");
    await endSilences(database, { paused: new Set() });
    await send("jira");
    await endSilences(database, { paused: new Set() });
    await tell(otto);
    assertMatch((await said(otto)).join("\n"), /^Over: jira sends again\.(?!.*In these hours)/);
    await hear();
    await endSilences(database, { paused: new Set(["github", "jira"]) });
    await tell(otto);
    assertMatch((await said(otto)).join("\n"), /^Over: github and jira are paused now\./);
  });

  it("are forgotten with age", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await fail(otto, { types: ["billing"] });
    await tell(otto);
    await createWorker(otto.services).tidy();
    await database.query("be told in 2020", (sql) =>
      sql`
      update notifications set id = '016f5e66-e800-7000-8000-000000000000' where kind = 'need'`);
    await fail(otto, { types: ["shop"] });
    await tell(otto);
    await createWorker(otto.services).tidy();
    const left = await said(otto);
    assertEquals(left.length, 1);
    assertMatch(left[0], /^shop/);
  });
});
