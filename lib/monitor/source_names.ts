import type { Database } from "../store/database.ts";
import type { Registry } from "../../sources/rules/registry.ts";

/** Of the systems that nobody knows the busiest are named, and as many that came last. */
const NAMED = 100;

/**
 * The names by which systems have sent that nobody knows, of messages that are kept: the hundred
 * with most of them and the hundred that were new or came again last, so that whoever invents names
 * drives out none that is in use. What was refused makes no name.
 */
export async function listSeenNames(database: Database, sources: Registry): Promise<string[]> {
  const known = Object.entries(sources.all).flatMap(([name, { aliases }]) => [
    name,
    ...aliases ?? [],
  ]);
  const rows = await database.query(
    "list the names that came",
    (sql) =>
      sql<{ name: string }[]>`
      with known as materialized (
        select jsonb_array_elements_text(${JSON.stringify(known)}::text::jsonb) as name
      ), busiest as (
        select lower(type collate "C") as name, sum(items) as items from counts
        where kind = 'message' and state <> 'rejected' group by 1 having sum(items) > 0
      ), latest as (
        select name, max(minute) as minute from activity
        where kind = 'message' and state = 'received' and name <> ''
          and minute > now() - interval '1 day' group by 1
      )
      (select name from busiest where name not in (select name from known)
        order by items desc, name limit ${NAMED})
      union
      (select l.name from latest l join busiest using (name)
        where l.name not in (select name from known)
        order by l.minute desc, l.name limit ${NAMED})
      order by name`,
  );
  return rows.map(({ name }) => name);
}

/** Whether a message is kept that came by this name, which nobody knows. */
export async function isSeen(database: Database, name: string): Promise<boolean> {
  const rows = await database.query("look for a name", (sql) =>
    sql`
      select 1 from messages
      where source = 'generic' and lower(webhook_type collate "C") = ${name.toLowerCase()}
        and state <> 'rejected' limit 1`);
  return rows.length > 0;
}
