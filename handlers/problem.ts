import { HTTPException } from "hono/http-exception";
import { isRowError } from "../lib/store/row_error.ts";
import { isStoreAway } from "../lib/store/store_away.ts";
import { InboxClosedError } from "../lib/message/inbox.ts";
import { errorText, type Log } from "../lib/process/log.ts";
import { notFound, Problem } from "../lib/process/problem.ts";
import { createThrottle } from "../lib/process/throttle.ts";

/** Work without the web says no in the same words. */
export { notFound, Problem };

/** Turns whatever a handler throws into an answer, in the one shape errors have. */
export function answerProblem(error: unknown, log: Log): Response {
  const { status, code, message, hint, headers } = toProblem(error);
  // That a source is paused is a person's wish, not a failure.
  if (status >= 500 && code !== "paused") {
    const failure = { status, code, error: errorText(error) };
    throttle((unsaid) => log.error("http.failed", unsaid ? { ...failure, unsaid } : failure), code);
  }
  return Response.json({ error: { code, message, hint } }, { status, headers });
}

/** When a store is away, every request fails in the same way: each kind is logged once a second. */
const throttle = createThrottle(1_000);

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InboxClosedError) {
    return new Problem(
      503,
      "no_store",
      "The message was not kept: no store can take it now",
      "Send it again after the seconds in Retry-After; GET /webhook/health says what is wrong",
      { "retry-after": "5" },
    );
  }
  if (error instanceof HTTPException && error.status < 500) {
    return new Problem(
      error.status,
      error.status === 415 ? "wrong_content_type" : "bad_request",
      error.message || "The request cannot be read",
      "GET /openapi.json describes every request",
    );
  }
  if (isRowError(error)) {
    return new Problem(
      400,
      "value_refused",
      "The store refuses a value in the request",
      "GET /openapi.json describes every request",
    );
  }
  if (isStoreAway(error)) {
    return new Problem(
      503,
      "database_away",
      "The database does not answer",
      "Try again after the seconds in Retry-After; GET /webhook/health says what is wrong",
      { "retry-after": "2" },
    );
  }
  return new Problem(
    500,
    "internal_error",
    "Something went wrong inside Otto",
    "The log has the reason",
  );
}
