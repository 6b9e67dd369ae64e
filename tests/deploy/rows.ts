import postgres from "postgres";

/** Asks a database itself, beside Otto. */
export async function ask<T>(
  url: string,
  question: (sql: postgres.Sql) => PromiseLike<T>,
): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice() {} });
  try {
    return await question(sql);
  } finally {
    await sql.end();
  }
}

/** Messages by id, with how many tasks each has and how often these have ended. */
export async function outcomesOf(
  url: string,
): Promise<Map<string, { tasks: number; ends: number }>> {
  const rows = await ask(url, (sql) =>
    sql<{ id: string; tasks: number; ends: number }[]>`
      select m.id, count(distinct t.id)::int as tasks, count(e.id)::int as ends
      from messages m left join tasks t on t.message_id = m.id
      left join task_events e on e.task_id = t.id and e.kind = 'completed'
      group by m.id`);
  return new Map(rows.map(({ id, ...rest }) => [id, rest]));
}
