import { pause } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Database } from "../store/database.ts";
import {
  createDailyBuckets,
  type DailyAmount,
  type DailyBuckets,
  type KnownRule,
  type SentOnDay,
} from "./daily_buckets.ts";

/** The buckets of a process that takes messages in. Asking them costs no statement. */
export type UnverifiedBuckets =
  & Pick<DailyBuckets, "take" | "giveBack" | "secondsLeft">
  & {
    readonly limits: DailyAmount;
  };

/** However many messages come, the store hears of them at most so often. */
const PACE_MS = 5_000;
/** Who has sent within so many days may be no newcomer: a weekly report comes a little late, too. */
const SEEN_DAYS = 8;
/** As many as are counted in memory, those first who come day after day. */
const MOST_READ = 10_000;
/** A day of a flood from everywhere has many rows, and nobody waits for them. */
const READ_MS = 20_000;

/**
 * Opens the buckets and shares them roughly with other processes, and with this one after a
 * restart: some seconds' worth of counts may be lost. While the store is away they count on alone.
 *
 * How far off: each of N processes learns every 5 s what the others took, so a sender's bucket and
 * that of all may be exceeded by what N - 1 of them take in 5 s; the part of newcomers is counted
 * by each process alone, N times at most, and never beyond the bucket of all.
 */
export function openUnverifiedBuckets(
  { database, log, ready, stop, limits }: {
    database: Database;
    log: Log;
    ready: Promise<void>;
    stop: AbortSignal;
    limits: DailyAmount;
  },
): UnverifiedBuckets {
  const buckets = createDailyBuckets(limits);
  let readOn: string | undefined;
  let isSharing = false;
  start();

  /** Shares what there is to share now and later; one at a time. */
  function start(): void {
    if (isSharing || stop.aborted) return;
    isSharing = true;
    // A start that failed for good is told by whoever waits for it.
    share().catch(() => {}).finally(() => isSharing = false);
  }

  async function share(): Promise<void> {
    await ready;
    do {
      try {
        if (readOn !== buckets.day()) await read();
        const unsaved = buckets.unsaved();
        if (unsaved.length > 0) await save(unsaved);
      } catch (error) {
        log.debug("unverified.not_shared", { error: errorText(error) });
      }
      if (stop.aborted) return;
      await pause(PACE_MS, stop);
    } while (readOn === undefined || buckets.unsaved().length > 0);
  }

  async function read(): Promise<void> {
    const today = buckets.day();
    const { day, sent } = await readDays(database, buckets.known);
    buckets.load(day, sent);
    readOn = today;
  }

  async function save(unsaved: readonly SentOnDay[]): Promise<void> {
    const { day, sent, all } = await saveDay(database, unsaved);
    buckets.saved(day, unsaved, sent, all);
  }

  return {
    limits,
    take(sender, bytes) {
      const full = buckets.take(sender, bytes);
      if (!full) start();
      return full;
    },
    giveBack: buckets.giveBack,
    secondsLeft: buckets.secondsLeft,
  };
}

type CountRow = { prefix: string; type: string; messages: string; bytes: string };

const toSent = ({ prefix, type, messages, bytes }: CountRow): SentOnDay => (
  { prefix, type, messages: Number(messages), bytes: Number(bytes) }
);

/** What was sent today, by the store's clock, and who is known of before; forgets what is older. */
async function readDays(database: Database, { quiet, calm }: KnownRule) {
  const rows = await database.query(
    "read who has sent unverified messages",
    (sql) =>
      sql<(CountRow & { day: string; seen_before: boolean })[]>`
      with today as (select (now() at time zone 'UTC')::date as day), old as (
        delete from unverified_days where day < (select day from today) - ${SEEN_DAYS}::int
      ), days as (
        select u.*, u.day = t.day as is_today,
          messages <= ${quiet.messages}::float8 and bytes <= ${quiet.bytes}::float8 as is_quiet,
          sum(messages) over of_day < ${calm.messages}::float8
            and sum(bytes) over of_day < ${calm.bytes}::float8 as is_calm
        from unverified_days u cross join today t
        where u.day between t.day - ${SEEN_DAYS}::int and t.day
        window of_day as (partition by u.day)
      )
      select (select day from today)::text as day, prefix, type,
        coalesce(sum(messages) filter (where is_today), 0) as messages,
        coalesce(sum(bytes) filter (where is_today), 0) as bytes,
        count(*) filter (where not is_today and is_quiet and is_calm) > 0
          or count(*) filter (where not is_today and is_quiet) > 1 as seen_before
      from days
      group by prefix, type
      order by count(*) desc, sum(messages) desc limit ${MOST_READ}`,
    READ_MS,
  );
  return {
    day: rows[0]?.day ?? "",
    sent: rows.map((row) => ({ ...toSent(row), seenBefore: row.seen_before })),
  };
}

/** Adds to what was sent today, by the store's clock; gives what that comes to in all processes. */
async function saveDay(database: Database, unsaved: readonly SentOnDay[]) {
  const rows = await database.query(
    "keep who has sent unverified messages",
    (sql) =>
      sql<(CountRow & { day: string; all_messages: string; all_bytes: string })[]>`
      with before as (
        select coalesce(sum(messages), 0) as messages, coalesce(sum(bytes), 0) as bytes
        from unverified_days where day = (now() at time zone 'UTC')::date
      )
      insert into unverified_days as u (day, prefix, type, messages, bytes)
      select (now() at time zone 'UTC')::date, prefix, type, messages, bytes
      from jsonb_to_recordset(${JSON.stringify(unsaved)}::text::jsonb)
        as s(prefix text, type text, messages bigint, bytes bigint)
      -- Always in one order, so that two processes cannot wait for each other.
      order by prefix, type
      on conflict (day, prefix, type) do update
      set messages = u.messages + excluded.messages, bytes = u.bytes + excluded.bytes
      returning day::text, prefix, type, messages, bytes,
        (select messages from before) as all_messages, (select bytes from before) as all_bytes`,
  );
  const all = { messages: Number(rows[0]?.all_messages), bytes: Number(rows[0]?.all_bytes) };
  // It was counted before these came.
  for (const { messages, bytes } of unsaved) {
    all.messages += messages;
    all.bytes += bytes;
  }
  return { day: rows[0]?.day ?? "", sent: rows.map(toSent), all };
}
