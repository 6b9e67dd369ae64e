import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import type { Redis } from "../store/redis.ts";

/** Redis has this key until it loses its data: its value names one generation of the data. */
const MARKER_KEY = "otto:jobs:marker";

/**
 * python-arq keeps results for this long unless told otherwise (`keep_result`). What
 * began and ended longer ago, before Redis lost its data, left nothing to be seen.
 */
const KEPT_SECONDS = 3_600;

/**
 * A foreign worker that was seen within this time may have begun a job that was lost
 * with Redis' data: a day, so that one which works only at night counts, too.
 */
const FOREIGN_HOURS = 24;

/** Remembers which data Redis had when all jobs were last inspected, across restarts and replicas. */
export interface RedisGeneration {
  /** Begins an inspection of all jobs. */
  begin(): Promise<GenerationReading>;
  /** All jobs have been inspected; `foreignSeen` says whether workers that are not Otto's work on them. */
  end(reading: GenerationReading, foreignSeen: boolean): Promise<void>;
  /** Whether Redis has lost its data since this process last inspected all jobs. */
  hasLost(): Promise<boolean>;
  /** Whether Redis still has the data that it had at this reading. */
  isStill(reading: GenerationReading): Promise<boolean>;
}

/** What is known of Redis' data, and of the time since all jobs were inspected before. */
export interface GenerationReading {
  marker: string;
  at: Date;
  /** When a foreign worker was last seen; null when that is longer ago than it matters. */
  foreignSeenAt: string | null;
  /** Redis has lost its data since the inspection before. Else a job that is gone was run. */
  lost: boolean;
  /** No foreign worker was seen lately: what the database does not know of was not begun. */
  onlyOtto: boolean;
  /** Whether the end of a job that waited for so many seconds would have been seen before the loss. */
  coversWait(waitedSeconds: number): boolean;
}

/** Keeps the marker in Redis, and the last inspection in the setting `jobs_watched`. */
export function openRedisGeneration(redis: Redis, database: Database): RedisGeneration {
  let inspected: string | undefined;

  async function readMarker(): Promise<string> {
    const fresh = newId();
    return await redis.run(
      "ask whether Redis has lost its data",
      async (client) =>
        // GET with NX needs Redis 7, so two commands.
        await client.set(MARKER_KEY, fresh, { condition: "NX" }) === "OK"
          ? fresh
          : await client.get(MARKER_KEY) ?? fresh,
    );
  }

  return {
    async hasLost() {
      return inspected !== undefined && await readMarker() !== inspected;
    },
    async begin() {
      const marker = await readMarker();
      const before = await readInspection(database);
      return {
        marker,
        at: before.now,
        foreignSeenAt: before.foreign_seen_at,
        onlyOtto: before.foreign_seen_at === null,
        lost: before.marker !== null && before.marker !== marker,
        coversWait: (waited) => Math.min(waited, before.age ?? Infinity) <= KEPT_SECONDS,
      };
    },
    async isStill({ marker }) {
      return await readMarker() === marker;
    },
    async end({ marker, at, foreignSeenAt }, foreignSeen) {
      // "others" is what foreign workers are called in stored values.
      const value = JSON.stringify({ marker, at, others_at: foreignSeen ? at : foreignSeenAt });
      await database.query(
        "note that jobs were inspected",
        (sql) =>
          sql`insert into settings (name, value) values ('jobs_watched', ${value})
          on conflict (name) do update set value = excluded.value`,
      );
      inspected = marker;
    },
  };
}

/** What the last inspection of all jobs has noted; its age in seconds. */
interface LastInspection {
  now: Date;
  marker: string | null;
  age: number | null;
  foreign_seen_at: string | null;
}

async function readInspection(database: Database): Promise<LastInspection> {
  const [row] = await database.query(
    "read when jobs were last inspected",
    (sql) =>
      sql<LastInspection[]>`
      select now() as now, s.value::jsonb ->> 'marker' as marker,
        case when (s.value::jsonb ->> 'others_at')::timestamptz
          > now() - make_interval(hours => ${FOREIGN_HOURS})
          then s.value::jsonb ->> 'others_at' end as foreign_seen_at,
        extract(epoch from now() - (s.value::jsonb ->> 'at')::timestamptz)::float8 as age
      from (select 1) one left join settings s on s.name = 'jobs_watched'`,
  );
  return row;
}
