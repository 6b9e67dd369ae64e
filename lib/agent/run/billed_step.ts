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
  const plan = planStep(run, state, { request, lost });
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
    const settled = settleUnanswered(run, reservation, error);
    // Stopped in the middle: where the store is away by now, whoever goes on counts it.
    await (signal.aborted ? settled.catch(() => {}) : settled);
    signal.throwIfAborted();
    throw error;
  }
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
