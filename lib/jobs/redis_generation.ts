import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import type { Redis } from "../store/redis.ts";

/** Redis has this key until it loses its data. */
const MARKER_KEY = "otto:jobs:marker";
/** As long as results are kept: what ran within this time before Redis lost its data is not known. */
const KEPT_SECONDS = 3_600;

/** So long after another worker was seen, it may have taken a job that went with Redis' data. */
const OTHERS_HOURS = 24;

/** Remembers when all jobs were last looked at, across restarts and replicas. */
export interface RedisGeneration {
  /** Begins a look at all jobs. */
  begin(): Promise<GenerationReading>;
  /** All jobs have been looked at; `others` says whether somebody else than Otto works on them. */
  end(since: GenerationReading, others: boolean): Promise<void>;
  /** Whether Redis has lost its data since the last look at all jobs. */
  hasLost(): Promise<boolean>;
  /** Whether Redis still has what it had when this look began. */
  isStill(since: GenerationReading): Promise<boolean>;
}

/** How much is known of the time since the last look. */
export interface GenerationReading {
  marker: string;
  at: Date;
  /** When somebody else was last seen to work; null when that is long ago. */
  othersAt: string | null;
  /** Redis has lost its data since the look before. Else a job that is gone was run. */
  lost: boolean;
  /** Nobody else than Otto was seen to work lately: what its database does not know of was not begun. */
  alone: boolean;
  /** Whether a job that waited for so many seconds would have been seen to end before the loss. */
  isWatched(waitedSeconds: number): boolean;
}

export function openRedisGeneration(redis: Redis, database: Database): RedisGeneration {
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
          sql<{ now: Date; marker: string | null; age: number | null; others: string | null }[]>`
          select now() as now, s.value::jsonb ->> 'marker' as marker,
            case when (s.value::jsonb ->> 'others_at')::timestamptz
              > now() - make_interval(hours => ${OTHERS_HOURS})
              then s.value::jsonb ->> 'others_at' end as others,
            extract(epoch from now() - (s.value::jsonb ->> 'at')::timestamptz)::float8 as age
          from (select 1) one left join settings s on s.name = 'jobs_watched'`,
      );
      return {
        marker,
        at: row.now,
        othersAt: row.others,
        alone: row.others === null,
        lost: row.marker !== null && row.marker !== marker,
        isWatched: (waited) => Math.min(waited, row.age ?? Infinity) <= KEPT_SECONDS,
      };
    },
    async isStill({ marker }) {
      return await readMarker() === marker;
    },
    async end({ marker, at, othersAt }, others) {
      const value = JSON.stringify({ marker, at, others_at: others ? at : othersAt });
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
