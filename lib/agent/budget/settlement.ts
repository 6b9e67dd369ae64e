import type { Price } from "../../config/prices.ts";
import type { Database, Sql } from "../../store/database.ts";
import { microsFor } from "./scope.ts";
import type { TokenCount } from "./estimate.ts";
import type { TaskLease } from "../run/lease.ts";

/** What a model call under way may bill at most; it is out of the budgets until it is settled. */
export interface Reservation extends TokenCount {
  id: string;
}

/** What a call has billed, to take the place of what was reserved for it. */
export interface Settlement {
  reservation: string;
  tokens: number;
  micros: number;
}

/** A call takes ten minutes at most (`step_seconds`): whoever has not settled it by then is gone. */
const LOST_AFTER = "30 minutes";
/** They are counted in pieces, so that no statement takes long. */
const LOST_AT_ONCE = 1_000;

/**
 * Counts what a call has billed and gives back the rest of its reservation: parts of a statement,
 * `with ${settling(…)}, …`. One that is settled already changes nothing. Whose task it is by now
 * does not matter: what was billed was billed.
 */
export function settling(sql: Sql, settlement: Settlement | undefined) {
  return sql`
    settled as (
      delete from budget_reservations where id = ${settlement?.reservation ?? null}::uuid
      returning task_id, source
    ), spent as (
      insert into agent_usage as u (source, hour, tokens, micros)
      select source, date_trunc('hour', now()), ${settlement?.tokens ?? 0}::bigint,
        ${settlement?.micros ?? 0}::bigint from settled
      on conflict (source, hour) do update
      set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros
    )`;
}

/** Settles a call that gave no step to be saved; in the run's own budget it counts as a lost one. */
export async function settle(database: Database, settlement: Settlement): Promise<void> {
  await database.query("settle a model call", (sql) =>
    sql`
    with ${settling(sql, settlement)}
    update agent_runs r set lost_tokens = r.lost_tokens + ${settlement.tokens}::bigint
    from settled where r.task_id = settled.task_id`);
}

/** What a call is settled with when nobody knows what it has billed: all that it might have. */
export function allOf({ id, input, output }: Reservation, price: Price | undefined): Settlement {
  return {
    reservation: id,
    tokens: input + output,
    micros: microsFor({ input, output }, price),
  };
}

/**
 * Counts in full what a task's lost worker had reserved, in the source's budgets and the run's own:
 * its call may have been made.
 */
export async function settleLost(
  database: Database,
  { taskId, epoch }: TaskLease,
): Promise<void> {
  await database.query("settle a lost worker's call", (sql) =>
    sql`
    with lost as (
      delete from budget_reservations where task_id = ${taskId} and epoch < ${epoch}
      returning task_id, source, tokens, micros, reserved_at
    ), spent as (
      ${countLost(sql)}
    )
    update agent_runs r set lost_tokens = r.lost_tokens + lost.tokens
    from lost where r.task_id = lost.task_id`);
}

/** The same for tasks that nobody has taken since: they were cancelled, deleted or have ended. */
export async function settleForgotten(database: Database): Promise<void> {
  await database.query("settle calls that nobody has settled", (sql) =>
    sql`
    with lost as (
      delete from budget_reservations where task_id in (
        select task_id from budget_reservations
        where reserved_at < now() - ${LOST_AFTER}::interval
        order by task_id limit ${LOST_AT_ONCE} for update skip locked)
      returning source, tokens, micros, reserved_at
    )
    ${countLost(sql)}`);
}

/** Counts what `lost` rows had reserved: part of a statement. */
export const countLost = (sql: Sql) =>
  sql`
    insert into agent_usage as u (source, hour, tokens, micros)
    select source, date_trunc('hour', reserved_at), sum(tokens), sum(micros) from lost
    group by 1, 2 order by 1, 2
    on conflict (source, hour) do update
    set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros`;
