import { assert, assertEquals, assertMatch } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import postgres from "postgres";
import { currentCursor, forgetChanges, isAfter, readChanges } from "../../lib/live/change.ts";
import type { Database } from "../../lib/store/database.ts";
import { openEmbedded } from "../../lib/store/embedded/embedded.ts";
import { migrate } from "../../lib/store/schema/migrate.ts";
import { openServer } from "../../lib/store/server/server.ts";
import { newId } from "../../lib/store/id.ts";
import { storeMessages } from "../../lib/message/insert.ts";
import { type Live, openLive } from "../../lib/live/live.ts";
import { checkLiveStream } from "../../lib/monitor/live_stream.ts";
import { createLog } from "../../lib/process/log.ts";
import { deleteMessage } from "../../lib/message/delete.ts";
import { openOtto } from "../otto.ts";
import { messageOf } from "../queue/contract.ts";
import { describeWith, until, within } from "../servers/mod.ts";

const log = createLog("silent");

liveSuite("the embedded live stream", () => openEmbedded(":memory:"));

describeWith({ postgres: true }, "with PostgreSQL", (servers) => {
  liveSuite(
    "the live stream",
    async () => openServer({ url: await servers.postgres.createDatabase(), log }),
  );

  it("tells what is committed late in its place, skips nothing and doubles nothing", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const live = openLive({ database, log, patienceMs: Infinity });
    const start = await currentCursor(database);
    await using all = listen(live, start);

    await using early = await transaction(url);
    await using late = await transaction(url);
    // The late one takes its number first and commits last.
    const third = await late.change();
    const first = await early.change();
    await early.commit();
    const second = await changeOf(database);
    const fourth = await late.change();
    await until(async () => (await inTable(database)).length === 2, { what: "two commits" });
    // Two changes are there to be read, and a reader that goes by them would be ahead of the late one.
    assertEquals([...await readChanges(database, start, 10)], []);
    await late.commit();
    const expected = [third, fourth, first, second];
    await until(() => all.ids.length >= 4, { what: "four changes" });
    const fifth = await changeOf(database);
    await until(() => all.ids.includes(fifth), { what: "the last change" });
    assertEquals(all.ids, [...expected, fifth]);

    // Whoever comes back with any of the cursors is told exactly the rest.
    for (const [place, cursor] of all.cursors.slice(0, 5).entries()) {
      await using again = listen(openLive({ database, log }), cursor);
      await until(() => again.ids.length >= 4 - place, { what: `the rest after ${cursor}` });
      const sixth = await changeOf(database);
      await until(() => again.ids.includes(sixth), { what: "a new change" });
      assertEquals(again.ids.slice(0, 4 - place), [...expected, fifth].slice(place + 1));
      assertEquals(new Set(again.ids).size, again.ids.length);
    }
  });

  it("is not stopped by a transaction in another database, whoever may see it", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    await using foreign = await transaction(await servers.postgres.createDatabase());
    await foreign.write();
    const start = await currentCursor(database);
    await using all = listen(openLive({ database, log, patienceMs: Infinity }), start);
    const told = await changeOf(database);
    await until(() => all.ids.includes(told), { what: "a change beside a foreign transaction" });
    // Our own still holds up what is behind it, and only that.
    await using own = await transaction(url);
    const late = await own.change();
    const behind = await changeOf(database);
    assertEquals((await readChanges(database, start, 10)).flatMap(({ ids }) => ids), [told]);
    assertEquals(await checkLiveStream(database, 1_000), []);
    await database.query(
      "age it",
      (sql) =>
        sql`update changes set at = at - interval '1 minute' where ids = array[${behind}::uuid]`,
    );
    const [check] = await checkLiveStream(database, 1_000);
    assertMatch(
      check.detail,
      /out of order what came since 6\d s, and later once more: a transaction is open/,
    );
    await own.commit();
    await until(() => all.ids.length >= 3, { what: "the rest" });
    assertEquals(all.ids, [told, late, behind]);

    const admin = postgres(url, { max: 1, onnotice() {} });
    await admin`drop role if exists otto_without_rights`;
    await admin`create role otto_without_rights login`;
    await admin`grant select on changes to otto_without_rights`;
    await admin.end();
    const plain = new URL(url);
    plain.username = "otto_without_rights";
    await using seen = openServer({ url: plain.href, connections: 1, log });
    assertEquals((await readChanges(seen, start, 10)).length, 3);
  });

  it("goes on beside a transaction that stays open, and then tells all in its turn", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const start = await currentCursor(database);
    await using all = listen(openLive({ database, log, patienceMs: 0 }), start);
    await using open = await transaction(url);
    const late = await open.change();
    await using second = await transaction(url);
    const between = await second.change();
    const early: string[] = [];
    for (let n = 0; n < 3; n++) {
      early.push(await changeOf(database));
      await until(() => all.ids.includes(early[n]), {
        what: "what is behind the open transaction",
      });
    }
    // Its number is below those of what was told; it is told as soon as it is committed.
    await second.commit();
    await until(() => all.ids.includes(between), { what: "what was committed late" });
    assertEquals(all.ids, [...early, between]);
    await open.commit();
    const last = await changeOf(database);
    await until(() => all.ids.includes(last), { what: "what came after" });
    assertEquals(all.ids.slice(4), [late, between, ...early, last]);
    assertEquals(all.resyncs, []);

    // Whoever comes back with any of the cursors, to any process, misses nothing.
    for (const [place, cursor] of all.cursors.entries()) {
      const other = openLive({ database, log });
      const resumed = await other.resume(cursor);
      assertEquals(resumed.gap, false, cursor);
      await using again = listen(other, resumed.cursor);
      const missing = new Set([late, between, ...early, last]);
      for (const id of all.ids.slice(0, place + 1)) missing.delete(id);
      await until(() => missing.isSubsetOf(new Set(again.ids)), { what: `the rest of ${cursor}` });
    }
    await using end = listen(openLive({ database, log }), all.cursors.at(-1)!);
    const fresh = await changeOf(database);
    await until(() => end.ids.includes(fresh), { what: "only what is new" });
    assertEquals(end.ids, [fresh]);
  });

  it("tells listeners that come or lag while a transaction stays open of all that is behind it", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const live = openLive({ database, log, patienceMs: 0 });
    await using first = listen(live, await currentCursor(database));
    await using open = await transaction(url);
    const late = await open.change();
    const early = await changeOf(database);
    await until(() => first.ids.includes(early), { what: "the first listener to be told" });
    await using joined = listen(live, (await live.resume(undefined)).cursor);
    await until(() => joined.ids.includes(early), { what: "whoever comes later to be told" });
    // Far more than is told one by one, or kept.
    await database.query("fill the stream", (sql) =>
      sql`
        insert into changes (kind, ids)
        select 'message', array[gen_random_uuid()] from generate_series(1, 1300)`);
    for (const list of [first, joined]) {
      await until(() => list.resyncs.length === 1, { what: "the word to read anew" });
    }
    await using lagging = listen(live, (await live.resume(first.cursors[0])).cursor);
    await until(() => lagging.resyncs.length === 1, { what: "the word for who lags" });
    const last = await changeOf(database);
    for (const list of [first, joined, lagging]) {
      await until(() => list.ids.includes(last), { what: "what comes behind the backlog" });
    }
    await open.commit();
    for (const list of [first, joined, lagging]) {
      await until(() => list.ids.includes(late) || list.resyncs.length === 2, {
        what: "what the open transaction did, or the word to read anew",
      });
    }
  });

  it("tells of new messages on /api/stream beside an open transaction in Otto's tables", async () => {
    const DATABASE_URL = await servers.postgres.createDatabase();
    await using otto = await openOtto({ DATABASE_URL });
    await otto.services.ready;
    const start = await currentCursor(otto.services.database);
    const answer = await otto.ask("/api/stream", { headers: { "last-event-id": start } });
    const events = answer.body!.getReader();
    await using _events = { [Symbol.asyncDispose]: () => events.cancel() };
    const decoder = new TextDecoder();
    let seen = "";
    const untilSeen = async (id: string) => {
      while (!seen.includes(id)) {
        const { value, done } = await within(events.read(), 20_000, `${id} on the stream`);
        assert(!done);
        seen += decoder.decode(value, { stream: true });
      }
    };
    await untilSeen(await otto.send("demo", "{}"));
    await using open = await transaction(DATABASE_URL);
    const late = await open.change();
    for (let n = 0; n < 2; n++) await untilSeen(await otto.send("demo", `{"n":${n}}`));
    assert(!seen.includes(late));
    await open.commit();
    await untilSeen(late);
  });

  it("tells a long backlog as one event to each listener, and goes on behind it", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const start = await currentCursor(database);
    const live = openLive({ database, log, patienceMs: Infinity });
    const lists = Array.from({ length: 3 }, () => listen(live, start));
    const first = await changeOf(database);
    for (const { ids } of lists) await until(() => ids.includes(first), { what: "the first" });
    await using own = await transaction(url);
    await own.change();
    await database.query("fill the stream", (sql) =>
      sql`
        insert into changes (kind, ids)
        select 'message', array[gen_random_uuid()] from generate_series(1, 1300)`);
    await own.commit();
    for (const list of lists) {
      await until(() => list.resyncs.length > 0, { what: "the word to read anew" });
    }
    const last = await changeOf(database);
    for (const list of lists) {
      await until(() => list.ids.includes(last), { what: "what comes behind the backlog" });
      assertEquals(list.resyncs.length, 1);
      assertEquals(list.ids, [first, last]);
      await list[Symbol.asyncDispose]();
    }
    // Whoever comes back after a backlog is told the same.
    await using again = listen(openLive({ database, log }), lists[0].cursors[0]);
    await until(() => again.resyncs.length > 0, { what: "the word to read anew" });
    assertEquals(again.ids, []);
  });

  it("is not stopped for ever by a transaction that rolls back", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    await using all = listen(openLive({ database, log }), await currentCursor(database));
    await using doomed = await transaction(url);
    const never = await doomed.change();
    const told = await changeOf(database);
    await doomed.rollback();
    await until(() => all.ids.includes(told), { what: "what was committed" });
    assert(!all.ids.includes(never));
  });

  it("tells many listeners all that many writers commit in any order", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    const live = openLive({ database, log, patienceMs: Infinity });
    const start = await currentCursor(database);
    const writers = await Promise.all(Array.from({ length: 6 }, () => transaction(url)));
    const lists = Array.from({ length: 4 }, () => listen(live, start));
    const written: string[] = [];
    await Promise.all(writers.map(async (writer, n) => {
      for (let round = 0; round < 20; round++) {
        const ids: string[] = [];
        for (let each = 0; each <= (round + n) % 3; each++) ids.push(await writer.change());
        if ((round * 7 + n) % 5 === 0) {
          await writer.rollback();
        } else {
          await writer.commit();
          written.push(...ids);
        }
        await writer.begin();
      }
      await writer[Symbol.asyncDispose]();
    }));
    for (const list of lists) {
      await until(() => list.ids.length >= written.length, { what: "all to be told" });
      assertEquals(list.ids.toSorted(), written.toSorted());
      assertEquals(list.ids, lists[0].ids);
      await list[Symbol.asyncDispose]();
    }
  });

  it("goes on after PostgreSQL has cut its connections", async () => {
    const url = await servers.postgres.createDatabase();
    await using database = openServer({ url, log });
    await migrate(database, log);
    await using all = listen(openLive({ database, log }), await currentCursor(database));
    const before = await changeOf(database);
    await until(() => all.ids.includes(before), { what: "the first change" });
    const admin = postgres(url, { max: 1 });
    await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await admin.end();
    const after = await until(() => changeOf(database), { what: "the store to answer again" });
    await until(() => all.ids.includes(after), { what: "the second change" });
    assertEquals(all.ids, [before, after]);
  });
});

