import type { Assignment } from "../agent/agent.ts";
import { pause } from "../async/deadline.ts";
import { readGroup } from "../message/group/group.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { isRowError } from "../store/row_error.ts";
import { isStoreAway } from "../store/store_away.ts";
import { readEarlier } from "../task/earlier.ts";
import { readTask } from "../task/task.ts";
import {
  type ClaimedTrial,
  claimTrials,
  endTrial,
  holdTrials,
  releaseTrials,
  type TrialEnd,
} from "../task/trial/claim.ts";

/** A person waits for them, and they must not take the place of what is live: providers limit both. */
const TRIALS_AT_ONCE = 2;
/** A store that has just failed is left alone for so long. */
const AFTER_ERROR_MS = 1_000;
const AGAIN_SECONDS = 1;
/** An error is shown beside what really came of a message. */
const MOST_ERROR = 1_000;

/** What a worker does beside its work: kept messages given to the model once more. */
export interface TrialStep {
  /** Starts trials, as far as hands are free, and says how many. */
  runTrials(signal: AbortSignal): Promise<number>;
  /** Renews the leases on those in hand, and stops those that are somebody else's or nobody's. */
  hold(): Promise<void>;
  readonly inHand: number;
  /** Resolves when those in hand have ended. */
  idle(): Promise<void>;
  /** Gives those in hand back; `counts` as in {@link releaseTrials}. */
  stop(how?: { counts: boolean }): Promise<void>;
}

interface RunningTrial {
  epoch: number;
  abort: AbortController;
  done: Promise<void>;
}

export function createTrialStep(services: Services, { worker }: { worker: string }): TrialStep {
  const { database, trials, bells } = services;
  const running = new Map<string, RunningTrial>();

  function start(trial: ClaimedTrial): void {
    // A process that was frozen past its lease may get its own trial again.
    running.get(trial.id)?.abort.abort();
    const abort = new AbortController();
    const done = runTrial(services, trial, abort.signal).finally(() => {
      if (running.get(trial.id)?.epoch === trial.epoch) running.delete(trial.id);
      bells.tasks.ring();
    });
    running.set(trial.id, { epoch: trial.epoch, abort, done });
  }

  return {
    get inHand() {
      return running.size;
    },
    async runTrials(signal) {
      const max = TRIALS_AT_ONCE - running.size;
      if (!trials || max <= 0 || signal.aborted) return 0;
      const claimed = await claimTrials(database, { worker, max });
      for (const trial of claimed) start(trial);
      return claimed.length;
    },
    async hold() {
      const held = [...running].map(([id, { epoch }]) => ({ id, epoch }));
      const ours = await holdTrials(database, worker, held);
      for (const { id, epoch } of held) {
        const run = running.get(id);
        if (run?.epoch === epoch && !ours.has(id)) run.abort.abort();
      }
    },
    async idle() {
      await Promise.allSettled([...running.values()].map(({ done }) => done));
    },
    async stop(how) {
      for (const { abort } of running.values()) abort.abort();
      if (trials) await releaseTrials(database, worker, how);
    },
  };
}

/** Works a trial as far as it comes, and writes down what came of it. Never rejects. */
async function runTrial(
  services: Services,
  trial: ClaimedTrial,
  ours: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(Math.max(0, trial.msLeft));
  const end = await endOf(services, trial, AbortSignal.any([ours, late]))
    .catch((error): TrialEnd => late.aborted ? TOO_LATE : toFailure(error));
  // Cancelled, taken over or given back: what it came to is nobody's any more.
  if (ours.aborted || end === undefined) return;
  try {
    await keepEnd(services, trial, { end, signal: ours });
  } catch (error) {
    const message = `what came of it cannot be stored: ${errorText(error)}`.slice(0, MOST_ERROR);
    await keepEnd(services, trial, {
      end: { status: "failed", code: "result_refused", message },
      signal: ours,
    }).catch(() => {});
  }
}

const TOO_LATE: TrialEnd = {
  status: "failed",
  code: "too_late",
  message: "it had not ended when its time was up",
};

function toFailure(error: unknown): TrialEnd {
  const reason = errorText(error).slice(0, MOST_ERROR);
  return isStoreAway(error)
    ? { status: "later", afterSeconds: AGAIN_SECONDS, reason }
    : { status: "failed", code: "agent_failed", message: reason };
}

async function endOf(
  services: Services,
  trial: ClaimedTrial,
  signal: AbortSignal,
): Promise<TrialEnd | undefined> {
  return await services.trials!.run(trial, await assignTrial(services, trial), signal);
}

/**
 * Until the store takes it, or the trial is no longer ours.
 *
 * @throws when the store refuses what stands in it.
 */
async function keepEnd(
  { database, log }: Services,
  trial: ClaimedTrial,
  { end, signal }: { end: TrialEnd; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await endTrial(database, trial, end);
      return;
    } catch (error) {
      log.warn("trial.end_failed", { trial_id: trial.id, error: errorText(error) });
      if (isRowError(error)) throw error;
      await pause(AFTER_ERROR_MS, signal);
    }
  }
}

/**
 * What the agent is told of a trial's message: what it would be told of a task made of it today. It
 * has no task: its id is the trial's own, so that nothing can be written into a real one.
 */
async function assignTrial(
  { database, sources, reader }: Services,
  trial: ClaimedTrial,
): Promise<Assignment> {
  const { id, epoch, messageId, webhookType, size, taskId, subjectId, receivedAt } = trial;
  const { description, payload, fromHere } = await reader.describe({
    messageId,
    webhookType,
    size,
  });
  const verified = trial.verification === "verified";
  const task = taskId === null ? undefined : await readTask(database, taskId);
  // A task's first message stands for all of its group, as it did for the agent.
  const group = task?.message_id === messageId ? await readGroup(database, task.id) : undefined;
  const earlier = task && subjectId !== null
    ? await readEarlier(database, { taskId: task.id, subjectId, verified })
    : undefined;
  return {
    taskId: id,
    epoch,
    title: description.title,
    description: description.description,
    source: sources.find(webhookType).name,
    subjectId,
    webhookType,
    described: description,
    loadPayload: () => Promise.resolve(payload),
    verified,
    fromHere,
    merged: group &&
      { messages: group.messages, titles: group.merged.map(({ title }) => title ?? "") },
    receivedAt,
    earlier,
  };
}
