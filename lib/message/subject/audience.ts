import type { Database, Fragment, Sql } from "../../store/database.ts";

/** Who alone may read what a task was told, where not all may who read what it is about. */
export async function readAudiences(database: Database, taskId: string): Promise<string[]> {
  const rows = await database.query(
    "read who may read what a task was told",
    (sql) => sql<{ audience: string }[]>`${audiencesOf(sql, sql`${taskId}::uuid`)}`,
  );
  return rows.map(({ audience }) => audience);
}

/** Whether a message `m` may be told to a task: it is for all, or for whom that was told of already. */
export const mayHear = (sql: Sql, taskId: string) =>
  sql`(m.audience is null or m.audience in (${heardBy(sql, taskId)}))`;

/** The same of all that another task was told; `of` is its id. */
export const mayHearAll = (sql: Sql, taskId: string, of: Fragment) =>
  sql`not exists (${audiencesOf(sql, of)} except ${heardBy(sql, taskId)})`;

const audiencesOf = (sql: Sql, taskId: Fragment) =>
  sql`select distinct audience from messages where task_id = ${taskId} and audience is not null`;

/** Who alone may read what a task was told, and those whom they are a part of: see `Source.audience`. */
const heardBy = (sql: Sql, taskId: string) =>
  sql`select unnest(array[audience, substring(audience from '^(.+)/')])
    from messages where task_id = ${taskId}::uuid and audience is not null`;
