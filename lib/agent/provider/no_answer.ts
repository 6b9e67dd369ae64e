/**
 * What becomes of a request that was not answered: it is asked again at once, waited for, waited for
 * a few times because it may never mend, or given up.
 */
export type NextTry = "again" | "wait" | "doubt" | "fail";

/** A provider has sent something that is no answer. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
  readonly verdict: NextTry;
  /** How long the provider wants to be left alone. */
  readonly retryAfterSeconds?: number;
  /** Whether it may have worked on the request all the same. */
  readonly mayHaveBilled: boolean;

  constructor(
    message: string,
    verdict: NextTry,
    { retryAfterSeconds, mayHaveBilled }: { retryAfterSeconds?: number; mayHaveBilled: boolean },
  ) {
    super(message);
    this.verdict = verdict;
    this.retryAfterSeconds = retryAfterSeconds;
    this.mayHaveBilled = mayHaveBilled;
  }
}
