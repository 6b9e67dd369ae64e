import type { RunState } from "../run/run.ts";
import { overall, stepsLeft, tokensLeftInAll } from "../run/rounds.ts";
import type { RunContext } from "../run/run_context.ts";
import { estimateInput, type ModelRequest, type TokenCount } from "./estimate.ts";

/** What the next call of a run may use. */
export interface StepPlan {
  most: TokenCount;
  /** The least output that is worth a call. */
  least: number;
  /** How often its run has gone on. */
  round: number;
  /** No tool may be called any more. */
  last: boolean;
  /** The budget that made it the last. */
  exhausted?: string;
}

/** A summary of a page, with the call around it. */
const LEAST_OUTPUT = 1_000;

/**
 * How much the next call may use of its task's own budget. All but the last leave room for the last:
 * as much input, what they have said themselves, and some words.
 *
 * @param lost what calls of this run have used whose workers were lost.
 * @throws when there is no room for any call.
 */
export function planStep(
  run: RunContext,
  state: RunState,
  { request, lost }: { request: ModelRequest; lost: number },
): StepPlan {
  const { rules, rules: { budgets } } = run;
  const { used, known, rounds: round = 0 } = state;
  // Another model counts in another way.
  const input = estimateInput(request, known?.model === run.model.name ? known : undefined);
  const inRound = budgets.tokens - used.inputTokens - used.outputTokens - lost;
  const inAll = tokensLeftInAll(run, state);
  const left = Math.min(inRound, inAll);
  const least = Math.min(LEAST_OUTPUT, budgets.outputTokens);
  const exhausted = overall(run, state) ??
    (used.ms >= budgets.seconds * 1_000
      ? "seconds"
      : stepsLeft(rules, state) <= 1
      ? "steps"
      : undefined);
  const output = Math.min(budgets.outputTokens, Math.floor((left - 2 * input - least) / 2));
  if (exhausted === undefined && output >= least) {
    return { most: { input, output }, least, round, last: false };
  }
  const rest = Math.min(budgets.outputTokens, left - input);
  if (rest < least) {
    const what = inAll < inRound
      ? `what the task has left of its ${run.rules.budgets.taskTokens} tokens in all`
      : `the budget of ${budgets.tokens} tokens per task`;
    const raise = inAll < inRound ? "" : ": raise budgets.tokens in AGENT_CONFIG";
    const why = state.brokenBy === undefined ? "" : ` (${state.brokenBy})`;
    const unanswered = lost > 0
      ? `, after calls without an answer that may have used ${lost}${why}`
      : "";
    throw new Error(
      `${what} has no room for another model call, which may use ${
        input + least
      }${unanswered}${raise}`,
    );
  }
  return {
    most: { input, output: rest },
    least,
    round,
    last: true,
    exhausted: exhausted ?? (inAll < inRound ? "task_tokens" : "tokens"),
  };
}
