import type { Assignment } from "../agent.ts";
import type { SourceRules } from "../policy.ts";
import type { RunState } from "./run.ts";

/** A longer conversation is not told again: the next round begins with what came of it. */
const MOST_INPUT = 24_000;

/** A run, as far as its rounds go. */
type RoundedRun = { assignment: Assignment; rules: SourceRules };

/** Whether a run may go on after it was done. */
export function mayGoOn({ assignment, rules }: RoundedRun, state: RunState): boolean {
  return assignment.inbox !== undefined && !state.closing && !state.isAged &&
    (state.rounds ?? 0) < rules.budgets.rounds;
}

/** Which end of all its rounds has come, if one has: only a task that continues has more than one. */
export function overall(
  { assignment, rules }: RoundedRun,
  state: RunState,
): string | undefined {
  if (!assignment.inbox) return undefined;
  if (state.closing) return "closed";
  if (state.isAged) return "days";
  return tokensLeftInAll({ assignment, rules }, state) <= 0 ? "task_tokens" : undefined;
}

/** The tokens of all its rounds. */
export function usedInAll({ used, spent }: RunState) {
  return {
    inputTokens: used.inputTokens + (spent?.inputTokens ?? 0),
    outputTokens: used.outputTokens + (spent?.outputTokens ?? 0),
  };
}

/** How many tokens are left of all its rounds; only a task that continues has more than one. */
export function tokensLeftInAll({ assignment, rules }: RoundedRun, state: RunState): number {
  if (!assignment.inbox) return Infinity;
  const { inputTokens, outputTokens } = usedInAll(state);
  return rules.budgets.taskTokens - inputTokens - outputTokens - (state.lost ?? 0);
}

/** What calls of this round may have used whose workers were lost. */
export function lostInRound({ lost = 0, lostBefore = 0 }: RunState): number {
  return lost - lostBefore;
}

/** In this round. */
export function stepsLeft({ budgets }: SourceRules, { step, roundStep = 0 }: RunState): number {
  return budgets.steps - (step - roundStep);
}

/** Each round has the budgets of a task. */
export function beginRound(state: RunState): void {
  if ((state.newestInput ?? 0) > MOST_INPUT) state.isLong = true;
  state.spent = usedInAll(state);
  state.lostBefore = state.lost;
  state.rounds = (state.rounds ?? 0) + 1;
  state.roundStep = state.step;
  state.used = { inputTokens: 0, outputTokens: 0, toolCalls: 0, ms: 0 };
  delete state.exhausted;
}
