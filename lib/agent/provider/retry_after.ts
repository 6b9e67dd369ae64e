/** Headers that say milliseconds: Azure's and OpenAI's own. They are more exact, so they are read first. */
const MILLISECONDS = ["retry-after-ms", "x-ms-retry-after-ms"];
const NUMBER = /^\d{1,12}(\.\d{0,9})? ?s?$/;

/**
 * How many seconds a provider wants to be left alone, by its headers: milliseconds, seconds (some
 * send fractions, which RFC 9110 §10.2.3 does not know), or a date; Gemini says it in its answer
 * (google.rpc.RetryInfo).
 *
 * @param body its answer, when it is JSON.
 */
export function retryAfterSeconds(headers: Headers, body?: unknown): number | undefined {
  for (const name of MILLISECONDS) {
    const value = headers.get(name);
    if (value !== null && NUMBER.test(value.trim())) return Number.parseFloat(value) / 1_000;
  }
  const value = headers.get("retry-after");
  if (value !== null) {
    if (NUMBER.test(value.trim())) return Number.parseFloat(value);
    const seconds = dateOf(value) === undefined ? NaN : (dateOf(value)! - Date.now()) / 1_000;
    if (Number.isFinite(seconds)) return Math.max(0, seconds);
  }
  return delayIn(body);
}

/** A date, and nothing else that `Date.parse` would make one of: it takes "5.5" for a day in May. */
function dateOf(value: string): number | undefined {
  return /^\s*([A-Za-z]{3,9},?\s|\d{4}-\d{2}-\d{2}T)/.test(value) ? Date.parse(value) : undefined;
}

/** `{"error": {"details": [{"@type": "…RetryInfo", "retryDelay": "37.5s"}]}}` */
function delayIn(body: unknown): number | undefined {
  const answer = (Array.isArray(body) ? body[0] : body) as
    | { error?: { details?: unknown } }
    | null
    | undefined;
  const details = answer?.error?.details;
  if (!Array.isArray(details)) return undefined;
  for (const detail of details.slice(0, 20)) {
    const delay = detail?.retryDelay;
    if (typeof delay === "string" && NUMBER.test(delay.trim())) return Number.parseFloat(delay);
  }
  return undefined;
}
