import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { newId } from "../../lib/store/id.ts";
import { checkHealth } from "../../lib/monitor/health.ts";
import { confirmClock, createClockGuard } from "../../lib/monitor/clock.ts";
import { storeRejected } from "../../lib/message/quarantine.ts";
import { readTimeSeries } from "../../lib/monitor/stats/timeseries.ts";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";
import { describeWith } from "../servers/mod.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

describeWith({ postgres: true }, "a process whose clock is not PostgreSQL's", (servers) => {
  const open = async (lines: string[] = []) =>
    await openOtto(
      { DATABASE_URL: await servers.postgres.createDatabase(), LOG_LEVEL: "info" },
      { write: (line) => lines.push(line) },
    );

  for (const [words, shift] of Object.entries(shifts())) {
    it(`deletes nothing and says so: ${words}`, async () => {
      const lines: string[] = [];
      await using otto = await open(lines);
      const old = await age(otto, await worked(otto));
      const refused = await age(otto, await rejected(otto));
      const worker = createWorker(otto.services);
      {
        using _clock = shiftClock(shift);
        const fresh = await worked(otto);
        await worker.tidy();
        await worker.tidy();
        assertEquals(await ids(otto), [old, refused, fresh].sort());
        const { status, checks } = await checkHealth(otto.services);
        assertEquals(status, "degraded");
        const detail = checks.find(({ name }) => name === "clock")?.detail ?? "";
        const [, seconds, where] = /clock is (\d+) s (ahead of|behind) PostgreSQL's/.exec(detail)!;
        assertEquals(where, shift > 0 ? "ahead of" : "behind");
        assert(Math.abs(Number(seconds) - Math.abs(shift) / 1_000) < 60, detail);
        assertEquals(lines.filter((line) => line.includes("clock.wrong")).length, 1);
      }
      // The same process, when its clock is right again.
      await worker.tidy();
      assertEquals((await ids(otto)).length, 1);
    });

    it(`makes messages that are as old as PostgreSQL says: ${words}`, async () => {
      await using otto = await open();
      let fresh: string, old: string;
      {
        using _clock = shiftClock(shift);
        old = await worked(otto);
        fresh = await worked(otto);
      }
      await age(otto, old);
      await createWorker(otto.services).tidy();
      assertEquals(await ids(otto), [fresh]);
    });
  }

  it("is told of by a process whose clock is right, when it is a worker's", async () => {
    await using otto = await open();
    {
      using _clock = shiftClock(DAY_MS);
      await createWorker(otto.services).tidy();
    }
    const { checks } = await checkHealth(otto.services);
    const clock = checks.find(({ name }) => name === "clock");
    assertEquals(clock?.status, "degraded");
    assertMatch(clock!.detail, /a worker's clock is 864\d\d s ahead of PostgreSQL's/);
  });

  it("draws the charts by PostgreSQL's time", async () => {
    await using otto = await open();
    await worked(otto);
    using _clock = shiftClock(100 * DAY_MS);
    const { received } = await readTimeSeries(otto.services.database, "1h");
    assertEquals(received.reduce((all, count) => all + count), 1);
  });

  it("may be a minute off, and has nothing to confirm", async () => {
    await using otto = await open();
    const old = await age(otto, await worked(otto));
    using _clock = shiftClock(30_000);
    await createWorker(otto.services).tidy();
    assert(!(await ids(otto)).includes(old));
    const { checks } = await checkHealth(otto.services);
    assertEquals(checks.find(({ name }) => name === "clock"), undefined);
    await assertRejects(() => confirmClock(otto.services.database), Error, "DATABASE_URL");
  });
});

