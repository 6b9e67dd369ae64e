// The stream of what happens, which all pages of a browser share.

const { live } = document.body.dataset;
/** Where the stream goes on. */
let cursor;

/**
 * A browser has six connections to a server for all its pages together. So many pages hold one;
 * others, and those that nobody sees, look now and then.
 */
const MOST_STREAMS = 4;
const PEEP_MS = 3_000;

/** Hears the server-sent events. Resolves when the page is hidden, or with `once` behind the first news. */
function follow({ take, say }, { once = false } = {}) {
  return new Promise((resolve) => {
    const stream = new EventSource(cursor ? `/live?after=${cursor}` : live);
    const timer = once && setTimeout(end, PEEP_MS);
    const hidden = () => document.hidden && end();
    function end() {
      stream.close();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", hidden);
      resolve();
    }
    if (!once) document.addEventListener("visibilitychange", hidden);
    stream.onopen = () => say("live");
    stream.addEventListener("reload", () => location.reload());
    stream.onmessage = ({ data, lastEventId }) => {
      cursor = lastEventId || cursor;
      take(data);
      if (once) end();
    };
    stream.onerror = () => {
      say("reconnecting");
      // After a refusal (too many pages, signed out) browsers give up; we do not.
      if (stream.readyState === EventSource.CLOSED) setTimeout(end, 10_000);
    };
  });
}

/** Holds one of the streams until the page is hidden; false when all are taken. */
async function holdStream(page) {
  // Only pages that came safely, or from this machine, have locks.
  if (!navigator.locks) return await follow(page).then(() => true);
  for (let slot = 0; slot < MOST_STREAMS; slot++) {
    const options = { ifAvailable: true };
    const held = await navigator.locks.request(
      `otto-stream-${slot}`,
      options,
      (lock) => lock && follow(page).then(() => true),
    );
    if (held) return true;
  }
  return false;
}

/** Looks for a moment, one page at a time. */
async function peep(page) {
  const look = () => follow(page, { once: true });
  await (navigator.locks ? navigator.locks.request("otto-peep", look) : look());
}

/**
 * Tells a page what happens for as long as it is open: `take` gets the text of each event, `say`
 * whether it is "live" or "reconnecting".
 */
export async function keepUp(page) {
  for (;;) {
    if (!document.hidden && await holdStream(page)) continue;
    await new Promise((resolve) => {
      setTimeout(resolve, document.hidden ? 60_000 : 2_000);
      document.addEventListener("visibilitychange", resolve, { once: true });
    });
    // In a tab behind another one, the title says how many need somebody.
    await peep(page);
  }
}
