import { DOUBTFUL_ERRORS } from "../../../sources/slack/passing_errors.ts";
import { fetchAlone } from "../../process/fetch_alone.ts";
import { errorText } from "../../process/log.ts";
import { MOST_RETRY_AFTER_SECONDS, retryAfterIn } from "../../process/retry_after.ts";
import { explain, kindOf, type SlackErrorKind } from "./error.ts";
import { formOf, neverSent } from "../http.ts";

/** How a call of Slack's Web API went. */
export type SlackAnswer =
  | { ok: true; body: Record<string, unknown> }
  | {
    ok: false;
    kind: SlackErrorKind;
    /** Slack's error code, or `http_503`, `network`, `not_json`. */
    code: string;
    /** The code with what to do about it. */
    error: string;
    /** How long Slack asks us to wait. */
    retryAfterSeconds?: number;
    /** No answer came, or none that says it was refused: it may have happened all the same. */
    unsure: boolean;
  };

/** Slack's Web API. A call never throws: a failure is data. */
export type SlackClient = (
  method: string,
  args: Record<string, unknown>,
  signal?: AbortSignal,
) => Promise<SlackAnswer>;

/** How long a worker has what is to be said in Slack, unless it takes the lease again. */
export const SLACK_LEASE_SECONDS = 8;
/** Shorter than a lease, so that nobody else takes the work while a call is out. */
export const CALL_MS = 6_000;
/** Slack's limits are counted by the minute; this is for an answer without the header. */
const DEFAULT_RETRY_AFTER_SECONDS = 30;

/** Methods that read take forms, not JSON (docs.slack.dev, "Using the Slack Web API"). */
const FORMS = /^(auth\.test|users\.|conversations\.(history|replies))/;

/** Opens nothing: each call is one request with its own deadline. */
export function createSlackClient(
  { token, url }: { token: string; url: string },
): SlackClient {
  return async (method, args, signal) => {
    const form = FORMS.test(method);
    const timeout = AbortSignal.timeout(CALL_MS);
    try {
      const response = await fetchAlone(`${url}/${method}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": form
            ? "application/x-www-form-urlencoded"
            : "application/json; charset=utf-8",
        },
        body: form ? formOf(args) : JSON.stringify(args),
        // The token goes to Slack and nowhere else.
        redirect: "manual",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      return readAnswer(response, await response.text());
    } catch (error) {
      return {
        ok: false,
        kind: "later",
        code: timeout.aborted ? "timeout" : "network",
        error: timeout.aborted
          ? `Slack did not answer within ${CALL_MS} ms`
          : `Slack cannot be reached (${errorText(error)})`,
        unsure: !neverSent(error),
      };
    }
  };
}

function readAnswer(response: Response, text: string): SlackAnswer {
  const { status } = response;
  const asked = retryAfterIn(response.headers);
  const retryAfterSeconds = asked && Math.min(asked, MOST_RETRY_AFTER_SECONDS);
  if (status === 429) {
    return {
      ok: false,
      kind: "later",
      code: "ratelimited",
      error: "ratelimited",
      retryAfterSeconds: retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS,
      unsure: false,
    };
  }
  const body = parse(text);
  if (!body || status >= 500) {
    const code = status === 200 ? "not_json" : `http_${status}`;
    const error = status === 200
      ? "Slack's answer is not JSON"
      : `Slack answered with status ${status}`;
    const unsure = status === 200 || status >= 500;
    return { ok: false, kind: "later", code, error, retryAfterSeconds, unsure };
  }
  if (body.ok === true) return { ok: true, body };
  const code = printable(body.error) ?? `http_${status}`;
  const kind = kindOf(code);
  const limited = code === "ratelimited" || code === "rate_limited";
  return {
    ok: false,
    kind,
    code,
    error: explain(code, printable(body.needed)),
    retryAfterSeconds: retryAfterSeconds ?? (limited ? DEFAULT_RETRY_AFTER_SECONDS : undefined),
    unsure: DOUBTFUL_ERRORS.has(code),
  };
}

/** A code of Slack's, fit to be shown and stored whatever it is. */
function printable(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  return value.slice(0, 100).replace(/[^\x20-\x7e]/g, "?");
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" && body !== null && !Array.isArray(body) ? body : undefined;
  } catch {
    return undefined;
  }
}
