import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { readNeeds } from "../../lib/monitor/needs/needs.ts";
import { tellAfter } from "../../lib/monitor/silence/heard.ts";
import { type Silence } from "../../lib/monitor/silence/silence.ts";
import { countSlots } from "../../lib/monitor/silence/slots.ts";
import { noteServing } from "../../lib/monitor/silence/unheard.ts";
import { watchSilence } from "../../lib/monitor/silence/watch.ts";
import { describeSilence } from "../../lib/monitor/silence/words.ts";
import { weeksBefore } from "../../lib/monitor/silence/zone.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SLOT = 600_000;

/** A source that was heard for some days until some hours ago; `sends` says in which slots. */
interface Past {
  source: string;
  days?: number;
  silentHours: number;
  sends(slot: Date, ago: number): number;
}

/** Writes what a source has sent, as the minute's turn would have counted it. */
async function remember(otto: Otto, { source, days = 30, silentHours, sends }: Past) {
  const now = Date.now();
  const slots: { source: string; slot: Date; messages: number }[] = [];
  for (let at = Math.floor((now - days * DAY) / SLOT) * SLOT; at < now; at += SLOT) {
    const messages = at > now - silentHours * HOUR ? 0 : sends(new Date(at), now - at);
    if (messages > 0) slots.push({ source, slot: new Date(at), messages });
  }
  await otto.services.database.query("remember slots", (sql) =>
    sql`
    with slots as (
      insert into source_slots (source, slot, messages)
      select * from jsonb_to_recordset(${JSON.stringify(slots)}::text::jsonb)
        as s(source text, slot timestamptz, messages int) returning slot
    )
    insert into heard_sources (source, first_at, last_at)
    values (${source}, ${slots[0].slot}::timestamptz, ${new Date(
      Math.min(now - silentHours * HOUR, slots.at(-1)!.slot.getTime() + SLOT),
    )}::timestamptz)`);
}

const steady = () => 2;
const weekend = (time: Date) => [0, 6].includes(time.getUTCDay());
/** As people work: never on weekends; the day of now stands for a weekday. */
const byPeople = (time: Date) => weekend(time) !== weekend(new Date()) ? 0 : 3;

async function watch(
  otto: Otto,
  { reached, hoursOf = () => undefined }: {
    reached?: boolean;
    hoursOf?: (source: string) => number | undefined;
  } = {},
) {
  const { database } = otto.services;
  await noteServing(database);
  await watchSilence({
    database,
    timeZone: "UTC",
    hoursOf,
    isReached: () => Promise.resolve(reached),
  });
  return (await readNeeds(database)).silences;
}

const said = (silence: Silence) =>
  describeSilence(silence, {
    labelOf: (source) => source,
    timeZone: "UTC",
    now: new Date(),
  });

const openHeard = async (...pasts: Past[]) => {
  const otto = await openOtto();
  for (const past of pasts) await remember(otto, past);
  return otto;
};

