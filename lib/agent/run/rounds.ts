import type { Assignment } from "../agent.ts";
import type { SourceRules } from "../policy.ts";
import type { RunState } from "./run.ts";

/** So often a run goes on after it was done or has waited: more is no work any more but a habit. */
const MOST_ROUNDS = 6;
/** Of a task, over all its rounds. */
const MOST_TOKENS = 240_000;

/** Whether a run may go on after it was done. */
export function mayGoOn({ assignment }: { assignment: Assignment }, state: RunState): boolean {
  return assignment.inbox !== undefined && !state.closing && (state.rounds ?? 0) < MOST_ROUNDS;
}

/** Which end of all its rounds has come, if one has. */
export function overall({ used, spent = 0, closing }: RunState): string | undefined {
  if (closing) return "closed";
  const { inputTokens, outputTokens } = used;
  return spent + inputTokens + outputTokens >= MOST_TOKENS ? "task_tokens" : undefined;
}

/** In this round. */
export function stepsLeft({ budgets }: SourceRules, { step, roundStep = 0 }: RunState): number {
  return budgets.steps - (step - roundStep);
}

/** Each round has the budgets of a task. */
export function beginRound(state: RunState): void {
  const { inputTokens, outputTokens } = state.used;
  state.spent = (state.spent ?? 0) + inputTokens + outputTokens;
  state.rounds = (state.rounds ?? 0) + 1;
  state.roundStep = state.step;
  state.used = { inputTokens: 0, outputTokens: 0, toolCalls: 0, ms: 0 };
  delete state.exhausted;
}
