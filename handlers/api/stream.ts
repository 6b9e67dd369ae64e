import { z } from "@hono/zod-openapi";
import type { Live, LiveEvent, LiveItem } from "../../lib/live/live.ts";
import type { Log } from "../../lib/process/log.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import { createApi, createRoute, refusals } from "../openapi.ts";
import { createEventStreams, STILL_HERE, toEvent } from "../event_stream.ts";
import { shown } from "./messages.ts";

/** Each holds a socket and asks for changes: programs, of which a house has dozens. */
const MOST_STREAMS = 500;

/**
 * `GET /api/stream`: every change, as it happens. The event ids are cursors: a
 * client that comes back with `Last-Event-ID` misses nothing; it sees something twice only where
 * a transaction stays open in Otto's database and what is behind it is told before its turn.
 */
export function stream(
  { live, stop, log, sources }: {
    live: Live;
    stop: AbortSignal;
    log: Log;
    sources: Registry;
  },
) {
  const open = createEventStreams({ most: MOST_STREAMS, stop, log });

  async function* speak(from: string | undefined, signal: AbortSignal) {
    const { cursor, gap } = await live.resume(from);
    if (gap) yield toEvent({ event: "resync", data: "{}", id: cursor });
    for await (const events of live.follow(cursor, signal)) {
      yield events.length > 0
        ? events.map((event) => toEvents(sources, event)).join("")
        : STILL_HERE;
    }
  }

  return createApi().openapi(
    createRoute({
      method: "get",
      path: "/api/stream",
      operationId: "streamChanges",
      summary: "Server-sent events: message, task and notification, each as it is now",
      request: {
        headers: z.object({
          "last-event-id": z.string().optional().openapi({
            description: "Continue after this event",
          }),
        }),
      },
      responses: {
        200: {
          description: "Events named `message`, `task`, `notification`; data is JSON, " +
            '`{"id", "deleted": true}` for what is gone. `resync` says: read the ' +
            "lists anew. It comes first where the `Last-Event-ID` is too old or not from here, and " +
            "in place of more than a thousand changes that wait. While another program keeps a " +
            "transaction open in Otto's database, changes come out of order and once more after it",
          content: { "text/event-stream": { schema: z.string() } },
        },
        ...refusals,
      },
    }),
    (c) =>
      open(
        c.req.raw,
        (signal) => speak(c.req.header("last-event-id"), signal),
        c.get("who")?.mayStay,
      ) as never,
  );
}

/** The id stands on the last event of a change only: a client cut off in the middle gets all again. */
function toEvents(sources: Registry, { cursor, items, isResync }: LiveEvent): string {
  if (isResync) return toEvent({ event: "resync", data: "{}", id: cursor });
  return items.map((item, index) =>
    toEvent({
      event: item.kind,
      data: JSON.stringify(dataOf(sources, item)),
      id: index === items.length - 1 ? cursor : undefined,
    })
  ).join("");
}

function dataOf(sources: Registry, item: LiveItem): unknown {
  if (item.item === undefined) return { id: item.id, deleted: true };
  return item.kind === "message" ? shown(sources, item.item) : item.item;
}
