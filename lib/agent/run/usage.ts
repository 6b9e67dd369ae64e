import type { Database } from "../../store/database.ts";
import { MICROS } from "../budget/scope.ts";
import type { Budgets, SharedBudgets } from "../policy.ts";

/** What tasks have used of their budgets, and what is left; undefined where nothing is limited. */
export interface SourceUsage {
  /** Undefined: all sources together. */
  source?: string;
  /** In the last 24 hours, input and output together. */
  tokens: number;
  tokensLeft?: number;
  /** Begun in this clock hour. */
  tasks: number;
  tasksLeft?: number;
  /** In the prices' currency, in the last 24 hours. */
  money: number;
  moneyLeft?: number;
}

/** What the tasks about one subject have used, where its source limits that. */
export interface SubjectUsage {
  id: string;
  name: string;
  /** In the last 24 hours, input and output together. */
  tokens: number;
  tokensLeft: number;
}

/** The dearest of them. */
const MOST_SUBJECTS = 10;

/** There are some fifty names at most: all unknown ones count as one. */
const MOST_SOURCES = 100;

/**
 * The sources whose tasks a model has worked lately, the dearest first, and then all of them
 * together. What calls under way have reserved is not left.
 */
export async function readUsage(
  database: Database,
  { budgetsOf, sharedBudgets }: {
    budgetsOf(source: string): Budgets;
    sharedBudgets: SharedBudgets;
  },
): Promise<SourceUsage[]> {
  const rows = await database.query(
    "read what sources have used",
    (sql) =>
      sql<UsedRow[]>`
      with used as (
        select source, sum(tokens) as tokens, sum(micros) as micros,
          coalesce(sum(tasks) filter (where hour = date_trunc('hour', now())), 0) as tasks
        from agent_usage where hour > now() - interval '25 hours' group by source
      ), reserved as (
        select source, sum(tokens) as tokens, sum(micros) as micros from budget_reservations
        group by source
      )
      select source, coalesce(sum(u.tokens), 0)::float8 as tokens,
        coalesce(sum(u.micros), 0)::float8 as micros, coalesce(sum(u.tasks), 0)::int as tasks,
        coalesce(sum(r.tokens), 0)::float8 as reserved_tokens,
        coalesce(sum(r.micros), 0)::float8 as reserved_micros
      from used u full join reserved r using (source)
      group by rollup (source) order by source is null, 2 desc, 1 limit ${MOST_SOURCES}`,
  );
  // A source's name is never empty: the row without one is the sum.
  return rows.filter(({ source }) => source !== null || rows.length > 1).map((row) =>
    toUsage(row, row.source === null ? sharedBudgets : budgetsOf(row.source))
  );
}

interface UsedRow {
  source: string | null;
  tokens: number;
  micros: number;
  tasks: number;
  reserved_tokens: number;
  reserved_micros: number;
}

function toUsage(
  { source, tokens, micros, tasks, reserved_tokens, reserved_micros }: UsedRow,
  { tokensPerDay, tasksPerHour, moneyPerDay }: SharedBudgets,
): SourceUsage {
  const left = (limit: number | undefined, used: number) =>
    limit === undefined ? undefined : Math.max(0, limit - used);
  return {
    source: source ?? undefined,
    tokens,
    tokensLeft: left(tokensPerDay, tokens + reserved_tokens),
    tasks,
    tasksLeft: left(tasksPerHour, tasks),
    money: micros / MICROS,
    moneyLeft: left(moneyPerDay, (micros + reserved_micros) / MICROS),
  };
}

/** The subjects with a budget of their own whose tasks have used most of late, the dearest first. */
export async function readSubjectUsage(
  database: Database,
  { budgetsOf }: { budgetsOf(source: string): Budgets },
): Promise<SubjectUsage[]> {
  const rows = await database.query(
    "read what subjects have used",
    (sql) =>
      sql<{ id: string; source: string; name: string; tokens: number; reserved: number }[]>`
      select s.id, s.source, coalesce(s.name, s.source) as name, u.tokens::float8 as tokens,
        (select coalesce(sum(r.tokens), 0) from budget_reservations r
          where r.subject_id = s.id)::float8 as reserved
      from (
        select subject_id, sum(tokens) as tokens from subject_usage
        where hour > now() - interval '25 hours' group by subject_id
        order by 2 desc, 1 limit ${MOST_SUBJECTS}) u
      join subjects s on s.id = u.subject_id order by u.tokens desc, s.id`,
  );
  return rows.flatMap(({ id, source, name, tokens, reserved }) => {
    const limit = budgetsOf(source).subjectTokensPerDay;
    if (limit === undefined) return [];
    return { id, name, tokens, tokensLeft: Math.max(0, limit - tokens - reserved) };
  });
}

/** Forgets what no budget looks at any more. */
export async function forgetUsage(database: Database): Promise<void> {
  await database.query(
    "forget old usage",
    (sql) =>
      sql`
      with of_subjects as (delete from subject_usage where hour < now() - interval '2 days')
      delete from agent_usage where hour < now() - interval '2 days'`,
  );
}
