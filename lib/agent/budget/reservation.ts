import type { Price } from "../../config/model/prices.ts";
import type { Database } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import type { BudgetScope } from "./scope.ts";
import type { TokenCount } from "./estimate.ts";
import { type TaskLease, TaskLostError } from "../run/lease.ts";
import type { Reservation } from "./settlement.ts";

/**
 * Reserves what one model call may bill, in all budgets it counts in, or in none. The first one of a
 * round counts its task. No two calls, of whichever workers, reserve the same.
 *
 * @param least the output that the call can do with, where less than `most.output` is left.
 * @returns undefined when there is not enough left.
 * @throws {TaskLostError}
 */
export async function reserve(
  database: Database,
  { taskId, epoch, source }: TaskLease & { source: string },
  { most, least, round = 0, scopes, price }: {
    most: TokenCount;
    least: number;
    /** Of the run; each counts as a task does. */
    round?: number;
    scopes: readonly BudgetScope[];
    price: Price | undefined;
  },
): Promise<Reservation | undefined> {
  return await reserveBy(database, "reserve_budget", {
    task: taskId,
    epoch,
    source,
    round,
    most,
    least,
    scopes,
    price,
  });
}

/** What a function of the schema reserves by: whose call it is besides. */
interface ReservationRequest extends Record<string, unknown> {
  most: TokenCount;
  scopes: readonly BudgetScope[];
  price: Price | undefined;
}

/**
 * Has the schema's function for tasks, or that for trials, reserve what a call may bill.
 *
 * @returns undefined when there is not enough left.
 * @throws {TaskLostError}
 */
export async function reserveBy(
  database: Database,
  reserves: "reserve_budget" | "reserve_trial_budget",
  { most, price, ...request }: ReservationRequest,
): Promise<Reservation | undefined> {
  const id = newId();
  const given = {
    ...request,
    id,
    subject: request.scopes.find(({ subject }) => subject !== null)?.subject,
    ...most,
    input_price: price?.input,
    output_price: price?.output,
  };
  const [{ output }] = await database.query(
    "reserve a model call's tokens",
    (sql) =>
      sql<{ output: number | null }[]>`
      select ${sql.unsafe(reserves)}(${JSON.stringify(given)}::text::jsonb)::float8 as output`,
  );
  if (output === null) return undefined;
  if (output < 0) throw new TaskLostError();
  return { id, input: most.input, output };
}

/** Whether a task's run, and the round that it is in, has begun: then it was counted. */
export async function hasBegun(database: Database, taskId: string): Promise<boolean> {
  const rows = await database.query(
    "look for a run",
    (sql) =>
      sql`
      select from agent_runs where task_id = ${taskId} and counted_run = run
        and coalesce((state->>'rounds')::int, 0) in (0, counted_round)`,
  );
  return rows.length > 0;
}
