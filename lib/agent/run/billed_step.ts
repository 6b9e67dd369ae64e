import { billOf, estimateRequest } from "../budget/estimate.ts";
import { reserveStep } from "../budget/budget_wait.ts";
import { planStep } from "../budget/plan.ts";
import { microsFor } from "../budget/scope.ts";
import { allOf, type Reservation, type Settlement } from "../budget/settlement.ts";
import type { ModelStep } from "../model.ts";
import { ModelError } from "../model_error.ts";
import { specOf } from "../tools/tools.ts";
import type { RunState } from "./run.ts";
import type { RunContext } from "./run_context.ts";

/** A step that a model has answered, with what it has billed. */
export interface BilledStep {
  /** Its tokens are what counts. */
  step: ModelStep;
  /** No tool could be called any more. */
  last: boolean;
  /** The budget that made it the last, or that has cut it short. */
  exhausted?: string;
  /** Of the model's time. */
  ms: number;
  /** To be saved with the step: until then its reservation counts. */
  settlement: Settlement;
  known: RunState["known"];
  /** What the timeline says of the bill. */
  bill: Record<string, unknown>;
}

/** So many calls in a row may break off before the next one knocks. */
const MOST_BROKEN = 2;
/** What costs next to nothing where a whole request would: any answer to it will do. */
const knockFor = (taskId: string) => ({
  instructions: "Answer with OK.",
  // The provider's log has it beside the task's other calls.
  turns: [{ role: "user" as const, content: `Task ${taskId}. Are you there?` }],
  tools: [],
});
/** The least that every provider takes for a limit. */
const KNOCK_OUTPUT = 16;

/**
 * Asks the model for one step, after its budgets have reserved all that it may bill.
 *
 * @param lost tokens of calls of this run whose workers were lost.
 * @throws {ModelError}
 * @throws {BudgetWait} when there is no budget now.
 * @throws when there never is.
 */
export async function takeBilledStep(
  run: RunContext,
  state: RunState,
  { lost }: { lost: number },
  signal: AbortSignal,
): Promise<BilledStep> {
  const { instructions, rules: { budgets }, price } = run;
  const request = { instructions, turns: state.turns, tools: [...run.tools.values()].map(specOf) };
  let plan = planStep(run, state, { request, lost });
  if ((state.broken ?? 0) >= MOST_BROKEN || run.breaker?.isSuspect()) {
    const knocked = await knock(run, plan.round, signal);
    run.breaker?.heard();
    state.lost = (state.lost ?? 0) + knocked;
    plan = planStep(run, state, { request, lost: lost + knocked });
  }
  const reservation = await reserveStep(run, plan, signal);
  const startedAt = Date.now();
  try {
    const step = await run.model.step({
      ...request,
      last: plan.last,
      maxOutputTokens: reservation.output,
      maxMs: budgets.stepSeconds * 1_000,
    }, signal);
    const { estimated, ...tokens } = billOf(step, reservation);
    const micros = microsFor(tokens, price);
    const over = tokens.input + tokens.output - reservation.input - reservation.output;
    const isCut = step.finish === "length" && reservation.output < budgets.outputTokens;
    return {
      step: { ...step, tokens },
      last: plan.last,
      exhausted: plan.exhausted ?? (isCut ? "tokens" : undefined),
      ms: Date.now() - startedAt,
      settlement: { reservation: reservation.id, tokens: tokens.input + tokens.output, micros },
      known: estimated
        ? undefined
        : { tokens: tokens.input, estimated: estimateRequest(request), model: run.model.name },
      bill: {
        ...(estimated ? { estimated } : {}),
        ...(over > 0 ? { over_tokens: over } : {}),
        ...(price ? { micros, currency: price.currency } : {}),
      },
    };
  } catch (error) {
    await settledIn(run, { reservation, error }, signal);
    throw error;
  }
}

/**
 * Asks whether anybody is there, where whole requests have broken off: each of them may have been
 * billed, and an outage that lasts is not to use up a task's tokens.
 *
 * @returns the tokens that it was billed.
 * @throws {ModelError} when nobody answers.
 * @throws {BudgetWait}
 */
async function knock(run: RunContext, round: number, signal: AbortSignal): Promise<number> {
  const request = knockFor(run.assignment.taskId);
  const most = { input: estimateRequest(request), output: KNOCK_OUTPUT };
  const reservation = await reserveStep(
    run,
    { most, least: KNOCK_OUTPUT, round, last: false },
    signal,
  );
  const maxMs = run.rules.budgets.stepSeconds * 1_000;
  try {
    const step = await run.model.step(
      { ...request, maxOutputTokens: KNOCK_OUTPUT, maxMs },
      signal,
    );
    const billed = billOf(step, reservation);
    const tokens = billed.input + billed.output;
    const micros = microsFor(billed, run.price);
    await run.record.settle({ reservation: reservation.id, tokens, micros, kind: "knocked" });
    return tokens;
  } catch (error) {
    await settledIn(run, { reservation, error }, signal);
    // It may refuse so small a request, and is there.
    if (!(error instanceof ModelError) || error.temporary) throw error;
    return error.mayHaveBilled ? reservation.input + reservation.output : 0;
  }
}

/** Settles what gave no answer; throws where that was because the run is stopped. */
async function settledIn(
  run: RunContext,
  { reservation, error }: { reservation: Reservation; error: unknown },
  signal: AbortSignal,
): Promise<void> {
  const settled = settleUnanswered(run, reservation, error);
  // Stopped in the middle: where the store is away by now, whoever goes on counts it.
  await (signal.aborted ? settled.catch(() => {}) : settled);
  signal.throwIfAborted();
}

/**
 * Settles a call that gave no answer: with nothing where its provider has said no or was not
 * reached, else with all that it might have billed.
 */
async function settleUnanswered(
  { record, price }: RunContext,
  reservation: Reservation,
  error: unknown,
): Promise<void> {
  const free = error instanceof ModelError && !error.mayHaveBilled;
  await record.settle(
    free ? { reservation: reservation.id, tokens: 0, micros: 0 } : allOf(reservation, price),
  );
}
