import type { RunState } from "./run.ts";
import type { RunContext } from "./run_context.ts";

/** An answer that is none is asked for so many times: what goes wrong more often goes wrong always. */
const MOST_FAULTS = 3;

export const noEnd = (steps: number) => `the model came to no end within ${steps} steps`;

/** Ends a run whose model gives no answer, however often it is asked. What that took is counted. */
export function throwFault({ fault, faults = 0 }: RunState): void {
  if (!fault || fault.again && faults < MOST_FAULTS) return;
  throw new Error(faults > 1 ? `${fault.reason}, ${faults} times in a row` : fault.reason);
}

/** Why a run that has come to its end has no words to end with. */
export function whyWordless(
  { rules: { budgets } }: RunContext,
  { exhausted, fault }: RunState,
): string {
  if (fault) return fault.reason;
  if (exhausted === undefined) return "the model ended without a word";
  if (exhausted === "tokens") {
    return "the model used up what its budgets of tokens had left before it said a word: raise " +
      "budgets.tokens or budgets.tokens_per_day in AGENT_CONFIG";
  }
  if (exhausted === "closed") {
    return "what the task is about was closed, and the model ended without a word";
  }
  if (exhausted === "task_tokens") {
    return `the model used up the ${budgets.taskTokens} tokens of a task that continues before it ` +
      "said a word: raise budgets.task_tokens in AGENT_CONFIG";
  }
  if (exhausted === "days") {
    return `the task was open for more than ${budgets.days} days, and the model ended without a word`;
  }
  if (exhausted === "seconds") {
    return `the model used up its ${budgets.seconds} seconds before it said a word: raise ` +
      "budgets.seconds in AGENT_CONFIG";
  }
  if (exhausted !== "output_tokens") return noEnd(budgets.steps);
  return `the model used up its ${budgets.outputTokens} output tokens before it said a word: ` +
    "raise budgets.output_tokens in AGENT_CONFIG";
}
