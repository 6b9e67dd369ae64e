import type { Database } from "../store/database.ts";
import { newId } from "../store/id.ts";
import { intoOutbox } from "../store/outbox.ts";
import type { Destination } from "../task/destination.ts";
import { NEED_TRY } from "./need.ts";

/** Puts a marked test into the outbox; returns its id, by which its outcome is read. */
export async function tryRoute(
  database: Database,
  { channel, destination, route }: Destination & { route: string },
): Promise<string> {
  const id = newId();
  await database.query("try a route", (sql) =>
    sql`
      with told as (
        ${
      intoOutbox(
        sql,
        sql`
        select ${id}::uuid, 'try:' || ${id}::text, null::uuid, null::uuid, ${channel}::text,
          ${destination}::text, ${NEED_TRY}::text,
          'A test of Otto''s route "' || ${route}::text || '": nothing has happened.'`,
      )
    }
      )
      insert into changes (kind, ids)
      select 'notification', array_agg(id) from told having count(*) > 0`);
  return id;
}
