import type { Database } from "../database.ts";
import { newId } from "../id.ts";
import type { Redis } from "../redis.ts";

/** Redis has this key until it loses its data. */
const MARKER_KEY = "otto:jobs:marker";
/** As long as results are kept: what ran within this time before Redis lost its data is not known. */
const KEPT_SECONDS = 3_600;

/** Remembers when all jobs were last looked at, across restarts and replicas. */
export interface Watch {
  /** Begins a look at all jobs. */
  begin(): Promise<Since>;
  /** All jobs have been looked at. */
  end(since: Since): Promise<void>;
  /** Whether Redis has lost its data since the last look at all jobs. */
  hasLost(): Promise<boolean>;
  /** Whether Redis still has what it had when this look began. */
  isStill(since: Since): Promise<boolean>;
}

/** How much is known of the time since the last look. */
export interface Since {
  marker: string;
  at: Date;
  /** Redis has lost its data since the look before. Else a job that is gone was run. */
  lost: boolean;
  /** Whether a job that waited for so many seconds would have been seen to end before the loss. */
  isWatched(waitedSeconds: number): boolean;
}

export function openWatch(redis: Redis, database: Database): Watch {
  let known: string | undefined;

  async function readMarker(): Promise<string> {
    const fresh = newId();
    return await redis.run(
      "look whether Redis has lost its data",
      async (client) =>
        // GET with NX needs Redis 7, so two commands.
        await client.set(MARKER_KEY, fresh, { condition: "NX" }) === "OK"
          ? fresh
          : await client.get(MARKER_KEY) ?? fresh,
    );
  }

  return {
    async hasLost() {
      return known !== undefined && await readMarker() !== known;
    },
    async begin() {
      const marker = await readMarker();
      const [row] = await database.query(
        "read when jobs were last looked at",
        (sql) =>
          sql<{ now: Date; marker: string | null; age: number | null }[]>`
          select now() as now, s.value::jsonb ->> 'marker' as marker,
            extract(epoch from now() - (s.value::jsonb ->> 'at')::timestamptz)::float8 as age
          from (select 1) one left join settings s on s.name = 'jobs_watched'`,
      );
      return {
        marker,
        at: row.now,
        lost: row.marker !== null && row.marker !== marker,
        isWatched: (waited) => Math.min(waited, row.age ?? Infinity) <= KEPT_SECONDS,
      };
    },
    async isStill({ marker }) {
      return await readMarker() === marker;
    },
    async end({ marker, at }) {
      const value = JSON.stringify({ marker, at });
      await database.query(
        "note that jobs were looked at",
        (sql) =>
          sql`insert into settings (name, value) values ('jobs_watched', ${value})
          on conflict (name) do update set value = excluded.value`,
      );
      known = marker;
    },
  };
}