function liveSuite(name: string, open: () => Promise<Database>): void {
  describe(name, () => {
    let database: Database;
    let live: Live;

    beforeAll(async () => {
      database = await open();
      await migrate(database, log);
      live = openLive({ database, log });
    });
    afterAll(async () => await database?.[Symbol.asyncDispose]());

    it("begins now when it is not told where", async () => {
      await changeOf(database);
      await using all = listen(live, (await live.resume(undefined)).cursor);
      // It is known to have begun when it has told something.
      const probes: string[] = [];
      await until(async () => {
        probes.push(await changeOf(database));
        return all.ids.length > 0;
      }, { what: "a change" });
      const last = await changeOf(database);
      await until(() => all.ids.includes(last), { what: "the last change" });
      const everything = [...probes, last];
      assertEquals(all.ids, everything.slice(everything.indexOf(all.ids[0])));
    });

    it("goes on after a cursor, one at a time or many together", async () => {
      const start = await currentCursor(database);
      const written: string[] = [];
      for (let n = 0; n < 450; n++) written.push(await changeOf(database));
      await using all = listen(live, start);
      await until(() => all.ids.length >= written.length, { what: "all to be told" });
      assertEquals(all.ids, written);
      await using half = listen(live, all.cursors[224]);
      await until(() => half.ids.length >= 225, { what: "the second half" });
      assertEquals(half.ids, written.slice(225));
    });

    it("says when what came after a cursor cannot be told any more", async () => {
      const before = (await live.resume(undefined)).cursor;
      await changeOf(database);
      const { cursor: latest } = await untilTold(live, before);
      assertEquals(await live.resume(before), { cursor: before, gap: false });
      assertEquals(await live.resume(latest), { cursor: latest, gap: false });
      assertEquals(await live.resume("nonsense"), { cursor: latest, gap: true });
      const [xid] = latest.split("-");
      assertEquals((await live.resume(`${BigInt(xid) + 1_000_000n}-1`)).gap, true);
      await database.query(
        "grow old",
        (sql) => sql`update changes set at = at - interval '2 days'`,
      );
      assert(await forgetChanges(database, 10_000) > 0);
      await changeOf(database);
      assertEquals((await untilTold(live, latest)).gap, false);
      assertEquals((await live.resume(before)).gap, true);
    });

    it("tells a batch as one change, with what its messages are now", async () => {
      const start = await currentCursor(database);
      const batch = [messageOf(), messageOf(), messageOf()];
      await storeMessages(database, batch);
      await deleteMessage(database, batch[1].id);
      const stop = new AbortController();
      const events = live.follow(start, stop.signal);
      const { value } = await within(events.next(), 5_000, "the batch");
      stop.abort();
      assert(value);
      assertEquals(
        value[0].items.map((each) => [each.kind, each.id, each.item !== undefined]).toSorted(),
        batch.map(({ id }, n) => ["message", id, n !== 1]).toSorted(),
      );
    });

    it("says that it is there when nothing happens, and ends when it is told to", async () => {
      const stop = new AbortController();
      const events = live.follow(await currentCursor(database), stop.signal, 50);
      assertEquals(await within(events.next(), 5_000, "a sign of life"), {
        done: false,
        value: [],
      });
      const end = events.next();
      stop.abort();
      // What was being read may still come.
      const last = await within(end, 5_000, "the end");
      if (!last.done) assertEquals((await events.next()).done, true);
    });
  });
}

