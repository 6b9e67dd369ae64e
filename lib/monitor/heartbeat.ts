import type { Database } from "../store/database.ts";
import { unflushed } from "../store/unflushed.ts";

/** A worker as `/webhook/status` shows it. */
export interface WorkerStatus {
  id: string;
  host: string;
  roles: string[];
  doing: string;
  started_at: Date;
  last_seen: Date;
  processed: number;
  /** A short name for the rules of the operator's that it has read; null where there are none. */
  rules: string | null;
  alive: boolean;
}

/** Four beats in a lease, which runs out when all of them have failed. */
export const HEARTBEAT_MS = 1_500;
/** What others may count on: see `PREVIOUS_RELEASE_GONE`. Grows with the schema. */
const RELEASE = "15";
/** Whoever drains by request is no worker that stays: all of them are this one row. */
const DRAIN_ROLE = "drain";
/** The cron drains each minute: three that have not come are no chance. */
const DRAINED_SECONDS = 180;
/** A worker not seen for this long is taken for dead: its leases have run out. */
const SILENT_SECONDS = 10;

/** Says that a worker is alive, what it does and how much it has done. */
export async function beat(
  database: Database,
  { id, host, roles, doing, processed, rules }:
    & Omit<
      WorkerStatus,
      "roles" | "started_at" | "last_seen" | "alive"
    >
    & { roles: readonly string[] },
): Promise<void> {
  await database.query("send a heartbeat", (sql) =>
    sql`
      insert into workers (id, host, roles, doing, processed, rules, release)
      select ${id}, ${host}, ${`{${roles.join(",")}}`}::text[], ${doing}, ${processed}, ${rules},
        ${RELEASE} where ${unflushed(sql)}
      on conflict (id) do update
      set last_seen = now(), doing = excluded.doing, processed = excluded.processed,
        rules = excluded.rules, release = excluded.release`);
}

/** Takes a worker off the list: it has stopped in order. */
export async function signOff(database: Database, id: string): Promise<void> {
  await database.query("sign a worker off", (sql) => sql`delete from workers where id = ${id}`);
}

/** Every worker seen within the last hour, the latest first; within `ms` where that is said. */
export async function listWorkers(database: Database, ms?: number): Promise<WorkerStatus[]> {
  const rows = await database.query(
    "list workers",
    (sql) =>
      sql<(Omit<WorkerStatus, "processed"> & { processed: string })[]>`
      select id, host, to_json(roles) as roles, doing, started_at, last_seen, processed, rules,
        last_seen > now() - make_interval(secs =>
          case when id = ${DRAIN_ROLE} then ${DRAINED_SECONDS} else ${SILENT_SECONDS} end::float8
        ) as alive
      from workers where last_seen > now() - interval '1 hour'
      order by last_seen desc, id limit 100`,
    ms,
  );
  return rows.map((row) => ({ ...row, processed: Number(row.processed) }));
}

/** Takes workers off the list that died long ago. */
export async function forgetWorkers(database: Database): Promise<void> {
  await database.query(
    "forget silent workers",
    (sql) => sql`delete from workers where last_seen < now() - interval '1 hour'`,
  );
}

/** Notes that a drain has ended, for whoever wants to know whether anybody works. */
export async function noteDrain(
  database: Database,
  { rules }: Pick<WorkerStatus, "rules">,
): Promise<void> {
  await beat(database, {
    id: DRAIN_ROLE,
    // It may be any of them: no worker on a machine is alive by it.
    host: "any",
    roles: [DRAIN_ROLE],
    doing: "drains by request",
    processed: 0,
    rules,
  });
}

/** Whether this is the row of those who drain. */
export function isDrain({ roles }: Pick<WorkerStatus, "roles">): boolean {
  return roles.includes(DRAIN_ROLE);
}
