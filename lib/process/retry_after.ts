/** A wrong answer must not silence us for days: nobody is left alone for longer. */
export const MOST_RETRY_AFTER_SECONDS = 60 * 60;

const NUMBER = /^\d{1,15}(\.\d{0,9})?$/;
/** Seconds since 1970 are more than this, and milliseconds more than a thousand times it. */
const EPOCH = 1_000_000_000;
/** And nothing else that `Date.parse` would make a date of: it takes "5.5" for a day in May. */
const DATE = /^(?:[A-Za-z]{3,9},?\s|\d{4}-\d{2}-\d{2}T)/;
/** The oldest of HTTP's dates names no zone, and is in that of Greenwich (RFC 9110 §5.6.7). */
const ASCTIME = /^[A-Za-z]{3} [A-Za-z]{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * For how many seconds whoever gave these headers wants to be left alone (RFC 9110 §10.2.3):
 * undefined where that is not said, 0 where the time is over. Not capped.
 */
export function retryAfterIn(headers: Headers): number | undefined {
  return secondsIn(headers.get("retry-after"), clockOf(headers));
}

/** What time it is for whoever gave these headers, which may have another clock: since 1970, in ms. */
export function clockOf(headers: Headers): number {
  return timeOf(headers.get("date") ?? "") || Date.now();
}

/**
 * The seconds that a header says: a number of them, some with a fraction, which the RFC does not
 * know; a date; or a time since 1970, in seconds or milliseconds. The first, where a proxy says it,
 * too.
 *
 * @param now the time of whoever says it, in ms since 1970.
 */
export function secondsIn(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const [first] = value.split(",");
  const text = (/\d/.test(first) ? first : value).trim();
  if (NUMBER.test(text)) {
    const number = Number(text);
    const since = number > EPOCH * 1_000 ? number / 1_000 : number;
    return since > EPOCH ? Math.max(0, since - now / 1_000) : number;
  }
  const left = (timeOf(text) - now) / 1_000;
  return Number.isFinite(left) ? Math.max(0, left) : undefined;
}

function timeOf(date: string): number {
  if (!DATE.test(date)) return NaN;
  return Date.parse(ASCTIME.test(date) ? `${date} GMT` : date);
}
