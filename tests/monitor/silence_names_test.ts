import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { listHeard } from "../../lib/monitor/silence/heard.ts";
import { listSilences } from "../../lib/monitor/silence/silence.ts";
import { countSlots, makeRoom } from "../../lib/monitor/silence/slots.ts";
import { notePauses, noteServing } from "../../lib/monitor/silence/unheard.ts";
import { watchSilence } from "../../lib/monitor/silence/watch.ts";
import { JSON_TYPE, openOtto } from "../otto.ts";

describe("names that a sender invents", () => {
  it("leave room for those who send again and again", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await database.query("be flooded by names", (sql) =>
      sql`
      with names as (
        insert into heard_sources (source, first_at, last_at, invented)
        select 'name' || n, now(), now() - make_interval(secs => n), true
        from generate_series(1, 500) n returning source
      ), once as (
        insert into source_slots select source, now(), 1 from names
      )
      insert into source_slots select 'name500', now() - make_interval(mins => n), 1
      from generate_series(1, 5) n`);
    await makeRoom(database);
    const names = (await listHeard(database)).map(({ source }) => source);
    assertEquals(names.length, 400);
    assert(names.includes("name500"), "heard last long ago, and most");
    await otto.send("shop", "{}", JSON_TYPE);
    await database.query("let time pass", (sql) =>
      sql`
      with counted as (
        insert into settings (name, value)
        values ('slots_counted_to', (now() - interval '1 minute')::text)
      )
      update messages set stored_at = now() - interval '20 seconds'`);
    await countSlots(database);
    assert((await listHeard(database)).some(({ source }) => source === "shop"));
  });

  it("are paused with any other name", async () => {
    await using otto = await openOtto();
    const { database } = otto.services;
    await database.query("be heard", (sql) =>
      sql`
      insert into heard_sources (source, first_at, last_at, invented)
      values ('shop', now(), now(), true), ('github', now(), now(), false)`);
    await (await otto.ask("/api/sources/generic/pause", { method: "POST" })).body?.cancel();
    assertEquals([...(await notePauses(database)).paused].sort(), ["generic", "shop"]);
  });
});

it("a silence is told after as many weeks as a person has asked for", async () => {
  await using otto = await openOtto();
  const { database } = otto.services;
  await database.query("be heard", (sql) =>
    sql`
    insert into heard_sources (source, first_at, last_at) values
      ('github', now() - interval '90 days', now() - interval '42 days'),
      ('stripe', now() - interval '90 days', now() - interval '42 days')`);
  await noteServing(database);
  await watchSilence({
    database,
    timeZone: "UTC",
    hoursOf: (source) => source === "github" ? 1_000 : undefined,
    isReached: () => Promise.resolve(undefined),
  });
  assertEquals((await listSilences(database)).map(({ sources }) => sources), [["github"]]);
});
