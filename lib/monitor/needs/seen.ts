import type { Database } from "../../store/database.ts";
import { NO_NOTICE } from "./needs.ts";

/** One statement marks so many: the next press marks the rest. */
const AT_ONCE = 1_000;

/** Marks the notices up to the newest that somebody saw as read; says how many. */
export async function markNoticesRead(database: Database, newest: string): Promise<number> {
  const rows = await database.query("mark notices as read", (sql) =>
    sql`
      with read as (
        update notifications set read_at = now()
        where id in (
          select id from notifications
          where channel = 'web' and read_at is null and kind not in ${sql.unsafe(NO_NOTICE)}
            and id <= ${newest}
          order by id desc limit ${AT_ONCE}
        )
        returning id
      ), changed as (
        insert into changes (kind, ids)
        select 'notification', array_agg(id) from read having count(*) > 0
      )
      select id from read`);
  return rows.length;
}

/**
 * Marks a group as seen by somebody, up to the latest that they saw of it: it is not counted any
 * more until something else comes.
 *
 * @param latest a time of the store's, as the group has it.
 */
export async function markSeen(
  database: Database,
  { key, latest, by }: { key: string; latest: string; by: string },
): Promise<void> {
  const [kind, source] = key.split(":");
  await database.query("mark a group as seen", (sql) =>
    sql`
      insert into need_groups (key, kind, source, seen_to, seen_by)
      values (${key}, ${kind}, ${source}, ${latest}::text::timestamptz, ${by})
      on conflict (key) do update set seen_to = excluded.seen_to, seen_by = excluded.seen_by,
        updated_at = now()
      where need_groups.seen_to is null or need_groups.seen_to < excluded.seen_to`);
}
