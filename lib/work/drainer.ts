import { deadline, pause, untilAborted } from "../async/deadline.ts";
import { clearOutage } from "../notify/slack/outage.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { drainBy, type Drained } from "./drain.ts";
import { countLeft } from "./waiting.ts";
import { sayServing, watchNeeds } from "./needs.ts";
import { createWorker } from "./work.ts";

/**
 * Has what waits worked off by a process that lives as long as requests come: at most one drain at
 * a time in each process. Processes know nothing of each other: the leases decide who works what.
 */
export interface Drainer {
  /** Drains in the background. Never waits and never fails. */
  ring(): void;
  /**
   * Drains, or goes along with the drain that is on; what waits now is looked at in either case.
   * Resolves when there is nothing left that it may do, or the process stops.
   */
  drain(): Promise<DrainReport>;
  /** The minute's turn: drains, and looks after what no drain does. Never rejects. */
  everyMinute(): Promise<void>;
  /** Resolves when the process stops and all in hand has ended or was given back. */
  stopped: Promise<void>;
}

/** What became of a drain, as `POST /api/drain` says it. */
export interface DrainReport {
  /** Tasks that ended or came to wait for somebody, and messages that make none. */
  settled: number;
  /** Messages and tasks that wait or are worked on, up to 10,000 of each. */
  left: number;
  ms: number;
}

/** The next turn of the cron comes after 60 s. */
const MOST_MS = 50_000;
/** How long what is in hand may go on when the process stops, and how long giving it back may take. */
const GRACE_MS = 1_500;
const GIVE_BACK_MS = 1_000;

/** Opens the drainer of this process; it stops with the signal. `mostMs` is how long a turn may be. */
export function openDrainer(
  services: Services,
  stop: AbortSignal,
  { mostMs = MOST_MS } = {},
): Drainer {
  const { log, database, bells, config } = services;
  const worker = createWorker(services);
  let until = 0;
  let current: Promise<Drained> | undefined;
  /** Somebody has rung since the drain that is on has begun to look. */
  let again = false;
  const mayStart = () => !stop.aborted && performance.now() < until;

  function begin(): Promise<Drained> {
    until = performance.now() + mostMs;
    if (current) {
      again = true;
      bells.tasks.ring();
      return current;
    }
    current = repeat().finally(() => current = undefined);
    // Not everybody waits for it.
    current.catch(() => {});
    return current;
  }

  /** A ring that comes while a drain finds nothing more must not be lost. */
  async function repeat(): Promise<Drained> {
    const all: Drained = { messages: 0, settled: 0, ms: 0 };
    do {
      again = false;
      const one = await drainBy(worker, services, { mayStart, isPatient: true, signal: stop });
      all.messages += one.messages;
      all.settled += one.settled;
      all.ms += one.ms;
    } while (again && mayStart());
    return all;
  }

  /** Where others ring all the time a drain never ends: what it had in hand by then is enough. */
  async function untilHadItsTime(drain: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    const timeUp = pause(mostMs, AbortSignal.any([stop, over.signal])).then(() => worker.idle());
    try {
      await Promise.race([drain, timeUp, stopped]);
    } finally {
      over.abort();
    }
  }

  async function giveBack(): Promise<void> {
    await untilAborted(stop);
    const isBusy = current !== undefined || worker.inHand > 0;
    // The drain itself ends at once, and leaves what it has in hand.
    await Promise.race([Promise.all([current, worker.idle()]).catch(() => {}), pause(GRACE_MS)]);
    if (!isBusy) return;
    const ended = config.denoDeploy ? worker.cutOff() : worker.stop();
    await deadline("give work back", GIVE_BACK_MS, ended)
      .catch((error) => log.warn("worker.stop_failed", { error: errorText(error) }));
  }
  const stopped = giveBack();

  return {
    ring() {
      begin().catch((error) => log.warn("drain.failed", { error: errorText(error) }));
    },
    async drain() {
      const started = performance.now();
      const settledBefore = worker.settled;
      await untilHadItsTime(begin());
      return {
        settled: worker.settled - settledBefore,
        left: await countLeft(database),
        ms: Math.round(performance.now() - started),
      };
    },
    async everyMinute() {
      const turns = [
        untilHadItsTime(begin()),
        // A source is silent only while somebody serves, and what is to be told is told by the drain.
        sayServing(services).then(() => watchNeeds(services)).finally(() => begin()),
        (async () => {
          await worker.collect();
          await worker.tidy();
          // Slack was switched off: nothing is wrong with it any more.
          if (!services.slack) await clearOutage(database);
        })(),
        services.finishUpgrade(AbortSignal.any([stop, AbortSignal.timeout(mostMs)])),
      ];
      for (const turn of await Promise.allSettled(turns)) {
        if (turn.status === "fulfilled") continue;
        log.warn("drain.failed", { error: errorText(turn.reason) });
      }
    },
    stopped,
  };
}