describe("a source gone silent", () => {
  it("is told after four steady weeks, with numbers that people can check (S1)", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 2.5, sends: steady },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    const [silence, ...others] = await watch(otto);
    assertEquals(others, []);
    assertEquals([silence.kind, silence.sources], ["sources", ["github"]]);
    assertMatch(said(silence), /^github has sent nothing since .*\(2 h 3\d min\)\.$/);
    assertMatch(
      silence.because,
      /^In these hours it sent \d+, \d+, \d+ and \d+ messages in the last four weeks\.$/,
    );
    assertEquals((await watch(otto)).length, 1, "told once for the gap");
    const page = await (await otto.ask("/")).text();
    assertMatch(page, /<title>\(1\) Otto[^]*GitHub has sent nothing since/);
  });

  it("is not told before so much was to be expected", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 1.7, sends: steady },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    assertEquals(await watch(otto), []);
  });

  it("is none where every week has this gap (S2)", async () => {
    await using otto = await openHeard(
      {
        source: "github",
        silentHours: 9,
        sends: (_, ago) => ago % (7 * DAY) < 10 * HOUR ? 0 : 2,
      },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    assertEquals(await watch(otto), []);
  });

  it("is none where few bursts bring many messages (S3)", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 8, sends: (_, ago) => ago % (2 * HOUR) < SLOT ? 50 : 0 },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    assertEquals(await watch(otto), []);
  });

  it("is a badge on a holiday, which nobody is told of (S4)", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 5, sends: byPeople },
      { source: "jira", silentHours: 6, sends: byPeople },
      { source: "grafana", silentHours: 0, sends: steady },
    );
    const [silence, ...others] = await watch(otto);
    assertEquals(others, []);
    // On weekends these sources look like machines that rest on weekdays.
    if (weekend(new Date())) return;
    assertEquals([silence.kind, silence.sources], ["holiday", ["github", "jira"]]);
    assertEquals((await readNeeds(otto.services.database)).count, 0);
    assertMatch(await (await otto.ask("/")).text(), /it may be a holiday/);
  });

  it("is only told by a person's word after two weeks (S5)", async () => {
    await using otto = await openHeard(
      { source: "github", days: 14, silentHours: 6, sends: steady },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    assertEquals(await watch(otto), []);
    const { database } = otto.services;
    assertEquals((await watch(otto, { hoursOf: () => 8 })).length, 0);
    assert(await tellAfter(database, { source: "github", hours: 4 }));
    const [{ sources, because }] = await watch(otto);
    assertEquals([sources, because], [["github"], "You asked to be told after 4 hours."]);
  });

  it("leaves out a week in which Otto itself was down (S6)", async () => {
    const lastWeek = (ago: number) => ago > 6.5 * DAY && ago < 7.5 * DAY;
    await using otto = await openHeard(
      { source: "github", silentHours: 4, sends: (_, ago) => lastWeek(ago) ? 0 : 2 },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    await otto.services.database.query("note that it was down", (sql) =>
      sql`
      insert into unheard_times values
        ('', now() - interval '180 hours', now() - interval '156 hours', 'down')`);
    const [{ because }] = await watch(otto);
    assertMatch(because, /it sent \d+, \d+ and \d+ messages in three of the last four weeks/);
  });

  it("is not told of the time in which Otto was down just now", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 5, sends: steady },
      { source: "stripe", silentHours: 5, sends: steady },
    );
    await otto.services.database.query("be down", (sql) =>
      sql`
      insert into settings (name, value) values
        ('serving_at', (now() - interval '5 hours')::text)`);
    assertEquals(await watch(otto), []);
  });

  it("is not told while it is paused", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 5, sends: steady },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    await (await otto.ask("/api/sources/github/pause", { method: "POST" })).body?.cancel();
    assertEquals(await watch(otto), []);
  });

  it("is one alarm when nothing comes from anybody, with a word on Otto's own address", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 4, sends: steady },
      { source: "stripe", silentHours: 4, sends: steady },
      { source: "jira", silentHours: 4, sends: (_, ago) => ago % HOUR < SLOT ? 1 : 0 },
    );
    const [silence, ...others] = await watch(otto, { reached: false });
    assertEquals(others, []);
    assertEquals([silence.kind, silence.sources], ["everything", ["github", "jira", "stripe"]]);
    assertMatch(silence.because, /is the tunnel, the proxy or DNS down\?/);
    await otto.send("shop", "{}", JSON_TYPE);
    await settled(otto);
    assertEquals(await watch(otto), [], "over with whatever comes");
  });

  it("is over with the next message, and that gap is compared with no more", async () => {
    await using otto = await openHeard(
      { source: "github", silentHours: 4, sends: steady },
      { source: "stripe", silentHours: 0, sends: steady },
    );
    await watch(otto);
    await otto.send("github", '{"action":"opened"}', { ...JSON_TYPE, "x-github-event": "star" });
    await settled(otto);
    assertEquals(await watch(otto), []);
    const { database } = otto.services;
    const rows = await database.query("look", (sql) =>
      sql<{ source: string; reason: string }[]>`
      select source, reason from unheard_times where source <> ''`);
    assertEquals([...rows], [{ source: "github", reason: "silent" }]);
    await database.query("be silent again", (sql) =>
      sql`
      with late as (update unheard_times set ended = now() - interval '5 hours', began = now() - interval '9 hours')
      update heard_sources set last_at = now() - interval '5 hours' where source = 'github'`);
    await database.query("forget it", (sql) => sql`delete from messages`);
    assertEquals(await watch(otto), [], "one alarm a day");
  });
});

