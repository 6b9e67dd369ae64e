import { html } from "hono/html";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, as `live.js` says it too. */
export function ago(time: Date, now: number = Date.now()): string {
  const age = now - time.getTime();
  if (age < 2 * SECOND) return "just now";
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  return `${Math.floor(age / DAY)} d ago`;
}

/** A time as its age, the exact time on hover. */
export function age(time: Date) {
  const iso = time.toISOString();
  const exact = `${iso.slice(0, 19).replace("T", " ")} UTC`;
  return html`<time datetime="${iso}" title="${exact}" data-ago>${ago(time)}</time>`;
}

/** When something was: the time of today, else with the day; the exact time on hover. */
export function clock(time: Date) {
  const iso = time.toISOString();
  const isToday = iso.slice(0, 10) === new Date().toISOString().slice(0, 10);
  const says = isToday ? iso.slice(11, 16) : iso.slice(0, 16).replace("T", " ");
  return html`<time datetime="${iso}" title="${exact(time)}">${says} UTC</time>`;
}

/** How long something has lasted, as `live.js` goes on counting it. */
export function since(time: Date) {
  const iso = time.toISOString();
  return html`<time datetime="${iso}" title="since ${exact(time)}" data-since>${
    lasting(Date.now() - time.getTime())
  }</time>`;
}

function lasting(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** When something will be: how long it is until then, the exact time on hover. */
export function ahead(time: Date) {
  const ms = time.getTime() - Date.now();
  const says = ms < MINUTE
    ? "in under a minute"
    : ms < HOUR
    ? `in ${Math.round(ms / MINUTE)} min`
    : ms < 2 * DAY
    ? `in ${Math.round(ms / HOUR)} h`
    : `in ${Math.round(ms / DAY)} d`;
  return html`<time datetime="${time.toISOString()}" title="${exact(time)}">${says}</time>`;
}

/** How long something took, as people say it. */
export function took(ms: number): string {
  if (ms < 1) return "under 1 ms";
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${Math.round(ms / MINUTE)} min`;
  return `${Math.round(ms / HOUR)} h`;
}

/** A time to the millisecond: UTC, and by a script in the reader's own zone. */
export function moment(time: Date, to: "ms" | "s" = "ms") {
  const says = exact(time);
  const shown = to === "s" ? says.replace(/\.\d+/, "") : says;
  return html`<time datetime="${time.toISOString()}" title="${says}" data-exact="${to}">${shown}</time>`;
}

/** A time to the millisecond, for people. */
export function exact(time: Date): string {
  return `${time.toISOString().slice(0, 23).replace("T", " ")} UTC`;
}
