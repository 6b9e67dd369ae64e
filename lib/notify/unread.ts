import type { Database } from "../store/database.ts";

/** How many notifications in the web UI nobody has read; counted up to `most`. */
export async function countUnread(database: Database, most: number): Promise<number> {
  const [{ unread }] = await database.query(
    "count what is unread",
    (sql) =>
      sql<{ unread: number }[]>`
      select count(*)::int as unread from (
        select from notifications where channel = 'web' and read_at is null limit ${most}
      ) n`,
  );
  return unread;
}
