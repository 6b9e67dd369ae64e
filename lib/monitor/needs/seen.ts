import type { Database } from "../../store/database.ts";

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
