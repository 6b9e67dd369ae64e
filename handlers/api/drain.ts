import { pause } from "../../lib/async/deadline.ts";
import { errorText } from "../../lib/process/log.ts";
import type { Services } from "../../lib/services.ts";
import type { Drainer } from "../../lib/work/drainer.ts";
import { createApi, createRoute, refusals } from "../openapi.ts";
import { drained } from "../schemas/monitor.ts";

/** Hosts that start by request keep a process for as long as bytes of an answer come: at least every 2 s. */
const LINE_MS = 1_500;
const STILL = "{}\n";
const HEADERS = {
  "content-type": "application/jsonl",
  "cache-control": "no-store, no-transform",
  // nginx would hold the lines back.
  "x-accel-buffering": "no",
};

/** `POST /api/drain`: works off what waits, for hosts where nothing else does, or not often enough. */
export function drainApi(
  { services: { log }, drainer }: { services: Services; drainer: Drainer },
) {
  const encoder = new TextEncoder();

  /** Lines of JSON, of which the last one says what became of it; one without anything: it goes on. */
  function report(): ReadableStream<Uint8Array> {
    const gone = new AbortController();
    return new ReadableStream({
      async start(controller) {
        const over = new AbortController();
        const stop = AbortSignal.any([gone.signal, over.signal]);
        const say = (line: string) => {
          if (!gone.signal.aborted) controller.enqueue(encoder.encode(line));
        };
        const last = drainer.drain().then((done) => JSON.stringify(done), (error) => {
          log.warn("drain.failed", { error: errorText(error) });
          const message = "The drain broke off: a store is away. What waits is kept";
          return JSON.stringify({ error: { code: "drain_failed", message } });
        }).finally(() => over.abort());
        while (!stop.aborted) {
          say(STILL);
          await pause(LINE_MS, stop);
        }
        say(`${await last}\n`);
        if (!gone.signal.aborted) controller.close();
      },
      // The drain goes on all the same: others may wait for it.
      cancel: () => gone.abort(),
    });
  }

  return createApi().openapi(DRAIN, () => new Response(report(), { headers: HEADERS }) as never);
}

const DRAIN = createRoute({
  method: "post",
  path: "/api/drain",
  operationId: "drain",
  summary: "Work off what waits: for a scheduler elsewhere, with the admin's token or DRAIN_TOKEN",
  responses: {
    200: {
      description: "Lines of JSON: {} at least every 2 seconds, and in the end what was done",
      content: { "application/jsonl": { schema: drained } },
    },
    ...refusals,
  },
});
