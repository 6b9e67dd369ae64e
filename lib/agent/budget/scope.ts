import type { Price } from "../../config/model/prices.ts";
import type { Budgets, SharedBudgets } from "../policy.ts";

/** Whose budget it is, as `reserve_budget` takes it: null is no limit. */
export interface BudgetScope {
  /** Null: of all sources together. */
  source: string | null;
  /** The id of a subject: of the tasks about it alone, of which only tokens are limited. */
  subject: string | null;
  tasks_per_hour: number | null;
  tokens_per_day: number | null;
  micros_per_day: number | null;
}

/** Money is kept in millionths of its currency, as whole numbers: sums of them are exact. */
export const MICROS = 1_000_000;

/** The budgets that calls for a task count in: of its source, of all, and of what it is about. */
export function scopesOf(
  { source, subjectId }: { source: string; subjectId?: string | null },
  own: Budgets,
  all: SharedBudgets,
): BudgetScope[] {
  const scopes = [
    scopeOf(source, own),
    scopeOf(null, all),
    ...subjectId && own.subjectTokensPerDay !== undefined
      ? [{ ...scopeOf(source, { tokensPerDay: own.subjectTokensPerDay }), subject: subjectId }]
      : [],
  ];
  // Without a limit there is nothing to add up.
  return scopes.filter(({ tasks_per_hour, tokens_per_day, micros_per_day }) =>
    (tasks_per_hour ?? tokens_per_day ?? micros_per_day) !== null
  );
}

function scopeOf(
  source: string | null,
  { tasksPerHour, tokensPerDay, moneyPerDay }: SharedBudgets,
): BudgetScope {
  return {
    source,
    subject: null,
    tasks_per_hour: tasksPerHour ?? null,
    tokens_per_day: tokensPerDay ?? null,
    micros_per_day: moneyPerDay === undefined ? null : Math.floor(decimal(moneyPerDay * MICROS)),
  };
}

/** What tokens cost, in millionths of the currency: a price is for a million of them. */
export function microsFor(
  { input, output }: { input: number; output: number },
  price: Price | undefined,
): number {
  return price ? Math.ceil(decimal(input * price.input + output * price.output)) : 0;
}

/** Digits that a number's binary form keeps, as the schema counts: 70 times 0.1 is 7, and not a bit more. */
function decimal(amount: number): number {
  return Number(amount.toPrecision(15));
}
