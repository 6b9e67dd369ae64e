/** How far a signed time may be from ours, in seconds. */
export interface TimeWindow {
  past: number;
  future: number;
}

/** How a vendor writes the time it signs: ten digits, thirteen digits, or RFC 3339. */
export type TimeUnit = "seconds" | "milliseconds" | "date";

/** Five minutes both ways: what Stripe's and Slack's pages ask for. */
export const FIVE_MINUTES: TimeWindow = { past: 300, future: 300 };

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** Seconds since 1970 written as ten digits; `undefined` for `""`, `NaN`, `1e9`, milliseconds and the like. */
export function parseTimestamp(text: string | null | undefined): number | undefined {
  return text && /^\d{10}$/.test(text) ? Number(text) : undefined;
}

/** Seconds since 1970, from a time in the vendor's writing; `undefined` for anything else. */
export function parseTime(
  text: string | null | undefined,
  unit: TimeUnit = "seconds",
): number | undefined {
  if (!text) return undefined;
  if (unit === "seconds") return parseTimestamp(text);
  if (unit === "milliseconds") return /^\d{13}$/.test(text) ? Number(text) / 1000 : undefined;
  const time = DATE.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? undefined : time / 1000;
}

/** A moment, in milliseconds since 1970, as the vendor writes it. */
export function writeTime(now: number, unit: TimeUnit = "seconds"): string {
  if (unit === "seconds") return String(Math.floor(now / 1000));
  return unit === "milliseconds" ? String(now) : new Date(now).toISOString();
}

/**
 * Whether a signed time in seconds lies within the window around `now`, in
 * milliseconds. Where the vendor signs whole seconds, our clock is cut to whole
 * seconds too, as in its own libraries: 300.9 s of age count as 300.
 */
export function isWithin(window: TimeWindow, seconds: number, now: number): boolean {
  const age = (Number.isInteger(seconds) ? Math.floor(now / 1000) : now / 1000) - seconds;
  return age <= window.past && age >= -window.future;
}
