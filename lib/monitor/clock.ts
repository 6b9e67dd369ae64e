import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import { machineUpMs } from "../process/machine.ts";
import { Refusal } from "../process/refusal.ts";
import { readClock } from "../store/clock.ts";
import type { Database } from "../store/database.ts";
import type { Check } from "./check.ts";

/** Says what may be forgotten: nothing, while the clock may be wrong. */
export interface ClockGuard {
  /** The database's time; undefined while it, or this process's, is not to be trusted. */
  trustedNow(): Promise<Date | undefined>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Machines that keep their time are seconds apart; one that is further off does not keep it. */
const MOST_APART_SECONDS = 60;
/** How far time may go back: a clock that is corrected, and the newest time kept once a minute. */
const MOST_BACK_MS = MINUTE_MS;
/** A process that ran all the time has tidied seconds ago, but for what its machine has slept. */
const MOST_AHEAD_RUNNING_MS = DAY_MS;
/** A machine may be off over the holidays; a clock that was set wrong is seldom off by less. */
const MOST_AHEAD_STOPPED_MS = 30 * DAY_MS;
/** A worker with a wrong clock says so each time it would tidy, every few seconds. */
const SAID_SECONDS = 60;

const NEWEST = "clock_newest";
const APART = "clock_apart";
const HINT_APART = "Set the clocks of all machines by NTP; until then that process deletes nothing";
const HINT_EMBEDDED =
  "Nothing old is deleted. Set the machine's clock by NTP; or, if it is right, " +
  "stop Otto and run `deno task start --confirm-clock` (Node: `npm start -- --confirm-clock`)";

/** The newest time that the embedded database has had, in milliseconds since 1970. */
interface Newest {
  ms: number;
  /** Whether the clock has jumped while Otto ran: a restart is no word on that. */
  jumped: boolean;
}

/**
 * Watches the clock for what forgets old things. On a server this process's clock and the
 * server's have to agree. In the embedded size there is one clock only, so it is held against
 * the newest time that was ever kept, and against how long the machine has been up: a laptop whose
 * lid was closed over the weekend has slept for as long as its clock has gone ahead, and asks nobody.
 *
 * @param options `upMs` is that time in milliseconds, another one in tests.
 */
export function createClockGuard(
  { database, log, upMs = machineUpMs }: {
    database: Database;
    log: Log;
    upMs?: () => number | undefined;
  },
): ClockGuard {
  /** When an earlier look of this process has found the clock right, by that clock. */
  let lastMs: number | undefined;
  /** For how long the machine had been up then. */
  let lastUpMs: number | undefined;
  const say = createSayer(log);

  async function trustedEmbedded(): Promise<Date | undefined> {
    const { now } = await readClock(database);
    const kept = await readNewest(database);
    const newest = { ms: Math.max(kept.ms, lastMs ?? 0), jumped: kept.jumped };
    const up = upMs();
    const passedMs = Math.max(0, (up ?? 0) - (lastUpMs ?? up ?? 0));
    const wrong = whatIsWrong(now, newest, lastMs !== undefined, passedMs);
    say(wrong);
    if (wrong === undefined) {
      if (kept.jumped || !kept.isKept || now.getTime() - kept.ms >= MINUTE_MS) {
        await keepNewest(database, { ms: Math.max(newest.ms, now.getTime()), jumped: false });
      }
      lastMs = Math.max(newest.ms, now.getTime());
      lastUpMs = up;
      return now;
    }
    if (now.getTime() > newest.ms && lastMs !== undefined && !kept.jumped) {
      await keepNewest(database, { ms: newest.ms, jumped: true });
    }
    return undefined;
  }

  async function trustedServer(): Promise<Date | undefined> {
    const { now, aheadSeconds } = await readClock(database);
    const isWrong = Math.abs(aheadSeconds) > MOST_APART_SECONDS;
    say(isWrong ? apartText("this process's clock", aheadSeconds) : undefined);
    if (!isWrong) return now;
    await tellApart(database, aheadSeconds);
    return undefined;
  }

  return { trustedNow: database.kind === "embedded" ? trustedEmbedded : trustedServer };
}

/** Nothing as long as the clocks are right. */
export async function checkClock(database: Database, ms: number): Promise<Check[]> {
  const name = "clock";
  try {
    const { now, aheadSeconds } = await readClock(database, ms);
    if (database.kind === "embedded") {
      const newest = await readNewest(database, ms);
      const detail = whatIsWrong(now, newest, false);
      return detail === undefined
        ? []
        : [{ name, status: "degraded", detail, hint: HINT_EMBEDDED }];
    }
    const own = Math.abs(aheadSeconds) > MOST_APART_SECONDS;
    const worker = own ? undefined : await readApart(database, ms);
    if (!own && worker === undefined) return [];
    const detail = own
      ? apartText("this process's clock", aheadSeconds)
      : apartText("a worker's clock", worker!);
    return [{ name, status: "degraded", detail, hint: HINT_APART }];
  } catch {
    // Anyone may ask, so the reason stands in the log only.
    return [{ name, status: "degraded", detail: "cannot be looked up now" }];
  }
}

/** Logs when this process's clock and the server's differ, and when no more, until the signal. */
export async function watchClock(
  { database, log, ready }: { database: Database; log: Log; ready: Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  if (database.kind === "embedded") return;
  await ready;
  const say = createSayer(log);
  while (!signal.aborted) {
    try {
      const { aheadSeconds } = await readClock(database);
      const isWrong = Math.abs(aheadSeconds) > MOST_APART_SECONDS;
      say(isWrong ? apartText("this process's clock", aheadSeconds) : undefined);
    } catch (error) {
      log.debug("clock.not_read", { error: errorText(error) });
    }
    await pause(MINUTE_MS, signal);
  }
}

/**
 * A person's word that the embedded database's clock is right now, whatever it was before.
 *
 * @returns the time that counts from now on.
 * @throws {Refusal} on a server: its clock is not this process's to confirm.
 */
export async function confirmClock(database: Database): Promise<Date> {
  if (database.kind !== "embedded") {
    throw new Refusal(
      "Cannot confirm the clock: with DATABASE_URL the server's counts. Set the clocks of all " +
        "machines by NTP; nothing else is needed.",
    );
  }
  const { now } = await readClock(database);
  await keepNewest(database, { ms: now.getTime(), jumped: false });
  return now;
}

/** Logs what is wrong once, and again when it is something else or nothing any more. */
function createSayer(log: Log): (wrong: string | undefined) => void {
  let isWrong = false;
  return (wrong) => {
    if (wrong !== undefined && !isWrong) log.warn("clock.wrong", { error: wrong });
    if (wrong === undefined && isWrong) log.info("clock.right");
    isWrong = wrong !== undefined;
  };
}

/** @param passedMs how long it is known to be since the newest time, whatever the clock says. */
function whatIsWrong(
  now: Date,
  newest: Newest,
  isRunning: boolean,
  passedMs = 0,
): string | undefined {
  const aheadMs = now.getTime() - newest.ms;
  const most = isRunning || newest.jumped ? MOST_AHEAD_RUNNING_MS : MOST_AHEAD_STOPPED_MS;
  if (aheadMs >= -MOST_BACK_MS && aheadMs <= most + passedMs) return undefined;
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const latest = new Date(newest.ms).toISOString();
  return aheadMs < 0
    ? `this machine's clock is ${seconds} s before the newest time that was kept, ${latest}`
    : `this machine's clock has gone ${seconds} s ahead since ${latest}`;
}

function apartText(whose: string, aheadSeconds: number): string {
  const where = aheadSeconds > 0 ? "ahead of" : "behind";
  return `${whose} is ${Math.abs(aheadSeconds)} s ${where} PostgreSQL's`;
}

/** Where nothing was kept yet, as after an upgrade, the newest of what is stored. */
async function readNewest(
  database: Database,
  ms?: number,
): Promise<Newest & { isKept: boolean }> {
  const [row] = await database.query(
    "read the newest time",
    (sql) =>
      sql<{ value: string | null; stored: number }[]>`
      select (select value from settings where name = ${NEWEST}) as value,
        (extract(epoch from coalesce(
          greatest((select at from changes order by seq desc limit 1),
            (select max(settled_at) from messages)),
          clock_timestamp())) * 1000)::float8 as stored`,
    ms,
  );
  return row.value === null
    ? { ms: row.stored, jumped: false, isKept: false }
    : { ...JSON.parse(row.value), isKept: true };
}

async function keepNewest(database: Database, newest: Newest): Promise<void> {
  const value = JSON.stringify(newest);
  await database.query("keep the newest time", (sql) =>
    sql`
      insert into settings (name, value) values (${NEWEST}, ${value})
      on conflict (name) do update set value = excluded.value`);
}

/** Tells the processes that answer for health, since a worker has no page of its own. */
async function tellApart(database: Database, aheadSeconds: number): Promise<void> {
  await database.query("tell of a wrong clock", (sql) =>
    sql`
      insert into settings (name, value)
      values (${APART}, json_build_object('ahead', ${aheadSeconds}::int,
        'at', extract(epoch from now()))::text)
      on conflict (name) do update set value = excluded.value`);
}

/** How far the clock of a worker is ahead that has said so lately. */
async function readApart(database: Database, ms: number): Promise<number | undefined> {
  const [row] = await database.query(
    "look for wrong clocks",
    (sql) =>
      sql<{ ahead: number }[]>`
      select (value::json->>'ahead')::int as ahead from settings where name = ${APART}
        and (value::json->>'at')::float8 > extract(epoch from now()) - ${SAID_SECONDS}::int`,
    ms,
  );
  return row?.ahead;
}
