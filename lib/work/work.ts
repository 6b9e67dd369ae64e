import { tidyEmbedded } from "../store/embedded/embedded.ts";
import { deadline, pause, untilAborted } from "../async/deadline.ts";
import { createClockGuard } from "../monitor/clock.ts";
import { beat, HEARTBEAT_MS, signOff } from "../monitor/heartbeat.ts";
import { newId } from "../store/id.ts";
import { createSpillMover } from "../message/spill/spill_mover.ts";
import { errorText } from "../process/log.ts";
import { releaseMessages } from "../message/claim.ts";
import type { Services } from "../services.ts";
import { clearOutage } from "../notify/slack/outage.ts";
import { createBulkStep } from "./bulk/step.ts";
import { createRedeliverer } from "./verify/redeliver.ts";
import { createVerifier } from "./verify/verifier.ts";
import { createMessageStep, type MessageStep, POLL_MS } from "./messages.ts";
import { NEEDS_MS, watchNeeds } from "./needs.ts";
import { tellPeople } from "./notifications.ts";
import { createTaskStep, type TaskStep } from "./tasks.ts";
import { tidy } from "./tidy.ts";
import { createTrialStep, type TrialStep } from "./trials.ts";

/**
 * What happens between a message and its notification:
 *
 *   takeMessages   message → description → task   (messages.ts)
 *   runTasks       task → agent → result          (tasks.ts)
 *   tellPeople     result → notifications         (notifications.ts)
 *
 * Each is a bounded step that says how much it did; `work` repeats them until
 * it is stopped, `drain` (drain.ts) until there is nothing left.
 */
export interface Worker
  extends
    MessageStep,
    Pick<TaskStep, "runTasks" | "collect" | "watch" | "idle" | "inHand">,
    Pick<TrialStep, "runTrials"> {
  readonly id: string;
  /** How many tasks have ended or wait for somebody by now, and messages that made none. */
  readonly settled: number;
  /** Tells what is due through every channel, and says how much there was to do. */
  tellPeople(signal: AbortSignal): Promise<number>;
  /** Moves messages from the spill into the inbox, and says how many. */
  moveSpill(): Promise<number>;
  /** Works a batch of a bulk action, if it is its turn, and says how many rows. */
  workBulk(signal: AbortSignal): Promise<number>;
  /** Says that this worker lives, and renews the leases on its tasks. */
  beat(): Promise<void>;
  /** Ends what nobody can end any more, and forgets what is old. */
  tidy(): Promise<void>;
  /** Gives everything in hand back, for others to take at once. */
  stop(): Promise<void>;
  /** The same where the host ends it: the tries at tasks count. */
  cutOff(): Promise<void>;
  /** Takes it off the list of those who work. */
  signOff(): Promise<void>;
}

export function createWorker(services: Services): Worker {
  const { database, queue, spill, log, jobs, channels } = services;
  const id = `${services.host}-${newId().slice(-12)}`;
  const clock = createClockGuard(services);
  let processed = 0;
  let settled = 0;
  function done(count: number, settledOf = count): void {
    processed += count;
    settled += settledOf;
  }
  const messages = createMessageStep(services, { worker: id, done });
  const tasks = createTaskStep(services, { worker: id, done });
  const trials = createTrialStep(services, { worker: id });
  const verifier = createVerifier(services);
  const redeliverer = createRedeliverer({ services, verifier });

  return {
    id,
    ...messages,
    runTasks: tasks.runTasks,
    collect: tasks.collect,
    watch: tasks.watch,
    runTrials: trials.runTrials,
    get inHand() {
      return tasks.inHand + trials.inHand;
    },
    get settled() {
      return settled;
    },
    tellPeople: (signal) => tellPeople(services, signal),
    moveSpill: spill ? createSpillMover({ database, queue, spill, log }) : () => Promise.resolve(0),
    workBulk: createBulkStep({ services, verifier, redeliverer }),
    async beat() {
      // Neither waits for the other: they may be in different stores.
      const beats = await Promise.allSettled([
        beat(database, {
          id,
          host: services.host,
          roles: ["messages", "tasks", "notifications"],
          doing: doingWith(tasks.inHand),
          processed,
          rules: services.sources.rules,
        }),
        tasks.hold(),
        trials.hold(),
      ]);
      for (const each of beats) if (each.status === "rejected") throw each.reason;
    },
    tidy: () => tidy(services, clock),
    async idle() {
      await Promise.all([tasks.idle(), trials.idle()]);
      await Promise.all(channels.map((channel) => channel.idle()));
    },
    async stop() {
      tasks.abort();
      await Promise.all([releaseMessages(database, id), jobs.release(id), trials.stop()]);
      await signOff(database, id);
    },
    async cutOff() {
      tasks.abort();
      await Promise.all([
        releaseMessages(database, id),
        jobs.cutOff(id),
        trials.stop({ counts: true }),
        signOff(database, id),
      ]);
    },
    signOff: () => signOff(database, id),
  };
}

