import { errorText } from "../../process/log.ts";
import type { Redact } from "../../redaction/redact.ts";
import { isStoreAway } from "../../store/store_away.ts";
import type { Outcome } from "../agent.ts";
import { BudgetWait } from "../budget/budget_wait.ts";

/** A store that did not answer is usually back at once. */
const STORE_AWAY_SECONDS = 2;

/**
 * What becomes of a run that could not go on: it waits for its budget or for the store.
 *
 * @throws for every other error, without secrets: the run has failed.
 */
export function waitOrFail(error: unknown, redact: Redact): Extract<Outcome, { status: "later" }> {
  if (error instanceof BudgetWait) {
    const { afterSeconds, message: reason } = error;
    return { status: "later", afterSeconds, reason };
  }
  // The store failed, not the run: what is saved is still there.
  if (isStoreAway(error)) {
    const reason = "the database did not answer";
    return { status: "later", afterSeconds: STORE_AWAY_SECONDS, reason };
  }
  throw new Error(redact(errorText(error)));
}
