import { pause } from "../../async/deadline.ts";
import type { RunContext } from "../run/run_context.ts";
import type { StepPlan } from "./plan.ts";
import { microsFor } from "./scope.ts";
import type { Reservation } from "./settlement.ts";
import { findShortage } from "./shortage.ts";

/** There is no budget for a task's next call: it goes on later. No provider has failed. */
export class BudgetWait extends Error {
  override readonly name = "BudgetWait";
  readonly afterSeconds: number;

  constructor(reason: string, afterSeconds: number) {
    super(reason);
    this.afterSeconds = afterSeconds;
  }
}

/** Calls under way are waited for here: putting a task off takes longer, and stands in its timeline. */
const WAITS_MS = [100, 200, 400, 800, 1_600, 3_200];
/** Then others may have this one's place. Tasks that are put off together come back one by one. */
const PUT_OFF_SECONDS = 15;

/**
 * Reserves what a call may use, and waits a little where other calls have reserved it.
 *
 * @throws {BudgetWait} when it has to wait longer.
 * @throws {TaskLostError}
 * @throws when no untouched budget would have room for the call.
 */
export async function reserveStep(
  { database, record, scopes, price }: RunContext,
  { most, least, round }: StepPlan,
  signal: AbortSignal,
): Promise<Reservation> {
  const need = {
    tokens: most.input + least,
    // Rounded as it is reserved: a millionth less would be waited for in vain.
    micros: microsFor({ input: most.input, output: 0 }, price) +
      microsFor({ input: 0, output: least }, price),
    currency: price?.currency,
  };
  for (let waits = 0;; waits++) {
    const reservation = await record.reserve({ most, least, round, scopes, price });
    if (reservation) return reservation;
    const begins = !await record.hasBegun();
    const shortage = await findShortage(database, scopes, { ...need, begins });
    if (shortage?.until === "never") throw new Error(shortage.reason);
    if (shortage?.until === "later") throw new BudgetWait(shortage.reason, shortage.afterSeconds);
    if (waits === WAITS_MS.length) {
      const reason = shortage?.reason ?? "the budget is reserved by calls under way";
      throw new BudgetWait(reason, PUT_OFF_SECONDS * (1 + Math.random()));
    }
    await pause(WAITS_MS[waits], signal);
    signal.throwIfAborted();
  }
}
