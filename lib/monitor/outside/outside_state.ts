import type { Config } from "../../config/config.ts";
import type { Database } from "../../store/database.ts";
import type { Check } from "../check.ts";

const STATE = "heartbeat_state";
/** What is older than three heartbeats says nothing of now. */
const STALE_SECONDS = 200;

/** How the last heartbeat went. */
export interface OutsideState {
  ok: boolean;
  /** In words; never the address, which is a secret. */
  detail: string;
  at: string;
}

/** How the last heartbeat went, and how long ago; undefined before the first. */
export async function readOutside(database: Database, ms?: number) {
  const [row] = await database.query(
    "read how the heartbeat went",
    (sql) =>
      sql<{ value: string; age: number }[]>`
      select value, extract(epoch from now() - (value::jsonb->>'at')::timestamptz)::float8 as age
      from settings where name = ${STATE}`,
    ms,
  );
  return row && { ...JSON.parse(row.value) as OutsideState, ageSeconds: row.age };
}

/** Remembers it for every process. */
export async function writeOutside(database: Database, { ok, detail }: Omit<OutsideState, "at">) {
  await database.query("remember how the heartbeat went", (sql) =>
    sql`
      insert into settings (name, value) values (${STATE},
        json_build_object('ok', ${ok}::boolean, 'detail', ${detail}::text, 'at', now())::text)
      on conflict (name) do update set value = excluded.value`);
}

/** How it goes with `HEARTBEAT_URL`, for health and System; nothing where it is not set. */
export async function checkOutside(
  database: Database,
  { heartbeatUrl }: Pick<Config, "heartbeatUrl">,
  ms: number,
): Promise<Check[]> {
  if (heartbeatUrl === undefined) return [];
  const name = "heartbeat";
  try {
    const state = await readOutside(database, ms);
    if (!state || state.ageSeconds > STALE_SECONDS) {
      return [{
        name,
        status: state ? "degraded" : "ok",
        detail: state ? "HEARTBEAT_URL was not called for minutes" : "not called yet",
      }];
    }
    return [
      state.ok ? { name, status: "ok", detail: "HEARTBEAT_URL is called each minute" } : {
        name,
        status: "degraded",
        detail: `HEARTBEAT_URL: ${state.detail}`,
        hint: "Whoever counts on it takes Otto for dead: look at the other checks, then at the URL",
      },
    ];
  } catch {
    return [{ name, status: "failed", detail: "cannot be looked up now" }];
  }
}
