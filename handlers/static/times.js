// Times on a page: in the reader's own zone, or how long ago they are.

const { clock } = document.documentElement.dataset;

/** The same words as in views/parts/time.ts. */
function ago(time) {
  const seconds = Math.floor((Date.now() - new Date(time)) / 1000);
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

/** The same words as there, for what still goes on. */
function lasting(time) {
  const seconds = Math.max(0, Math.floor((Date.now() - new Date(time)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** A time in the reader's own zone, which it names. */
function here(time) {
  const two = (number, digits = 2) => String(number).padStart(digits, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  const hour = [time.getHours(), time.getMinutes(), time.getSeconds()].map((each) => two(each));
  const zone = ZONE.formatToParts(time).find(({ type }) => type === "timeZoneName").value;
  return `${day} ${hour.join(":")}.${two(time.getMilliseconds(), 3)} ${zone}`;
}
const ZONE = new Intl.DateTimeFormat("en", { timeZoneName: "short" });

/** Says the times within a place of the page as they are now. */
export function tellAges(place) {
  for (const time of place.querySelectorAll("time[data-ago], time[data-since]")) {
    const text = "ago" in time.dataset ? ago(time.dateTime) : lasting(time.dateTime);
    if (time.textContent !== text) time.textContent = text;
  }
  if (clock === "utc") return;
  for (const time of place.querySelectorAll("time[datetime]:not([data-here])")) {
    time.dataset.here = "";
    const text = here(new Date(time.dateTime));
    time.title = `${text} (${time.dateTime.replace("T", " ").replace("Z", " UTC")})`;
    const { exact } = time.dataset;
    if (exact !== undefined) time.textContent = exact === "s" ? text.replace(/\.\d+/, "") : text;
  }
}
