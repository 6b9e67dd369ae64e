import type { ModelSettings } from "../config/model/model_settings.ts";
import { errorText } from "../process/log.ts";
import { NoAnswerError } from "./provider/no_answer.ts";
import { MOST_WORDS } from "./provider/own_words.ts";

/** A model's provider did not give an answer. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** Whether the same request may succeed later: 408, 429, 5xx, a broken connection, silence. */
  readonly temporary: boolean;
  /** Whether that may never be: nobody waits a day for it. */
  readonly doubtful: boolean;
  readonly retryAfterSeconds?: number;
  /** Whether it may have worked on the request all the same: it broke off, or came too late. */
  readonly mayHaveBilled: boolean;

  constructor(
    message: string,
    temporary: boolean,
    { doubtful = false, retryAfterSeconds, mayHaveBilled = false }: {
      doubtful?: boolean;
      retryAfterSeconds?: number;
      mayHaveBilled?: boolean;
    } = {},
  ) {
    super(message);
    this.temporary = temporary;
    this.doubtful = doubtful;
    this.retryAfterSeconds = retryAfterSeconds;
    this.mayHaveBilled = mayHaveBilled;
  }
}

/** Whatever was thrown while a model was asked, as what became of the request. */
export function toModelError({ label }: ModelSettings, error: unknown): ModelError {
  if (error instanceof NoAnswerError) {
    const { message, verdict, retryAfterSeconds, mayHaveBilled } = error;
    const doubtful = verdict === "doubt";
    return new ModelError(message, doubtful || verdict === "wait", {
      doubtful,
      retryAfterSeconds,
      mayHaveBilled,
    });
  }
  const words = errorText(error).slice(0, MOST_WORDS);
  // It came with a 200, and is not what the protocol says.
  return isUnreadable(error)
    ? new ModelError(`${label}'s answer cannot be read: ${words}`, true, {
      doubtful: true,
      mayHaveBilled: true,
    })
    : new ModelError(`${label}: ${words}`, false, { mayHaveBilled: true });
}

function isUnreadable(error: unknown): boolean {
  return error instanceof Error &&
    /APICall|TypeValidation|InvalidResponseData|JSONParse/.test(error.name);
}