/** What a worker does, as `/webhook/status` shows it. */
function doingWith(tasks: number): string {
  return tasks === 0 ? "waiting" : `running ${tasks} task${tasks === 1 ? "" : "s"}`;
}

/** A person who cancels a task sees it stop within a second. */
const WATCH_MS = 400;
/** It ends crashed messages and old approvals and forgets old rows: nobody waits for any of it. */
const TIDY_MS = 5_000;
/** The embedded database's own upkeep stops everything else while it runs. */
const COMPACT_MS = 5 * 60_000;
/** Somebody looks at the page of a trial: a second is soon. */
const TRIALS_MS = 1_000;
/** Each look costs a command, and there is seldom anything. */
const SPILL_MS = 1_000;
/** Nobody waits for many things at once: a look costs a statement. */
const BULK_MS = 1_000;
/** A step that has just failed is left alone for so long. */
const AFTER_ERROR_MS = 1_000;
/**
 * How long work in hand may go on after the signal, and how long giving the rest back may take:
 * together well below the eight seconds in which a process has to end.
 */
const GRACE_MS = 3_000;
const GIVE_BACK_MS = 2_000;

/** Works until the signal is aborted, then gives back what is unfinished. Never rejects. */
export async function work(services: Services, signal: AbortSignal): Promise<void> {
  const { log, database } = services;
  await services.ready;
  if (signal.aborted) return;
  const worker = createWorker(services);
  // Slack was switched off: nothing is wrong with it any more.
  if (!services.slack) clearOutage(database).catch(() => {});
  log.info("worker.started", { worker: worker.id, agent: services.agent.name });
  const loops = startLoops(services, worker, signal);
  // A frozen store holds up a loop for longer than there is time.
  await Promise.race([
    loops.then(() => worker.idle()),
    untilAborted(signal).then(() => pause(GRACE_MS)),
  ]);
  await deadline("give work back", GIVE_BACK_MS, worker.stop())
    .catch((error) => log.warn("worker.stop_failed", { error: errorText(error) }));
  log.info("worker.stopped", { worker: worker.id });
}

/** Repeats every step at its own pace until the signal is aborted; resolves when all have ended. */
function startLoops(services: Services, worker: Worker, signal: AbortSignal): Promise<unknown> {
  const { bells, log, database, jobs, channels, spill } = services;

  /** `rest` is what to wait for when there was nothing to do. */
  async function repeat(step: () => Promise<number>, rest: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await step() === 0) await rest();
      } catch (error) {
        log.warn("worker.step_failed", { error: errorText(error) });
        await pause(AFTER_ERROR_MS, signal);
      }
    }
  }
  const rest = (ms: number) => () => pause(ms, signal);
  const every = (ms: number, step: () => Promise<unknown>) =>
    repeat(() => step().then(() => 0), rest(ms));

  return Promise.all([
    // It waits by itself, for the queue.
    repeat(() => worker.takeMessages(POLL_MS, signal), () => Promise.resolve()),
    // Groups that were filled while there was a rule are made tasks without it, too.
    repeat(
      () => worker.takeGroups(),
      () => pause(groupsAny(services) ? POLL_MS : TIDY_MS, signal),
    ),
    repeat(() => worker.runTasks(signal), () => bells.tasks.wait(POLL_MS, signal)),
    every(jobs.collectEveryMs, () => worker.collect()),
    // None waits for another.
    ...channels.map((channel) => repeat(() => channel.tell(signal), rest(channel.restMs))),

    repeat(() => workBulkGently(worker, signal), rest(BULK_MS)),
    services.trials && repeat(() => worker.runTrials(signal), rest(TRIALS_MS)),
    every(HEARTBEAT_MS, () => worker.beat()),
    every(WATCH_MS, () => worker.watch()),
    every(TIDY_MS, () => worker.tidy()),
    every(NEEDS_MS, () => watchNeeds(services)),
    every(COMPACT_MS, () => tidyEmbedded(database)),
    spill && repeat(() => worker.moveSpill(), rest(SPILL_MS)),
  ]);
}

/** Rests as long as it has worked, at most a second: what is live shares the store with it. */
async function workBulkGently(worker: Worker, signal: AbortSignal): Promise<number> {
  const began = performance.now();
  const settled = await worker.workBulk(signal);
  if (settled > 0) await pause(Math.min(BULK_MS, performance.now() - began), signal);
  return settled;
}

/** Whether the operator has messages of any source put into debounce groups or into open tasks. */
function groupsAny({ sources }: Services): boolean {
  return sources.ruled.some((name) => {
    const { merge, later } = sources.settingsOf(name);
    return merge !== undefined || later === "continue";
  });
}
