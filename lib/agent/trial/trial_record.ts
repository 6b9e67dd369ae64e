import type { Database, Sql } from "../../store/database.ts";
import { storedJson, storedText } from "../../store/stored.ts";
import type { TrialLease } from "../../task/trial/claim.ts";
import { reserveBy } from "../budget/reservation.ts";
import {
  countLost,
  lostData,
  lostIn,
  type Settlement,
  settling,
  type SteplessCall,
} from "../budget/settlement.ts";
import { TaskLostError } from "../run/lease.ts";
import type { LoadedRun, LoggedEvent } from "../run/run.ts";
import type { RunRecord } from "../run/run_context.ts";

/** What a run of a trial is known by in its calls' keys: there is only one. */
const RUN = 1;

/** The trial's row, locked, while this lease is the newest; nothing otherwise. */
const ours = (sql: Sql, { id, epoch }: TrialLease) =>
  sql`select id from trials where id = ${id} and epoch = ${epoch} and status = 'running'
    for update`;

/** Events with their time, to be appended to a trial's. */
const appended = (sql: Sql, events: readonly LoggedEvent[]) =>
  sql`coalesce((
    select jsonb_agg(e.event || jsonb_build_object('at', now()) order by e.place)
    from jsonb_array_elements(${storedJson(events)}::text::jsonb)
      with ordinality as e(event, place)), '[]')`;

/**
 * The run of a trial: all of it is in its row, and goes with it.
 *
 * @param instruction what it is worked with.
 * @param currency of what its calls cost.
 */
export function trialRecord(
  database: Database,
  lease: TrialLease,
  { source, instruction, currency }: {
    source: string;
    instruction: string;
    currency: string | undefined;
  },
): RunRecord {
  const { id, epoch } = lease;
  return {
    async load() {
      await settleLost(database, lease, currency);
      const [row] = await database.query(
        "load a trial's run",
        (sql) =>
          sql<Pick<LoadedRun, "state" | "lost">[]>`
          update trials set had_instruction = ${storedText(instruction)}::text where id = ${id}
          returning state, lost_tokens::float8 as lost`,
      );
      if (!row) throw new TaskLostError();
      return { ...row, run: RUN, answer: null, days: 0 };
    },
    async save({ state, events, settlement }) {
      const rows = await database.query("save a trial's run", (sql) =>
        sql`
        with trial as (${ours(sql, lease)}), ${
          settling(sql, settlement, sql`exists (select from trial)`)
        }, saved as (
          -- What has come this far since it lost a worker does not crash them.
          update trials t set state = ${storedJson(state)}::text::jsonb,
            events = t.events || ${appended(sql, events)}, attempts = least(t.attempts, 1)
          from trial where t.id = trial.id
        )
        select id from trial`);
      if (rows.length === 0) throw new TaskLostError();
    },
    async startCall({ key, event }) {
      // Nothing that it calls has an effect: what a lost worker has begun is simply begun again.
      const keyed = { ...event, data: { ...event.data, key } };
      const rows = await database.query("start a trial's tool call", (sql) =>
        sql`
        with trial as (${ours(sql, lease)}), noted as (
          update trials t set events = t.events || ${appended(sql, [keyed])}
          from trial where t.id = trial.id
            and not t.events @> ${storedJson([{ data: { key } }])}::text::jsonb
        )
        select id from trial`);
      if (rows.length === 0) throw new TaskLostError();
      return "started";
    },
    async hasBegun() {
      const rows = await database.query(
        "look for a trial's run",
        (sql) => sql`select from trials where id = ${id} and (state is not null or counted)`,
      );
      return rows.length > 0;
    },
    reserve: ({ most, least, scopes, price }) =>
      reserveBy(database, "reserve_trial_budget", {
        trial: id,
        epoch,
        source,
        most,
        least,
        scopes,
        price,
      }),
    settle: (settlement) => settle(database, settlement, currency),
  };
}

async function settle(
  database: Database,
  settlement: Settlement,
  currency: string | undefined,
): Promise<void> {
  await database.query("settle a trial's model call", (sql) =>
    sql`
    with ${settling(sql, settlement)}, ${lostIn(sql, settlement)}
    ${noteLost(sql, currency, settlement.kind)}`);
}

/** Counts in full what the trial's lost worker had reserved: its call may have been made. */
async function settleLost(
  database: Database,
  { id, epoch }: TrialLease,
  currency: string | undefined,
): Promise<void> {
  await database.query("settle a lost worker's call in a trial", (sql) =>
    sql`
    with lost as (
      delete from budget_reservations where task_id = ${id} and epoch < ${epoch}
      returning task_id, source, subject_id, tokens, micros, reserved_at
    ), ${countLost(sql)}
    ${noteLost(sql, currency)}`);
}

/** The end of a statement that has `lost`: the trial's own budget and its timeline have it. */
const noteLost = (sql: Sql, currency: string | undefined, kind: SteplessCall = "call_lost") =>
  sql`
    update trials t set lost_tokens = t.lost_tokens + lost.tokens,
      events = t.events || jsonb_build_object('kind', ${kind}::text, 'at', now(),
        'data', ${lostData(sql, currency)})
    from lost where t.id = lost.task_id`;
