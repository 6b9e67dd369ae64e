import type { ModelSettings } from "../config/model/model_settings.ts";
import { errorText } from "../process/log.ts";
import { NoAnswerError } from "./provider/no_answer.ts";

/** A model's provider did not give an answer. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** Whether the same request may succeed later: 408, 429, 5xx, a broken connection, silence. */
  readonly temporary: boolean;
  readonly retryAfterSeconds?: number;
  /** Whether it may have worked on the request all the same: it broke off, or came too late. */
  readonly mayHaveBilled: boolean;

  constructor(
    message: string,
    temporary: boolean,
    { retryAfterSeconds, mayHaveBilled = false }: {
      retryAfterSeconds?: number;
      mayHaveBilled?: boolean;
    } = {},
  ) {
    super(message);
    this.temporary = temporary;
    this.retryAfterSeconds = retryAfterSeconds;
    this.mayHaveBilled = mayHaveBilled;
  }
}

/** The most of an error's words that is kept. */
export const MOST_WORDS = 500;

/** Whatever was thrown while a model was asked, as what became of the request. */
export function toModelError({ label }: ModelSettings, error: unknown): ModelError {
  if (error instanceof NoAnswerError) {
    return new ModelError(error.message, error.verdict === "wait", error);
  }
  const words = errorText(error).slice(0, MOST_WORDS);
  const { statusCode } = error as { statusCode?: number };
  // It came with a 200, and is not what the protocol says: a proxy's or a server's bad moment.
  if (statusCode !== undefined || isUnreadable(error)) {
    return new ModelError(`${label}'s answer cannot be read: ${words}`, true, {
      mayHaveBilled: true,
    });
  }
  // A connection that breaks may do so in the middle of an answer.
  return isConnection(error)
    ? new ModelError(`${label} cannot be reached: ${words}`, true, { mayHaveBilled: true })
    : new ModelError(`${label}: ${words}`, false, { mayHaveBilled: true });
}

function isUnreadable(error: unknown): boolean {
  return error instanceof Error && /TypeValidation|InvalidResponseData|JSONParse/.test(error.name);
}

/** What `fetch` throws when there is no connection, or one breaks in the middle of an answer. */
function isConnection(error: unknown): boolean {
  return error instanceof TypeError || error instanceof DOMException ||
    /connect|network|socket|body/i.test(errorText(error));
}
