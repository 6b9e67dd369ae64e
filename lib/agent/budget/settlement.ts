import type { Price } from "../../config/model/prices.ts";
import type { Database, Fragment, Sql } from "../../store/database.ts";
import { newId } from "../../store/id.ts";
import { idArray } from "../../store/stored.ts";
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
  /** What the timeline calls a call that gave no step; a lost one unless said. */
  kind?: SteplessCall;
}

/** A call that gave no step: nobody knows what came of it, or it only asked whether anybody is there. */
export type SteplessCall = "call_lost" | "knocked";

/** A call takes ten minutes at most (`step_seconds`): whoever has not settled it by then is gone. */
const LOST_AFTER = "30 minutes";
/** They are counted in pieces, so that no statement takes long. */
const LOST_AT_ONCE = 100;

/**
 * Counts what a call has billed and gives back the rest of its reservation: parts of a statement,
 * `with ${settling(…)}, …`. One that is settled already changes nothing.
 *
 * @param given what has to be so besides.
 */
export function settling(
  sql: Sql,
  settlement: Settlement | undefined,
  given: Fragment = sql`true`,
) {
  return sql`
    settled as (
      delete from budget_reservations
      where id = ${settlement?.reservation ?? null}::uuid and ${given}
      returning task_id, source, subject_id
    ), spent as (
      insert into agent_usage as u (source, hour, tokens, micros)
      select source, date_trunc('hour', now()), ${settlement?.tokens ?? 0}::bigint,
        ${settlement?.micros ?? 0}::bigint from settled
      on conflict (source, hour) do update
      set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros
    ), of_subject as (
      insert into subject_usage as u (subject_id, hour, tokens)
      select subject_id, date_trunc('hour', now()), ${settlement?.tokens ?? 0}::bigint from settled
      where subject_id is not null
      on conflict (subject_id, hour) do update set tokens = u.tokens + excluded.tokens
    )`;
}

/**
 * Settles a call that gave no step to be saved; in the run's own budget, and in the task's timeline
 * where it may have billed anything, it counts as a lost one. Whose task it is by now does not
 * matter: what was billed was billed.
 *
 * @param currency of the money.
 */
export async function settle(
  database: Database,
  settlement: Settlement,
  currency: string | undefined,
): Promise<void> {
  await database.query("settle a model call", (sql) =>
    sql`
    with ${settling(sql, settlement)}, ${lostIn(sql, settlement)}, ${
      noteLost(sql, currency, { kind: settlement.kind })
    }
    update agent_runs r set lost_tokens = r.lost_tokens + lost.tokens
    from lost where r.task_id = lost.task_id`);
}

/** A part of a statement that has `settled`: what a call that gave no step may have billed. */
export const lostIn = (sql: Sql, { tokens, micros }: Settlement) =>
  sql`
    lost as (
      select task_id, ${tokens}::bigint as tokens, ${micros}::bigint as micros from settled
      where ${tokens}::bigint > 0
    )`;

/** What a call is settled with when nobody knows what it has billed: all that it might have. */
export function allOf({ id, input, output }: Reservation, price: Price | undefined): Settlement {
  return {
    reservation: id,
    tokens: input + output,
    micros: microsFor({ input, output }, price),
  };
}

/**
 * Counts in full what a task's lost worker had reserved, in the source's budgets and the run's own,
 * and says so in its timeline: its call may have been made.
 *
 * @param currency of the money.
 */
export async function settleLost(
  database: Database,
  { taskId, epoch }: TaskLease,
  currency: string | undefined,
): Promise<void> {
  await database.query("settle a lost worker's call", (sql) =>
    sql`
    with lost as (
      delete from budget_reservations where task_id = ${taskId} and epoch < ${epoch}
      returning task_id, source, subject_id, tokens, micros, reserved_at
    ), ${countLost(sql)}, ${noteLost(sql, currency)}
    update agent_runs r set lost_tokens = r.lost_tokens + lost.tokens
    from lost where r.task_id = lost.task_id`);
}

/** The same for tasks that nobody has taken since: they were cancelled, deleted or have ended. */
export async function settleForgotten(
  database: Database,
  currency: string | undefined,
): Promise<void> {
  await database.query("settle calls that nobody has settled", (sql) =>
    sql`
    with lost as (
      delete from budget_reservations where task_id in (
        select task_id from budget_reservations
        where reserved_at < now() - ${LOST_AFTER}::interval
        order by task_id limit ${LOST_AT_ONCE} for update skip locked)
      returning task_id, source, subject_id, tokens, micros, reserved_at
    ), ${countLost(sql)}, ${noteLost(sql, currency, { most: LOST_AT_ONCE })}
    select count(*) from lost`);
}

/** A part of a statement that has `lost`, of so many rows at most: their tasks' timelines say so. */
const noteLost = (
  sql: Sql,
  currency: string | undefined,
  { most = 1, kind = "call_lost" }: { most?: number; kind?: SteplessCall } = {},
) =>
  sql`
    noted_lost as (
      insert into task_events (id, task_id, kind, actor, data)
      select (${idArray(Array.from({ length: most }, newId))}::uuid[])[
          row_number() over (order by t.id)], t.id, ${kind}::text, 'otto',
        ${lostData(sql, currency)}
      from lost join tasks t on t.id = lost.task_id
    )`;

/** What a timeline says of a lost call, in a statement that has `lost`. */
export const lostData = (sql: Sql, currency: string | undefined) =>
  sql`jsonb_build_object('tokens', lost.tokens) || case when ${currency ?? null}::text is null
    then '{}' else jsonb_build_object('micros', lost.micros, 'currency',
      ${currency ?? null}::text) end`;

/** Parts of a statement that has `lost`. */
export const countLost = (sql: Sql) =>
  sql`
    spent as (
      insert into agent_usage as u (source, hour, tokens, micros)
      select source, date_trunc('hour', reserved_at), sum(tokens), sum(micros) from lost
      group by 1, 2 order by 1, 2
      on conflict (source, hour) do update
      set tokens = u.tokens + excluded.tokens, micros = u.micros + excluded.micros
    ), of_subject as (
      insert into subject_usage as u (subject_id, hour, tokens)
      select subject_id, date_trunc('hour', reserved_at), sum(tokens) from lost
      where subject_id is not null group by 1, 2 order by 1, 2
      on conflict (subject_id, hour) do update set tokens = u.tokens + excluded.tokens
    )`;