/** As if the seconds had gone by that rows take to be seen by all. */
async function settled(otto: Otto): Promise<void> {
  await otto.services.database.query("let time pass", (sql) =>
    sql`
    with counted as (
      update settings set value = (now() - interval '1 minute')::text where name = 'slots_counted_to'
    )
    update messages set stored_at = now() - interval '20 seconds'`);
}

describe("the slots of sources", () => {
  it("count each accepted message once, however many count, and no replay", async () => {
    await using otto = await openOtto({ WEBHOOK_SECRET_GITLAB: "right" });
    const { database } = otto.services;
    const id = await otto.send("Shop", "{}", JSON_TYPE);
    await otto.send("github", "{}", { ...JSON_TYPE, "x-github-event": "push" });
    await otto.ask("/webhook/gitlab", { method: "POST", body: "{}", headers: JSON_TYPE });
    await otto.services.quarantine.idle();
    await otto.workOff();
    await (await otto.ask(`/api/messages/${id}/replay`, { method: "POST" })).body?.cancel();
    await countSlots(database);
    await settled(otto);
    await Promise.all([countSlots(database), countSlots(database), countSlots(database)]);
    await countSlots(database);
    const rows = await database.query("look", (sql) =>
      sql<{ source: string; messages: number }[]>`
      select source, sum(messages)::int as messages from source_slots group by 1 order by 1`);
    assertEquals([...rows], [{ source: "github", messages: 1 }, { source: "shop", messages: 1 }]);
  });
});

describe("an upgrade with weeks to count", () => {
  it("reads the messages of one hour at a time", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await otto.send("shop", "{}", JSON_TYPE);
    // As if the store had kept it hours before: only its id is beyond that hour's.
    await database.query("be in the past", (sql) =>
      sql`
      with counted as (
        insert into settings (name, value)
        values ('slots_counted_to', (now() - interval '10 hours')::text)
      )
      update messages set stored_at = now() - interval '9.5 hours'`);
    await countSlots(database);
    const rows = await database.query("look", (sql) => sql`select from source_slots`);
    assertEquals(rows.length, 0);
  });

  it("counts for seconds in each turn, and goes on with the next", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await database.query("have weeks to count", (sql) =>
      sql`
      insert into settings (name, value)
      values ('slots_counted_to', (now() - interval '30 days')::text)`);
    let ahead = 0;
    let steps = 0;
    const { now } = Date;
    const slow: typeof database = {
      ...database,
      query(what, ...given) {
        if (what === "count slots") {
          steps++;
          ahead += 700;
        }
        return database.query(what, ...given);
      },
    };
    Date.now = () => now() + ahead;
    try {
      await watchSilence({
        database: slow,
        timeZone: "UTC",
        hoursOf: () => undefined,
        isReached: () => Promise.resolve(undefined),
      });
    } finally {
      Date.now = now;
    }
    assert(steps >= 1 && steps <= 3, `${steps} steps`);
  });
});

describe("a week before", () => {
  it("is at the same time of the day, whatever clocks did between", () => {
    // Clocks in Berlin went back on 25 October 2026, at 3.
    const before = weeksBefore("Europe/Berlin", new Date("2026-10-26T09:00:00Z"), 1);
    assertEquals(before.toISOString(), "2026-10-19T08:00:00.000Z");
    assertEquals(
      weeksBefore("UTC", new Date("2026-10-26T09:00:00Z"), 4).toISOString(),
      "2026-09-28T09:00:00.000Z",
    );
  });
});