/** Everything a live stream tells after a cursor, as it comes. */
function listen(live: Live, cursor: string) {
  const stop = new AbortController();
  const ids: string[] = [];
  const cursors: string[] = [];
  const resyncs: string[] = [];
  const ended = (async () => {
    for await (const events of live.follow(cursor, stop.signal)) {
      for (const event of events) {
        cursors.push(event.cursor);
        if (event.isResync) resyncs.push(event.cursor);
        ids.push(...event.items.map((item) => item.id));
      }
    }
  })();
  return {
    ids,
    cursors,
    resyncs,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** Waits until the stream's end is after a cursor. */
async function untilTold(live: Live, cursor: string) {
  return await until(async () => {
    const end = await live.resume(undefined);
    return isAfter(end.cursor, cursor) && end;
  }, { what: "the stream's end to move" });
}

/** A change in a transaction of its own; returns what changed. */
async function changeOf(database: Database): Promise<string> {
  const id = newId();
  await database.query(
    "change",
    (sql) => sql`insert into changes (kind, ids) values ('message', array[${id}::uuid])`,
  );
  return id;
}

function inTable(database: Database): Promise<readonly unknown[]> {
  return database.query("look", (sql) => sql`select seq from changes`);
}

/** A transaction held open by hand. */
async function transaction(url: string) {
  const sql = postgres(url, { max: 1, fetch_types: false });
  await sql`begin`;
  return {
    async change(): Promise<string> {
      const id = newId();
      await sql`insert into changes (kind, ids) values ('message', array[${id}::uuid])`;
      return id;
    },
    /** Takes a number without a change of ours. */
    write: () => sql`select pg_current_xact_id()`,
    begin: () => sql`begin`,
    commit: () => sql`commit`,
    rollback: () => sql`rollback`,
    [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }),
  };
}
