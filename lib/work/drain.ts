import { pause, untilAborted } from "../async/deadline.ts";
import { HEARTBEAT_MS, noteDrain } from "../monitor/heartbeat.ts";
import { errorText, type Log } from "../process/log.ts";
import type { Services } from "../services.ts";
import { findWaiting } from "./waiting.ts";
import { createWorker, type Worker } from "./work.ts";

/** What a drain has done. */
export interface Drained {
  /** Messages that were worked off, whatever they became. */
  messages: number;
  /** Tasks that ended or came to wait for somebody, and messages that make none. */
  settled: number;
  ms: number;
}

/** How much of what waits a drain may begin with; what has begun may end. */
export interface DrainLimit {
  /** Whether anything may be begun still. */
  mayStart(): boolean;
  /** The most messages. */
  maxItems?: number;
  /** Waits for a moment with what a channel takes soon: else nobody comes back to it for a minute. */
  isPatient?: boolean;
  /** Aborted when the process stops: nothing is waited for any longer. */
  signal: AbortSignal;
}

/** Tasks that end so soon are told of once, and not first as running. */
const QUICK_MS = 500;
/** What cannot be told yet, because a channel takes a message a second, is waited for as long. */
const TELL_MS = 3_000;
const REST_MS = 300;
/** Whoever ends or rings rings the bell: this is only for rings that were missed. */
const LOOK_MS = 5_000;

/**
 * Works off what is waiting and returns: begins nothing more after `maxMs` milliseconds or with
 * `maxItems` messages, and waits for what it has begun.
 */
export async function drain(
  services: Services,
  { maxMs, maxItems, signal = new AbortController().signal }: {
    maxMs: number;
    maxItems?: number;
    signal?: AbortSignal;
  },
): Promise<Drained> {
  const until = performance.now() + maxMs;
  const worker = createWorker(services);
  const mayStart = () => performance.now() < until;
  const drained = await drainBy(worker, services, { mayStart, maxItems, signal });
  if (worker.inHand > 0) await worker.stop();
  return drained;
}

/** The same by a worker that goes on living. One that has nothing to do asks twice: what there is, and to note it. */
export async function drainBy(
  worker: Worker,
  services: Services,
  limit: DrainLimit,
): Promise<Drained> {
  const { signal, isPatient } = limit;
  const began = performance.now();
  const settledBefore = worker.settled;
  const over = new AbortController();
  const beating = beatUntil(worker, services.log, over.signal);
  let messages = 0;
  let didAt = began;
  try {
    while (!signal.aborted) {
      const did = await doRound(worker, services, { ...limit, messages });
      messages += did.messages;
      if (did.all > 0) {
        didAt = performance.now();
        continue;
      }
      const tellsSoon = isPatient && did.tells && performance.now() - didAt < TELL_MS;
      if (worker.inHand === 0 && !tellsSoon) {
        await Promise.race([channelsIdle(services), untilAborted(signal)]);
        break;
      }
      await services.bells.tasks.wait(tellsSoon ? REST_MS : LOOK_MS, signal);
    }
  } finally {
    over.abort();
    await beating;
  }
  if (!signal.aborted) await noteDrain(services.database, services.sources);
  return {
    messages,
    settled: worker.settled - settledBefore,
    ms: Math.round(performance.now() - began),
  };
}

/** Does what there is to do now, once. */
async function doRound(
  worker: Worker,
  services: Services,
  { mayStart, maxItems = Infinity, messages, signal }: DrainLimit & { messages: number },
): Promise<{ messages: number; all: number; tells: boolean }> {
  const mayTake = mayStart() && messages < maxItems;
  const moved = mayTake ? await worker.moveSpill() : 0;
  const waiting = await findWaiting(services);
  const grouped = mayTake && waiting.groups ? await worker.takeGroups() : 0;
  const taken = mayTake && waiting.messages ? await worker.takeMessages(0, signal) : 0;
  // Jobs that wait in Redis are no rows that a look would find.
  const collects = waiting.crashed || services.jobs.backend !== "postgres";
  const collected = collects ? await worker.collect() : 0;
  const started = mayStart() && (waiting.tasks || grouped + taken > 0)
    ? await worker.runTasks(signal)
    : 0;
  if (started > 0) await Promise.race([worker.idle(), pause(QUICK_MS, signal)]);
  // What is live goes first.
  const bulked = mayTake && waiting.bulk && taken + started === 0
    ? await worker.workBulk(signal)
    : 0;
  const tried = mayStart() && waiting.trials ? await worker.runTrials(signal) : 0;
  if (tried > 0) await Promise.race([worker.idle(), pause(QUICK_MS, signal)]);
  const told = waiting.told ? await worker.tellPeople(signal) : 0;
  if (told > 0) {
    // One that is slow holds up nobody: the next round finds what it left.
    await Promise.race([channelsIdle(services), pause(QUICK_MS, signal)]);
  }
  const all = moved + grouped + taken + collected + started + bulked + tried + told;
  return { messages: taken, all, tells: waiting.told };
}

async function channelsIdle({ channels }: Services): Promise<void> {
  await Promise.all(channels.map((channel) => channel.idle()));
}

/** Beats until the signal is aborted, so that the leases of a long task do not run out. */
async function beatUntil(worker: Worker, log: Log, signal: AbortSignal): Promise<void> {
  let hasBeaten = false;
  for (;;) {
    // Most are done before the first one.
    await pause(HEARTBEAT_MS, signal);
    if (signal.aborted) break;
    hasBeaten = true;
    await worker.beat()
      .catch((error) => log.warn("worker.step_failed", { error: errorText(error) }));
  }
  // Whoever still holds something is seen until its leases have run out.
  if (hasBeaten && worker.inHand === 0) await worker.signOff().catch(() => {});
}
