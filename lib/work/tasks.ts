import type { Assignment, Outcome } from "../agent/agent.ts";
import { createBatcher } from "../async/batch.ts";
import { readGroup } from "../message/group.ts";
import { pause } from "../async/deadline.ts";
import type { Ending, Held } from "../jobs/jobs.ts";
import { tellUnstarted } from "../jobs/unstarted.ts";
import { errorText } from "../process/log.ts";
import { readBody } from "../message/message.ts";
import { parsePayload } from "../../sources/kit/payload.ts";
import { isRowError, writeEach } from "../store/row_error.ts";
import type { Services } from "../services.ts";
import { isStoreAway } from "../store/store_away.ts";
import { type ClaimedTask, findOurs, type Finish, finishTasks } from "../task/claim.ts";

const TASKS_AT_ONCE = 16;
const FINISHES_AT_ONCE = 64;
const AFTER_ERROR_MS = 1_000;
/** A lease not renewed for so long, because this process stood still, is renewed before anything else. */
const STALE_MS = 4_000;

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

/** `done` hears how many tasks have ended. */
export function createTaskStep(
  services: Services,
  { worker, done: ended }: { worker: string; done(tasks: number): void },
): TaskStep {
  const { database, log, sources, agent, jobs, channels, bells } = services;
  const running = new Map<
    string,
    { epoch: number; alone: boolean; abort: AbortController; done: Promise<void> }
  >();
  let heldAt = performance.now();

  const finisher = createBatcher<Finish, boolean>(
    (finishes) =>
      writeEach(finishes, async (some) => {
        const ended = await finishTasks(database, some);
        bells.notifications.ring();
        return some.map((finish) => ended.has(finish.taskId));
      }),
    { items: FINISHES_AT_ONCE },
  );

  const destinationsFor = (source: string) =>
    channels.flatMap((channel) => channel.destinations({ source }));

  async function runTasks(signal: AbortSignal): Promise<number> {
    const max = TASKS_AT_ONCE - running.size;
    if (max <= 0 || signal.aborted || [...running.values()].some((run) => run.alone)) return 0;
    // Else it would take its own tasks over.
    if (running.size > 0 && performance.now() - heldAt > STALE_MS) await hold();
    const tasks = await jobs.claim({ worker, max, emptyHanded: running.size === 0 });
    for (const task of tasks) {
      // A process that was frozen past its lease may get its own task again.
      running.get(task.id)?.abort.abort();
      const abort = new AbortController();
      const done = runTask(task, abort.signal).finally(() => {
        if (running.get(task.id)?.epoch === task.epoch) running.delete(task.id);
        bells.tasks.ring();
      });
      running.set(task.id, { epoch: task.epoch, alone: task.lastTry, abort, done });
    }
    return tasks.length;
  }

  /** Task → agent → result. */
  async function runTask(task: ClaimedTask, signal: AbortSignal): Promise<void> {
    const { name: source } = sources.find(task.webhookType);
    const end = {
      taskId: task.id,
      epoch: task.epoch,
      actor: agent.name,
      tell: destinationsFor(source),
    };
    const finish = await assign(task, source).then((assignment) => agent.run(assignment, signal))
      .then((outcome): Finish => ({ ...end, ...toFinish(outcome) }))
      .catch((error): Finish =>
        // The store failed, not the task.
        isStoreAway(error)
          ? { ...end, status: "later", afterSeconds: 1, reason: errorText(error) }
          : failed("agent_failed", error)
      );
    await keepEnd(finish).catch((error) => {
      // The result cannot be stored, so that is what came of it.
      if (isRowError(error)) return keepEnd(failed("result_refused", error));
    });

    function failed(code: string, error: unknown): Finish {
      return {
        ...end,
        status: "failed",
        error: { code, message: errorText(error).slice(0, 1_000) },
      };
    }

    /** Until the store takes it, or the task is no longer ours: work that was done is not done again. */
    async function keepEnd(finish: Finish): Promise<void> {
      while (!signal.aborted) {
        try {
          const ours = await finisher.add(finish);
          if (!ours) log.warn("task.finished_elsewhere", { task_id: task.id, epoch: task.epoch });
          ended(1);
          return await jobs.finish(finish, ours);
        } catch (error) {
          log.warn("task.finish_failed", { task_id: task.id, error: errorText(error) });
          if (isRowError(error)) throw error;
          await pause(AFTER_ERROR_MS, signal);
        }
      }
    }
  }

  async function assign(task: ClaimedTask, source: string): Promise<Assignment> {
    const { headers, webhookType } = task;
    const body = task.body ?? await readBody(database, task.messageId) ?? new Uint8Array();
    const payload = parsePayload(body, headers.get("content-type") ?? undefined);
    const merged = sources.settingsOf(source).merge && await readGroup(database, task.id);
    return {
      taskId: task.id,
      epoch: task.epoch,
      title: task.title,
      description: task.description,
      source,
      webhookType,
      described: sources.find(webhookType).source.describe(payload, { headers, type: webhookType }),
      payload,
      verified: task.verification === "verified",
      merged: merged &&
        { messages: merged.messages, titles: merged.merged.map(({ title }) => title ?? "") },
      receivedAt: task.receivedAt,
    };
  }

  const held = () => [...running].map(([id, { epoch }]) => ({ id, epoch }));

  /** Stops what is in hand and not ours any more: cancelled, or taken over while this process was frozen. */
  function letGo(held: readonly Held[], ours: ReadonlySet<string>): void {
    for (const { id, epoch } of held) {
      const run = running.get(id);
      if (run?.epoch === epoch && !ours.has(id)) run.abort.abort();
    }
  }

  async function hold(): Promise<void> {
    const tasks = held();
    const ours = await jobs.hold(worker, tasks);
    heldAt = performance.now();
    letGo(tasks, ours);
  }

  /** Ends a task that somebody else has worked on. What cannot be stored fails it. */
  async function keepEnding({ id: taskId, epoch, source, actor, end }: Ending): Promise<void> {
    const finish = { taskId, epoch, actor, tell: destinationsFor(source) };
    try {
      await finisher.add({ ...finish, ...end });
    } catch (error) {
      if (!isRowError(error)) throw error;
      const message = `what came of it cannot be stored: ${errorText(error)}`.slice(0, 1_000);
      await finisher.add({
        ...finish,
        status: "failed",
        error: { code: "result_refused", message },
      });
    }
  }

  return {
    runTasks,
    hold,
    async collect() {
      const { endings, late } = await jobs.collect();
      for (const ending of endings) await keepEnding(ending);
      ended(endings.length);
      await tellUnstarted(
        database,
        late.map((task) => ({ ...task, tell: destinationsFor(task.source) })),
      );
      if (late.length > 0) bells.notifications.ring();
      return endings.length;
    },
    async watch() {
      const tasks = held();
      if (tasks.length > 0) letGo(tasks, await findOurs(database, tasks));
    },
    get inHand() {
      return running.size;
    },
    async idle() {
      await Promise.allSettled([...running.values()].map((run) => run.done));
    },
    abort() {
      for (const { abort } of running.values()) abort.abort();
    },
  };
}

function toFinish(outcome: Outcome) {
  if (outcome.status !== "completed") return outcome;
  const { status, text, data } = outcome;
  return { status, result: { text, data } };
}