describe("the embedded database's clock", () => {
  it("deletes nothing after a jump, not even after a restart, until a person confirms", async () => {
    const lines: string[] = [];
    await using otto = await openOtto({ LOG_LEVEL: "info" }, { write: (line) => lines.push(line) });
    const message = await worked(otto);
    const refused = await rejected(otto);
    const worker = createWorker(otto.services);
    await worker.tidy();
    using _clock = shiftClock(400 * DAY_MS);
    await worker.tidy();
    assertEquals(await ids(otto), [message, refused].sort());
    const clock = await clockCheck(otto);
    assertEquals(clock?.status, "degraded");
    assertMatch(clock!.detail, /clock has gone 345\d{5} s ahead since /);
    assertMatch(clock!.hint!, /--confirm-clock/);
    assertEquals(lines.filter((line) => line.includes("clock.wrong")).length, 1);
    await createWorker(otto.services).tidy();
    assertEquals(await ids(otto), [message, refused].sort());
    await confirmClock(otto.services.database);
    assertEquals(await clockCheck(otto), undefined);
    await createWorker(otto.services).tidy();
    assertEquals(await ids(otto), []);
  });

  it("is not taken for right because Otto was restarted after a jump of two days", async () => {
    await using otto = await openOtto();
    const worker = createWorker(otto.services);
    await worker.tidy();
    using _clock = shiftClock(2 * DAY_MS);
    await worker.tidy();
    assert(await clockCheck(otto));
    const old = await age(otto, await worked(otto));
    await createWorker(otto.services).tidy();
    assert((await ids(otto)).includes(old));
  });

  it("is right when the machine has slept for as long as it has gone ahead, and for no longer", async () => {
    await using otto = await openOtto();
    const { database, log } = otto.services;
    let up = 5 * DAY_MS;
    const guard = createClockGuard({ database, log, upMs: () => up });
    assert(await guard.trustedNow());
    {
      // From Friday to Monday with its lid closed.
      using _clock = shiftClock(3 * DAY_MS);
      up += 3 * DAY_MS;
      assert(await guard.trustedNow());
      assertEquals(await clockCheck(otto), undefined);
    }
    using _clock = shiftClock(405 * DAY_MS);
    up += 2 * DAY_MS;
    assertEquals(await guard.trustedNow(), undefined);
    assert(await clockCheck(otto));
  });

  it("asks a person after a day's jump where nobody knows how long the machine was up", async () => {
    await using otto = await openOtto();
    const { database, log } = otto.services;
    const guard = createClockGuard({ database, log, upMs: () => undefined });
    assert(await guard.trustedNow());
    using _clock = shiftClock(2 * DAY_MS);
    assertEquals(await guard.trustedNow(), undefined);
  });

  it("may have stood still for a weekend while Otto was stopped", async () => {
    await using otto = await openOtto();
    await createWorker(otto.services).tidy();
    using _clock = shiftClock(3 * DAY_MS);
    const old = await age(otto, await worked(otto));
    await createWorker(otto.services).tidy();
    assert(!(await ids(otto)).includes(old));
  });

  for (const [words, shift] of Object.entries(shifts())) {
    // An hour ahead harms nothing, and is what a laptop sleeps.
    const wrong = shift !== HOUR_MS;
    it(`is ${wrong ? "not " : ""}trusted at a start that finds it ${words}`, async () => {
      await using otto = await openOtto();
      const old = await age(otto, await worked(otto));
      // Also where no newest time was kept yet, as after an upgrade.
      {
        using _clock = shiftClock(shift);
        await createWorker(otto.services).tidy();
        assertEquals((await ids(otto)).includes(old), wrong);
        assertEquals(await clockCheck(otto) !== undefined, wrong);
      }
      // A machine without a battery has no time until NTP gives it one: nobody need confirm that.
      if (shift < 0) {
        await createWorker(otto.services).tidy();
        assertEquals(await clockCheck(otto), undefined);
        assertEquals(await ids(otto), []);
      }
    });
  }

  it("expires no approval by a clock that nobody has confirmed", async () => {
    await using otto = await openOtto();
    const worker = createWorker(otto.services);
    const message = await worked(otto);
    const { database } = otto.services;
    await database.query("ask", (sql) =>
      sql`
        insert into approvals (id, task_id, key, tool, arguments, sha256, rule, policy_version,
          expires_at)
        select ${newId()}, id, '1:1:1', 't', '{}', '', '', '', now() + interval '1 day'
        from tasks where message_id = ${message}`);
    await worker.tidy();
    using _clock = shiftClock(400 * DAY_MS);
    await worker.tidy();
    const [{ state }] = await database.query(
      "look",
      (sql) => sql<{ state: string }[]>`select state from approvals`,
    );
    assertEquals(state, "pending");
  });
});

function shifts(): Record<string, number> {
  return {
    "100 days back": -100 * DAY_MS,
    "400 days ahead": 400 * DAY_MS,
    "an hour back": -HOUR_MS,
    "an hour ahead": HOUR_MS,
  };
}

/** This process's clock, and with it the embedded database's, as if it were wrong. */
function shiftClock(ms: number): Disposable {
  const right = Date.now;
  Date.now = () => right() + ms;
  return { [Symbol.dispose]: () => void (Date.now = right) };
}

/** A message that was worked off; returns its id. */
async function worked(otto: Otto): Promise<string> {
  const id = await otto.send("demo", JSON.stringify({ n: newId() }));
  await otto.workOff();
  return id;
}

async function rejected(otto: Otto): Promise<string> {
  const id = newId();
  await storeRejected(otto.services.database, {
    id,
    webhookType: "github",
    source: "github",
    envelope: { url: "http://a/", client_ip: "::1", delivery_id: null, headers: [] },
    body: new Uint8Array(1),
    size: 1,
    receivedAt: new Date(),
  }, "a reason");
  return id;
}

/** Makes a message a hundred days old, by the times that are stored. */
async function age(otto: Otto, id: string): Promise<string> {
  await otto.services.database.query("age", (sql) =>
    sql`
      update messages set stored_at = stored_at - interval '100 days',
        settled_at = settled_at - interval '100 days' where id = ${id}`);
  return id;
}

async function ids(otto: Otto): Promise<string[]> {
  const rows = await otto.services.database.query(
    "look",
    (sql) => sql<{ id: string }[]>`select id from messages order by id`,
  );
  return rows.map(({ id }) => id).sort();
}

async function clockCheck(otto: Otto) {
  return (await checkHealth(otto.services)).checks.find(({ name }) => name === "clock");
}
