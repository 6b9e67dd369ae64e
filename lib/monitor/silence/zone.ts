const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

/** How far clocks in a time zone are ahead of UTC at a time, in milliseconds. */
function offsetAt(timeZone: string, time: Date): number {
  const parts = new Intl.DateTimeFormat("en", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(time);
  const of = (type: string) => Number(parts.find((part) => part.type === type)!.value);
  const shown = Date.UTC(
    of("year"),
    of("month") - 1,
    of("day"),
    of("hour"),
    of("minute"),
    of("second"),
  );
  return Math.round((shown - time.getTime()) / MINUTE_MS) * MINUTE_MS;
}

/** The time at which clocks there showed the same, some weeks before. */
export function weeksBefore(timeZone: string, time: Date, weeks: number): Date {
  const before = new Date(time.getTime() - weeks * WEEK_MS);
  return new Date(before.getTime() + offsetAt(timeZone, time) - offsetAt(timeZone, before));
}

/** What clocks there show: the time alone on the day of `now`, else with the date. */
export function clockTime(timeZone: string, time: Date, now: Date): string {
  const day = new Intl.DateTimeFormat("en-GB", { timeZone, day: "numeric", month: "short" });
  const clock = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
  }).format(time);
  return day.format(time) === day.format(now) ? clock : `${day.format(time)}, ${clock}`;
}

/** How long something lasted, to the minute: `3 h 10 min`. */
export function lasted(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE_MS));
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
