import type { Database, Sql } from "../../store/database.ts";

/**
 * Slack takes about one message a second in a channel, so nobody calls before a
 * place's time has come: all workers share the table.
 */
export const PACE_SECONDS = 1.1;

/** The place whose time is everybody's. */
const EVERYWHERE = "*";

/** Whether a place `p` is free now. */
export function isFree(sql: Sql) {
  return sql`p.free_at <= now() and p.place <> ${EVERYWHERE} and not exists (
    select from slack_places where place = ${EVERYWHERE} and free_at > now())`;
}

/** Slack asks us all to wait. */
export async function holdPlaces(database: Database, seconds: number): Promise<void> {
  await database.query("wait for Slack", (sql) =>
    sql`
      insert into slack_places as p (place, free_at)
      values (${EVERYWHERE}, now() + make_interval(secs => ${seconds}))
      on conflict (place) do update set free_at = greatest(p.free_at, excluded.free_at)`);
}
