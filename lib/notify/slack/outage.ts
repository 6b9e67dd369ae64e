import type { Database, Sql } from "../../store/database.ts";
import { readClock } from "../../store/clock.ts";
import { newId } from "../../store/id.ts";
import { intoOutbox, WEB_CHANNEL } from "../../store/outbox.ts";
import type { Log } from "../../process/log.ts";

/** Why Slack takes nothing from us at all. */
export interface Outage {
  code: string;
  /** With what to do about it. */
  error: string;
  since: string;
}

/** The name that releases before this one have written it under. */
const SETTING = "slack_obstacle";

/** Why Slack takes nothing from us; undefined while it does. */
export async function readOutage(
  database: Database,
  ms?: number,
): Promise<Outage | undefined> {
  const [row] = await database.query(
    "read what is wrong with Slack",
    (sql) => sql<{ value: string }[]>`select value from settings where name = ${SETTING}`,
    ms,
  );
  return row && JSON.parse(row.value);
}

/** Remembers, for every process to see, that Slack takes nothing; tells the web UI once a day. */
async function writeOutage(
  database: Database,
  { code, error }: { code: string; error: string },
): Promise<void> {
  const { now } = await readClock(database);
  const value = JSON.stringify({ code, error, since: now.toISOString() });
  await database.query("remember what is wrong with Slack", (sql) =>
    sql`
      with remembered as (
        insert into settings (name, value) values (${SETTING}, ${value})
        on conflict (name) do update set value = excluded.value
        where settings.value::jsonb->>'code' <> ${code}
      ), told as (
        ${intoOutbox(sql, notice(sql, { code, error }))}
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from told having count(*) > 0`);
}

/** Once a day for each code. */
const notice = (sql: Sql, { code, error }: { code: string; error: string }) =>
  sql`
    select ${newId()}::uuid, 'slack:' || ${code}::text || ':' || current_date, null::uuid,
      null::uuid, ${WEB_CHANNEL}, ${WEB_CHANNEL}, 'slack_failed',
      'Slack takes no messages: ' || ${error}::text ||
        '. Outcomes are told here; Slack gets them when this is mended.'`;

/** Slack takes messages again. */
export async function clearOutage(database: Database): Promise<void> {
  await database.query(
    "forget what was wrong with Slack",
    (sql) => sql`delete from settings where name = ${SETTING}`,
  );
}

/** How long Slack is left alone in an outage before another try: somebody has to mend it by hand. */
export const OUTAGE_SECONDS = 60;

/** What this process knows of Slack's taking nothing from us. */
export interface OutageWatch {
  /** Whether Slack is to be left alone now. */
  leavesAlone(): boolean;
  /** Slack has refused something for a reason that would meet everything else, too. */
  begin(code: string, error: string): Promise<void>;
  /** Slack has taken something. */
  end(): Promise<void>;
  /** Slack has said who we are: that ends most outages, those of an earlier process too. */
  recognised(): Promise<void>;
}

/** Watches over one process's calls of Slack. */
export function createOutageWatch(database: Database, log: Log): OutageWatch {
  let until = 0;
  let current: string | undefined;

  async function mend(): Promise<void> {
    current = undefined;
    until = 0;
    await clearOutage(database);
    log.info("slack.mended");
  }

  return {
    leavesAlone: () => performance.now() < until,
    async begin(code, error) {
      until = performance.now() + OUTAGE_SECONDS * 1_000;
      if (current === code) return;
      log.error("slack.blocked", { code, error });
      await writeOutage(database, { code, error });
      current = code;
    },
    async end() {
      if (current !== undefined) await mend();
    },
    async recognised() {
      const outage = await readOutage(database);
      // A scope that is missing shows only when it is needed.
      if (outage?.code === "missing_scope") current = outage.code;
      else if (outage) await mend();
    },
  };
}
