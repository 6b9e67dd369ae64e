import type { Database } from "../../store/database.ts";
import type { Budgets } from "../policy.ts";

/** Where a source stands with its budgets. */
export type BudgetAdmission = { ok: true } | { ok: false; afterSeconds: number; reason: string };

/**
 * Counts one more task for a source, if its budgets have room: so many tasks in
 * each hour, so many tokens in the last 24.
 */
export async function admit(
  database: Database,
  source: string,
  { tasksPerHour, tokensPerDay }: Budgets,
): Promise<BudgetAdmission> {
  const [row] = await database.query(
    "look at a source's budgets",
    (sql) =>
      sql<{ admitted: boolean; spent: boolean; to_next_hour: number }[]>`
      with day as (
        select coalesce(sum(tokens), 0) >= ${tokensPerDay}::bigint as spent from agent_usage
        where source = ${source} and hour > now() - interval '24 hours'
      ), counted as (
        insert into agent_usage as u (source, hour, tasks)
        select ${source}, date_trunc('hour', now()), 1 from day where not spent
        on conflict (source, hour) do update set tasks = u.tasks + 1 where u.tasks < ${tasksPerHour}
        returning 1
      )
      select exists (select from counted) as admitted, (select spent from day),
        extract(epoch from date_trunc('hour', now()) + interval '1 hour' - now())::float8
          as to_next_hour`,
  );
  if (row.admitted) return { ok: true };
  const afterSeconds = Math.ceil(row.to_next_hour) + Math.random() * 60;
  const reason = row.spent
    ? `the budget of ${tokensPerDay} tokens a day for ${source} is used up`
    : `the budget of ${tasksPerHour} tasks an hour for ${source} is used up`;
  return { ok: false, afterSeconds, reason };
}

/** What a source's tasks have used of its budgets, and what is left. */
export interface SourceUsage {
  source: string;
  /** In the last 24 hours, input and output together. */
  tokens: number;
  tokensLeft: number;
  /** Begun in this clock hour. */
  tasks: number;
  tasksLeft: number;
}

/** There are some fifty names at most: all unknown ones count as one. */
const MOST_SOURCES = 100;

/** The sources whose tasks a model has worked lately, the dearest first. */
export async function readUsage(
  database: Database,
  budgetsOf: (source: string) => Budgets,
): Promise<SourceUsage[]> {
  const rows = await database.query(
    "read what sources have used",
    (sql) =>
      sql<{ source: string; tokens: number; tasks: number }[]>`
      select source, sum(tokens)::float8 as tokens,
        coalesce(sum(tasks) filter (where hour = date_trunc('hour', now())), 0)::int as tasks
      from agent_usage where hour > now() - interval '24 hours'
      group by source order by 2 desc, 1 limit ${MOST_SOURCES}`,
  );
  return rows.map(({ source, tokens, tasks }) => {
    const { tokensPerDay, tasksPerHour } = budgetsOf(source);
    return {
      source,
      tokens,
      tokensLeft: Math.max(0, tokensPerDay - tokens),
      tasks,
      tasksLeft: Math.max(0, tasksPerHour - tasks),
    };
  });
}

/** Whether a task's run has begun: then it was counted. */
export async function hasBegun(database: Database, taskId: string): Promise<boolean> {
  const rows = await database.query(
    "look for a run",
    (sql) => sql`select from agent_runs where task_id = ${taskId} and state is not null`,
  );
  return rows.length > 0;
}

/** Forgets what no budget looks at any more. */
export async function forgetUsage(database: Database): Promise<void> {
  await database.query(
    "forget old usage",
    (sql) => sql`delete from agent_usage where hour < now() - interval '2 days'`,
  );
}
