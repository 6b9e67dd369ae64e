import type { Database } from "../../store/database.ts";
import { type BudgetScope, MICROS } from "./scope.ts";

/** What a call, or the task that begins with it, needs of each budget. */
export interface BudgetNeed {
  tokens: number;
  micros: number;
  /** Whether its task is still to be counted. */
  begins: boolean;
  /** Of the money. */
  currency?: string;
}

/** Why there is no budget for a call now. */
export type Shortage =
  /** Calls under way have reserved it: they give back what they do not use. */
  | { until: "settled"; reason: string }
  | { until: "later"; afterSeconds: number; reason: string }
  /** Not even an untouched budget has so much. */
  | { until: "never"; reason: string };

/** What was spent in one hour, and what is reserved now, of one scope. */
interface Spent {
  /** How many seconds ago the hour has begun. */
  age: number;
  tokens: number;
  micros: number;
  tasks: number;
}

const HOUR = 3_600;
/** What was spent in an hour is over when the whole hour is a day ago. */
const SPENT_SECONDS = 25 * HOUR;
/** Tasks that were put off together come back one by one. */
const SPREAD_SECONDS = 60;

/**
 * Which budget has too little for a call, if one has, and from when on it will have enough. It is
 * for people and for waiting: what may be spent, only a reservation decides.
 */
export async function findShortage(
  database: Database,
  scopes: readonly BudgetScope[],
  need: BudgetNeed,
): Promise<Shortage | undefined> {
  let found: Shortage | undefined;
  for (const scope of scopes) {
    const shortage = shortageIn(scope, await readSpent(database, scope), need);
    if (shortage && rank(shortage) > rank(found)) found = shortage;
  }
  return found;
}

/** The longest wait counts. */
function rank(shortage: Shortage | undefined): number {
  if (shortage === undefined) return -1;
  if (shortage.until === "never") return Infinity;
  return shortage.until === "later" ? shortage.afterSeconds : 0;
}

async function readSpent(
  database: Database,
  { source, subject }: BudgetScope,
): Promise<{ now: Date; hours: Spent[]; reserved: Pick<Spent, "tokens" | "micros"> }> {
  const [row] = await database.query(
    "look at budgets",
    (sql) => {
      const its = subject === null
        ? sql`${source}::text is null or source = ${source}`
        : sql`subject_id = ${subject}`;
      const usage = subject === null
        ? sql`agent_usage`
        : sql`(select *, 0 as micros, 0 as tasks from subject_usage) u`;
      return sql<{ now: Date; hours: Spent[] | null; tokens: number; micros: number }[]>`
    select now(),
      (select jsonb_agg(h order by h.age desc) from (
        select extract(epoch from now() - hour)::float8 as age, sum(tokens)::float8 as tokens,
          sum(micros)::float8 as micros, sum(tasks)::float8 as tasks
        from ${usage} where hour > now() - interval '25 hours' and (${its})
        group by hour) h) as hours,
      r.tokens, r.micros
    from (
      select coalesce(sum(tokens), 0)::float8 as tokens, coalesce(sum(micros), 0)::float8 as micros
      from budget_reservations where ${its}) r`;
    },
  );
  return { now: row.now, hours: row.hours ?? [], reserved: row };
}

function shortageIn(
  { source, subject, tasks_per_hour, tokens_per_day, micros_per_day }: BudgetScope,
  { now, hours, reserved }: Awaited<ReturnType<typeof readSpent>>,
  need: BudgetNeed,
): Shortage | undefined {
  const whose = subject === null
    ? `for ${source ?? "all sources"}`
    : `for one subject of ${source}`;
  const shortages: (Shortage | undefined)[] = [];
  const newest = hours.at(-1);
  if (
    need.begins && tasks_per_hour !== null && newest && newest.age < HOUR &&
    newest.tasks >= tasks_per_hour
  ) {
    shortages.push(
      later(now, HOUR - newest.age, `the budget of ${tasks_per_hour} tasks an hour ${whose}`),
    );
  }
  for (
    const [unit, limit, shown] of [
      ["tokens", tokens_per_day, `${tokens_per_day} tokens`],
      ["micros", micros_per_day, amount(micros_per_day ?? 0, need)],
    ] as const
  ) {
    if (limit === null) continue;
    const what = `the budget of ${shown} a day ${whose}`;
    const most = need[unit];
    if (most > limit) {
      const asks = unit === "tokens" ? `${most} tokens` : amount(most, need);
      const reason = `${what} has no room for a model call, which may use ${asks}: raise it in ` +
        "AGENT_CONFIG";
      shortages.push({ until: "never", reason });
      continue;
    }
    let spent = hours.reduce((sum, hour) => sum + hour[unit], 0);
    if (spent + most <= limit) {
      if (spent + reserved[unit] + most <= limit) continue;
      shortages.push({ until: "settled", reason: `${what} is reserved by calls under way` });
      continue;
    }
    // The oldest hours come back first.
    const enough = hours.find((hour) => (spent -= hour[unit]) + most <= limit);
    shortages.push(later(now, SPENT_SECONDS - (enough?.age ?? 0), what));
  }
  return shortages.reduce((one, other) => rank(other) > rank(one) ? other : one, undefined);
}

function amount(micros: number, { currency = "" }: BudgetNeed): string {
  return `${micros / MICROS} ${currency}`.trim();
}

function later(now: Date, seconds: number, what: string): Shortage {
  const at = new Date(now.getTime() + seconds * 1_000).toISOString();
  return {
    until: "later",
    afterSeconds: Math.max(1, Math.ceil(seconds)) + Math.random() * SPREAD_SECONDS,
    reason: `${what} is used up: there is room again at ${at.slice(0, 10)} ${at.slice(11, 16)} UTC`,
  };
}
