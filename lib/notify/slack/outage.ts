import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";

/** Why Slack takes nothing from us at all. */
export interface Outage {
  code: string;
  /** With what to do about it. */
  error: string;
  since: string;
}

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
export async function writeOutage(
  database: Database,
  { code, error }: { code: string; error: string },
): Promise<void> {
  const value = JSON.stringify({ code, error, since: new Date().toISOString() });
  await database.query("remember what is wrong with Slack", (sql) =>
    sql`
      with remembered as (
        insert into settings (name, value) values (${SETTING}, ${value})
        on conflict (name) do update set value = excluded.value
        where settings.value::jsonb->>'code' <> ${code}
      ), told as (
        insert into notifications (id, cause, channel, destination, kind, text)
        values (${newId()}, 'slack:' || ${code}::text || ':' || current_date, 'web', 'web',
          'slack_failed', 'Slack takes no messages: ' || ${error}::text ||
          '. Outcomes are told here; Slack gets them when this is mended.')
        on conflict do nothing returning id
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from told having count(*) > 0`);
}

/** Slack takes messages again. */
export async function clearOutage(database: Database): Promise<void> {
  await database.query(
    "forget what was wrong with Slack",
    (sql) => sql`delete from settings where name = ${SETTING}`,
  );
}
