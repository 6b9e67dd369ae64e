import { pause } from "../../../lib/async/deadline.ts";
import type { LiveEvent } from "../../../lib/live/live.ts";
import { createEventStreams, STILL_HERE, toEvent } from "../../event_stream.ts";
import type { PageOptions } from "../options.ts";
import { renderChanges } from "../rows.ts";
import type { Summary } from "./summary.ts";
import { createNames } from "../../../sources/rules/names.ts";

/** Each open page has one. */
const MOST_STREAMS = 200;
/** Nobody reads faster; what happens meanwhile is told together. */
const PACE_MS = 200;
/** How often the top of the page is looked at. */
const SUMMARY_MS = 2_000;
/** Proxies cut a line that is silent for half a minute or a minute. */
const HEARTBEAT_MS = 15_000;

/**
 * `GET /live`: what changes on the page, as server-sent events of HTML. Each
 * top-level element has an id: one that is on the page is replaced, a new one
 * goes into the list that its `data-into` names. The event ids are cursors.
 */
export function createPageStream(
  { services, live, stop, summary }: Pick<PageOptions, "services" | "live" | "stop"> & {
    summary: Summary;
  },
): (
  request: Request,
  from: { cursor: string | undefined; mayStay?: () => Promise<boolean> },
) => Response {
  const { database, log } = services;
  const nameOf = createNames(services.sources);
  const render = shareRendering((events) =>
    renderChanges({ database, nameOf, reader: services.reader }, events)
  );
  const open = createEventStreams({ most: MOST_STREAMS, stop, log });

  async function* speak(from: string | undefined, signal: AbortSignal) {
    const { cursor, gap } = await live.resume(from);
    if (gap) yield toEvent({ event: "reload", data: "anew", id: cursor });
    const told = { lanes: "", notes: "", needs: "", bell: "" };
    let spokenAt = Date.now();
    let summedAt = 0;
    let stale = true;
    let minute = 0;
    for await (const events of live.follow(cursor, signal, SUMMARY_MS)) {
      const resync = events.find(({ isResync }) => isResync);
      if (resync) {
        spokenAt = Date.now();
        yield toEvent({ event: "reload", data: "anew", id: resync.cursor });
        continue;
      }
      let fragments = events.length > 0 ? await render(events) : "";
      stale ||= events.length > 0;
      if (Date.now() - summedAt >= SUMMARY_MS) {
        summedAt = Date.now();
        // The lanes' last hour moves on, whether anything happens or not.
        const thisMinute = Math.floor(summedAt / 60_000);
        stale ||= thisMinute !== minute;
        minute = thisMinute;
        const next: typeof told = {
          lanes: stale ? String(await summary.lanes()) : told.lanes,
          notes: String(await summary.notes()),
          needs: stale ? String(await summary.needs()) : told.needs,
          bell: stale ? String(await summary.bell()) : told.bell,
        };
        // The counts are cached and may be a moment old: look again until they stay the same.
        stale = next.lanes !== told.lanes || next.needs !== told.needs;
        for (const part of ["notes", "needs", "lanes", "bell"] as const) {
          if (next[part] !== told[part]) fragments += next[part];
        }
        Object.assign(told, next);
      }
      if (fragments !== "" || events.length > 0) {
        spokenAt = Date.now();
        yield toEvent({ data: fragments, id: events.at(-1)?.cursor });
      } else if (Date.now() - spokenAt >= HEARTBEAT_MS) {
        spokenAt = Date.now();
        yield STILL_HERE;
      }
      await pause(PACE_MS, signal);
    }
  }

  return (request, { cursor, mayStay }) =>
    open(request, (signal) => speak(cursor, signal), mayStay);
}

/** Browsers are at most a few changes apart. */
const KEPT = 16;

/** Browsers that are up to date get the same changes, so these are rendered once for all of them. */
function shareRendering(
  render: (events: LiveEvent[]) => Promise<string>,
): (events: LiveEvent[]) => Promise<string> {
  const rendered = new Map<string, Promise<string>>();
  return (events) => {
    const key = `${events[0].cursor} ${events.at(-1)!.cursor}`;
    let text = rendered.get(key);
    if (!text) {
      text = render(events);
      rendered.set(key, text);
      text.catch(() => rendered.delete(key));
      if (rendered.size > KEPT) rendered.delete(rendered.keys().next().value!);
    }
    return text;
  };
}
