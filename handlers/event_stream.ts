import { errorText, type Log } from "../lib/process/log.ts";
import { Problem } from "./problem.ts";

/** After this a client connects again: a proxy may have cut the line without a word. */
const MOST_MS = 15 * 60_000;
/** A client that lost its line tries again so soon: a restart takes about as long. */
const RETRY_MS = 2_000;
/** So long after a token is revoked, or somebody signs out, their streams may go on. */
const LOOK_MS = 5_000;
const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
  // nginx would hold events back.
  "x-accel-buffering": "no",
};

/**
 * Opens streams of server-sent events, at most `most` at a time, until `stop`
 * is aborted. What to say comes from a generator, which is asked for more only
 * when the client has read: a slow one costs no memory. It ends, too, when `mayStay` says so.
 */
export function createEventStreams(
  { most, stop, log }: { most: number; stop: AbortSignal; log: Log },
): (
  request: Request,
  speak: (signal: AbortSignal) => AsyncGenerator<string, void>,
  mayStay?: () => Promise<boolean>,
) => Response {
  const encoder = new TextEncoder();
  let open = 0;

  return (request, speak, mayStay) => {
    // Nobody reads the body of an answer to HEAD, so nothing would ever end it.
    if (request.method === "HEAD") return new Response(null, { headers: HEADERS });
    if (stop.aborted || open >= most) {
      throw new Problem(
        503,
        "too_many_streams",
        stop.aborted ? "Otto is stopping" : `${most} live streams are open`,
        "Close one, or try again after the seconds in Retry-After",
        { "retry-after": "10" },
      );
    }
    open++;
    const gone = new AbortController();
    const parts = speak(gone.signal);
    let close = () => {};

    /** Ends it once, whoever wants it first: the client, the server, the clock. */
    function end(): void {
      if (gone.signal.aborted) return;
      open--;
      gone.abort();
      clearTimeout(timer);
      clearInterval(looking);
      stop.removeEventListener("abort", end);
      // A generator that is never returned would follow the changes for ever.
      parts.return(undefined).catch(() => {}).finally(() => close());
    }
    const timer = setTimeout(end, MOST_MS);
    // A store that is away says nothing of whoever listens.
    const looking = mayStay && setInterval(() => {
      mayStay().then((may) => may || end(), () => {});
    }, LOOK_MS);
    stop.addEventListener("abort", end);

    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        close = () => {
          try {
            controller.close();
          } catch { /* the client was first */ }
        };
        controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
      },
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (done) end();
          else if (!gone.signal.aborted) controller.enqueue(encoder.encode(value));
        } catch (error) {
          // The store is away: the client comes back with its last id.
          log.debug("stream.failed", { error: errorText(error) });
          end();
        }
      },
      cancel: end,
    });
    return new Response(body, { headers: HEADERS });
  };
}

/** Keeps proxies and clients from taking a quiet line for a dead one. */
export const STILL_HERE = ": still here\n\n";

/** One event. Every line of the data is a field of its own: a sender's text must not make others. */
export function toEvent(
  { event, data, id }: { event?: string; data: string; id?: string },
): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("");
  return `${event ? `event: ${event}\n` : ""}${id ? `id: ${id}\n` : ""}${lines}\n`;
}
