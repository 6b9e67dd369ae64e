import { pause } from "../async/deadline.ts";
import type { Held } from "../jobs/jobs.ts";
import { tellUnstarted } from "../jobs/unstarted.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { isRowError } from "../store/row_error.ts";
import { type ClaimedTask, findOurs } from "../task/claim.ts";
import type { Finish } from "../task/finish.ts";
import { assign } from "./assignment.ts";
import {
  createFinisher,
  destinationsFor,
  type Finisher,
  keepEnding,
  toFailure,
  toFinish,
  toRefusedResult,
  turnAt,
} from "./task_end.ts";

/** Agents mostly wait for their model, so many may go on at once; each holds its payload in memory. */
const TASKS_AT_ONCE = 16;
/** A store that has just failed is left alone for so long. */
const AFTER_ERROR_MS = 1_000;
/** A lease not renewed for so long, because this process stood still, is renewed before anything else. */
const STALE_MS = 3_000;

/** The second third of a worker: task → agent → result. */
export interface TaskStep {
  /** Starts what waits, as far as hands are free, and says how much. */
  runTasks(signal: AbortSignal): Promise<number>;
  /** Looks after the tasks that others work on, and ends what has ended there. */
  collect(): Promise<number>;
  /** Renews the leases on the tasks in hand. */
  hold(): Promise<void>;
  /** Stops the agents of tasks that were cancelled. */
  watch(): Promise<void>;
  /** How many tasks are in hand. */
  readonly inHand: number;
  /** Resolves when the tasks in hand have ended. */
  idle(): Promise<void>;
  abort(): void;
}

/** A turn at a task that goes on in this process. */
interface RunningTask {
  epoch: number;
  /** Nothing else is to be at hand should it crash the worker. */
  alone: boolean;
  abort: AbortController;
  done: Promise<void>;
}

/** The tasks side of one worker. */
interface TaskHands {
  services: Services;
  worker: string;
  done(tasks: number): void;
  finisher: Finisher;
  running: Map<string, RunningTask>;
  /** When the leases were last renewed. */
  heldAt: number;
}

/** `done` hears how many tasks have ended. */
export function createTaskStep(
  services: Services,
  { worker, done }: { worker: string; done(tasks: number): void },
): TaskStep {
  const hands: TaskHands = {
    services,
    worker,
    done,
    finisher: createFinisher(services),
    running: new Map(),
    heldAt: performance.now(),
  };
  return {
    runTasks: (signal) => runTasks(hands, signal),
    collect: () => collect(hands),
    hold: () => hold(hands),
    watch: () => watch(hands),
    get inHand() {
      return hands.running.size;
    },
    async idle() {
      await Promise.allSettled([...hands.running.values()].map((run) => run.done));
    },
    abort() {
      for (const { abort } of hands.running.values()) abort.abort();
    },
  };
}

async function runTasks(hands: TaskHands, signal: AbortSignal): Promise<number> {
  const { running, worker, services } = hands;
  const max = (services.agent.tasksAtOnce ?? TASKS_AT_ONCE) - running.size;
  if (max <= 0 || signal.aborted || [...running.values()].some((run) => run.alone)) return 0;
  // Else it would take its own tasks over.
  if (running.size > 0 && performance.now() - hands.heldAt > STALE_MS) await hold(hands);
  const tasks = await services.jobs.claim({ worker, max, emptyHanded: running.size === 0 });
  for (const task of tasks) start(hands, task);
  return tasks.length;
}

function start(hands: TaskHands, task: ClaimedTask): void {
  const { running, services: { bells } } = hands;
  // A process that was frozen past its lease may get its own task again.
  running.get(task.id)?.abort.abort();
  const abort = new AbortController();
  const done = runTask(hands, task, abort.signal).finally(() => {
    if (running.get(task.id)?.epoch === task.epoch) running.delete(task.id);
    bells.tasks.ring();
  });
  running.set(task.id, { epoch: task.epoch, alone: task.alone, abort, done });
}

/** Task → agent → result. */
async function runTask(hands: TaskHands, task: ClaimedTask, signal: AbortSignal): Promise<void> {
  const { services } = hands;
  const turn = turnAt(services, task);
  const finish = await assign(services, task)
    .then((assignment) => services.agent.run(assignment, signal))
    .then((outcome) => toFinish(turn, outcome))
    .catch((error) => toFailure(turn, error));
  try {
    await keepFinish(hands, finish, signal);
  } catch (error) {
    await keepFinish(hands, toRefusedResult(turn, errorText(error)), signal);
  }
}

/**
 * Until the store takes it, or the task is no longer ours: work that was done is
 * not done again.
 *
 * @throws when the store refuses what stands in it.
 */
async function keepFinish(hands: TaskHands, finish: Finish, signal: AbortSignal): Promise<void> {
  const { services: { jobs, log }, finisher } = hands;
  const { taskId, epoch } = finish;
  while (!signal.aborted) {
    try {
      const ours = await finisher.add(finish);
      if (!ours) log.warn("task.finished_elsewhere", { task_id: taskId, epoch });
      hands.done(1);
      return await jobs.finish(finish, ours);
    } catch (error) {
      log.warn("task.finish_failed", { task_id: taskId, error: errorText(error) });
      if (isRowError(error)) throw error;
      await pause(AFTER_ERROR_MS, signal);
    }
  }
}

async function collect({ services, finisher, done }: TaskHands): Promise<number> {
  const { endings, unstarted } = await services.jobs.collect();
  // Together, so that they share their statements.
  const kept = await Promise.allSettled(
    endings.map((ending) => keepEnding(services, finisher, ending)),
  );
  for (const each of kept) if (each.status === "rejected") throw each.reason;
  done(endings.length);
  await tellUnstarted(
    services.database,
    unstarted.map((task) => ({ ...task, tell: destinationsFor(services, task.source) })),
  );
  return endings.length;
}

async function hold(hands: TaskHands): Promise<void> {
  const tasks = heldBy(hands);
  const ours = await hands.services.jobs.hold(hands.worker, tasks);
  hands.heldAt = performance.now();
  letGo(hands, tasks, ours);
}

async function watch(hands: TaskHands): Promise<void> {
  const tasks = heldBy(hands);
  if (tasks.length > 0) letGo(hands, tasks, await findOurs(hands.services.database, tasks));
}

function heldBy({ running }: TaskHands): Held[] {
  return [...running].map(([id, { epoch }]) => ({ id, epoch }));
}

/** Stops what is in hand and not ours any more: cancelled, or taken over while this process was frozen. */
function letGo(
  { running }: TaskHands,
  held: readonly Held[],
  ours: ReadonlySet<string>,
): void {
  for (const { id, epoch } of held) {
    const run = running.get(id);
    if (run?.epoch === epoch && !ours.has(id)) run.abort.abort();
  }
}
