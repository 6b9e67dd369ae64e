import { findSource } from "../sources/mod.ts";
import { threadOf } from "../sources/slack_command.ts";
import type { Assignment, Outcome } from "./agent/agent.ts";
import { expireApprovals } from "./approval.ts";
import { forgetUsage } from "./agent/usage.ts";
import { createBatcher } from "./batch.ts";
import { forgetChanges } from "./change.ts";
import { tidyEmbedded } from "./database.ts";
import { deadline, pause, untilAborted } from "./deadline.ts";
import { hear } from "./hear.ts";
import { beat, forgetWorkers, HEARTBEAT_MS, signOff } from "./heartbeat.ts";
import { newId } from "./id.ts";
import { failCrashedMessages, type Intake, settleMessages } from "./intake.ts";
import { moveSpilled } from "./inbox.ts";
import type { Ending } from "./jobs/jobs.ts";
import { tellLate } from "./late.ts";
import { errorText, type Log } from "./log.ts";
import {
  type ClaimedMessage,
  claimMessages,
  claimSuspect,
  forgetMessages,
  readBody,
  releaseMessages,
} from "./message.ts";
import { claimNotifications, markSent, markUnsent, type Notification } from "./notification.ts";
import { parsePayload } from "./payload.ts";
import { isRowError, writeEach } from "./row_error.ts";
import type { Services } from "./services.ts";
import { isStoreAway } from "./store_away.ts";
import { clearObstacle } from "./slack_obstacle.ts";
import { type ClaimedTask, findOurs, type Finish, finishTasks } from "./task.ts";
import { ensureWebhookUser } from "./user.ts";

/**
 * What happens between a message and its notification:
 *
 *   takeMessages   message → description → task
 *   runTasks       task → agent → result
 *   tellPeople     result → notifications
 *
 * Each is a bounded step that says how much it did; `work` repeats them until
 * it is stopped, `drain` until there is nothing left.
 */
export interface Worker {
  readonly id: string;
  takeMessages(waitMs: number, signal: AbortSignal): Promise<number>;
  runTasks(signal: AbortSignal): Promise<number>;
  tellPeople(signal: AbortSignal): Promise<number>;
  tellSlack(signal: AbortSignal): Promise<number>;
  moveSpill(): Promise<number>;
  /** Looks after the tasks that others work on, and ends what has ended there. */
  collect(): Promise<number>;
  beat(): Promise<void>;
  /** Stops the agents of tasks that were cancelled. */
  watch(): Promise<void>;
  tidy(): Promise<void>;
  /** Resolves when the tasks in hand, and calls of Slack, have ended. */
  idle(): Promise<void>;
  /** Gives everything in hand back, for others to take at once. */
  stop(): Promise<void>;
}

const MESSAGES_AT_ONCE = 64;
const TASKS_AT_ONCE = 16;
const NOTIFICATIONS_AT_ONCE = 64;
/** How often rows are looked for without a bell. */
const POLL_MS = 500;
const NEWS_MS = 1_000;

export function createWorker(services: Services): Worker {
  const { database, queue, spill, log, agent, jobs, channels, slack, bells, config } = services;
  const id = `${services.host}-${newId().slice(-12)}`;
  const running = new Map<
    string,
    { epoch: number; alone: boolean; abort: AbortController; done: Promise<void> }
  >();
  let processed = 0;
  let polledAt = 0;
  /** Whether the last look at the table found as much as it can take. */
  let more = false;
  let assignee: string | undefined;
  /** Messages claimed and not settled because the store failed. */
  let owed: string[] = [];

  const finisher = createBatcher<Finish, boolean>(
    (finishes) =>
      writeEach(finishes, async (some) => {
        const ended = await finishTasks(database, some);
        bells.notifications.ring();
        return some.map((finish) => ended.has(finish.taskId));
      }),
    { items: MESSAGES_AT_ONCE },
  );

  async function takeMessages(waitMs: number, signal: AbortSignal): Promise<number> {
    await giveBack();
    const ids = await queue.receive(MESSAGES_AT_ONCE, more ? 0 : waitMs, signal);
    if (signal.aborted) return 0;
    let taken = ids.length > 0 ? await settle(await claim({ ids })) : 0;
    if (waitMs === 0 || more || performance.now() - polledAt >= POLL_MS) {
      // News is given a second to arrive, so that workers do not get in each other's way.
      const unheard = await settle(await claim({ waitedMs: waitMs === 0 ? 0 : NEWS_MS }));
      // A full batch means that there is more: look again at once.
      more = unheard === MESSAGES_AT_ONCE;
      polledAt = performance.now();
      taken += unheard + await takeSuspects(signal);
    }
    return taken;
  }

  /** Each alone, but all that a dead worker held, so that the last of them does not wait either. */
  async function takeSuspects(signal: AbortSignal): Promise<number> {
    let taken = 0;
    while (taken < MESSAGES_AT_ONCE && !signal.aborted) {
      const settled = await settle(await claimSuspect(database, id));
      if (settled === 0) break;
      taken += settled;
    }
    return taken;
  }

  const claim = (which: { ids: readonly string[] } | { waitedMs: number }) =>
    claimMessages(database, { worker: id, max: MESSAGES_AT_ONCE, ...which });

  async function settle(messages: readonly ClaimedMessage[]): Promise<number> {
    if (messages.length === 0) return 0;
    try {
      assignee ??= await ensureWebhookUser(database);
      const intakes: Intake[] = [];
      for (const message of messages) intakes.push(await read(message));
      const settled = await writeEach(intakes, keep);
      const refused = settled.flatMap((result, at): Intake[] => {
        if (!(result instanceof Error)) return [];
        const { messageId, epoch } = intakes[at];
        log.warn("message.failed", { message_id: messageId, error: errorText(result) });
        return [{ messageId, epoch, error: `what it says cannot be stored: ${errorText(result)}` }];
      });
      if (refused.length > 0) await keep(refused);
      processed += messages.length;
      return messages.length;
    } catch (error) {
      // The store failed, not the message: its attempt does not count.
      owed.push(...messages.map((message) => message.id));
      await giveBack().catch(() => {});
      throw error;
    }
  }

  /** Whether each became a task. */
  async function keep(intakes: readonly Intake[]): Promise<boolean[]> {
    const made = new Set(await settleMessages(database, intakes, assignee!));
    if (made.size > 0) bells.tasks.ring();
    if (made.size < intakes.length) bells.notifications.ring();
    return intakes.map((intake) => made.has(intake.messageId));
  }

  /** Gives back what the store failed on: now, or before the next claim when it cannot take that either. */
  async function giveBack(): Promise<void> {
    if (owed.length === 0) return;
    await releaseMessages(database, id, owed);
    owed = [];
  }

  /** Message → description, or a word on a task that is there already. */
  async function read(message: ClaimedMessage): Promise<Intake> {
    const { id: messageId, epoch, webhookType, verification } = message;
    const body = message.body ?? await readBody(database, messageId) ?? new Uint8Array();
    const described = describeMessage(message, body);
    if (described.error !== undefined) return { messageId, epoch, error: described.error };
    const { payload, told } = described;
    const intake = { messageId, epoch, event: told.event ?? null, title: told.title };
    const { name: source } = findSource(webhookType);
    const fromSlack = source === "slack" && verification === "verified";
    try {
      const heard = fromSlack && await hear(services, { messageId, payload });
      if (heard) return { ...intake, ...heard };
    } catch (error) {
      // Any other failure is the store's: all of them come again.
      if (!isRowError(error)) throw error;
      return { messageId, epoch, error: errorText(error).slice(0, 1_000) };
    }
    return {
      ...intake,
      description: told.description,
      slack: slack?.routeOf({
        source,
        webhookType,
        thread: fromSlack ? threadOf(payload) : undefined,
      }),
    };
  }

  /** Whatever a payload does to it, it is the message that fails. */
  function describeMessage(message: ClaimedMessage, body: Uint8Array) {
    const { headers, webhookType: type } = message;
    try {
      const payload = parsePayload(body, headers.get("content-type") ?? undefined);
      return { payload, told: findSource(type).source.describe(payload, { headers, type }) };
    } catch (error) {
      log.warn("message.failed", { message_id: message.id, error: errorText(error) });
      return { error: errorText(error).slice(0, 1_000) };
    }
  }

  async function runTasks(signal: AbortSignal): Promise<number> {
    const max = TASKS_AT_ONCE - running.size;
    if (max <= 0 || signal.aborted || [...running.values()].some((run) => run.alone)) return 0;
    const tasks = await jobs.claim({ worker: id, max, emptyHanded: running.size === 0 });
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
    const { name: source } = findSource(task.webhookType);
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
          processed++;
          return await jobs.finish(finish, ours);
        } catch (error) {
          log.warn("task.finish_failed", { task_id: task.id, error: errorText(error) });
          if (isRowError(error)) throw error;
          await pause(AFTER_ERROR_MS, signal);
        }
      }
    }
  }

  const destinationsFor = (source: string) =>
    channels.flatMap((channel) => channel.destinations({ source }));

  async function hold(): Promise<void> {
    const held = [...running].map(([taskId, { epoch }]) => ({ id: taskId, epoch }));
    const ours = await jobs.hold(id, held);
    for (const { id: taskId, epoch } of held) {
      // Cancelled, or taken over while this process was frozen.
      const run = running.get(taskId);
      if (!ours.has(taskId) && run?.epoch === epoch) run.abort.abort();
    }
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

  async function assign(task: ClaimedTask, source: string): Promise<Assignment> {
    const { headers, webhookType } = task;
    const body = task.body ?? await readBody(database, task.messageId) ?? new Uint8Array();
    const payload = parsePayload(body, headers.get("content-type") ?? undefined);
    return {
      taskId: task.id,
      epoch: task.epoch,
      title: task.title,
      description: task.description,
      source,
      webhookType,
      told: findSource(webhookType).source.describe(payload, { headers, type: webhookType }),
      payload,
      verified: task.verification === "verified",
      receivedAt: task.receivedAt,
    };
  }

  async function tellPeople(signal: AbortSignal): Promise<number> {
    const notifications = await claimNotifications(database, id, NOTIFICATIONS_AT_ONCE);
    const told = await Promise.all(notifications.map(async (notification) => {
      return [notification, await tell(notification, signal)] as const;
    }));
    const sent = told.filter(([, telling]) => telling.ok).map(([{ id }]) => id);
    if (sent.length > 0) await markSent(database, sent);
    for (const [notification, telling] of told) {
      if (!telling.ok) await markUnsent(database, notification, telling);
    }
    return notifications.length;
  }

  async function tell(notification: Notification, signal: AbortSignal) {
    const channel = channels.find((each) => each.name === notification.channel);
    if (channel) return await channel.tell(notification, signal);
    return {
      ok: false as const,
      error: `no channel "${notification.channel}" is configured`,
      permanent: true,
    };
  }

  return {
    id,
    takeMessages,
    runTasks,
    tellPeople,
    tellSlack: async (signal) => await slack?.tell(signal) ?? 0,
    async moveSpill() {
      return spill ? await moveSpilled({ database, queue, spill, log }) : 0;
    },
    async beat() {
      const doing = running.size > 0 ? `running ${running.size} tasks` : "waiting";
      const roles = ["messages", "tasks", "notifications"];
      // Neither waits for the other: they may be in different stores.
      const done = await Promise.allSettled([
        beat(database, { id, host: services.host, roles, doing, processed }),
        hold(),
      ]);
      for (const each of done) if (each.status === "rejected") throw each.reason;
    },
    async collect() {
      const { endings, late } = await jobs.collect();
      for (const ending of endings) await keepEnding(ending);
      if (endings.length > 0) processed += endings.length;
      await tellLate(
        database,
        late.map((task) => ({ ...task, tell: destinationsFor(task.source) })),
      );
      if (late.length > 0) bells.notifications.ring();
      return endings.length;
    },
    async watch() {
      const held = [...running].map(([taskId, { epoch }]) => ({ id: taskId, epoch }));
      if (held.length === 0) return;
      const ours = await findOurs(database, held);
      for (const { id: taskId, epoch } of held) {
        const run = running.get(taskId);
        if (run?.epoch === epoch && !ours.has(taskId)) run.abort.abort();
      }
    },
    async tidy() {
      await failCrashedMessages(database);
      if (await expireApprovals(database) > 0) bells.tasks.ring();
      await forgetUsage(database);
      const before = new Date(Date.now() - config.retentionDays * 24 * 60 * 60 * 1_000);
      await untilFewer(FORGET_AT_ONCE, () => forgetMessages(database, before, FORGET_AT_ONCE));
      await untilFewer(FORGET_AT_ONCE, () => forgetChanges(database, FORGET_AT_ONCE));
      await forgetWorkers(database);
    },
    async idle() {
      await Promise.allSettled([...running.values()].map((run) => run.done));
      await slack?.idle();
    },
    async stop() {
      for (const { abort } of running.values()) abort.abort();
      await Promise.all([releaseMessages(database, id), jobs.release(id)]);
      await signOff(database, id);
    },
  };
}

/** Repeats a step while it has as much to do as it can, within reason: the rest comes next time. */
async function untilFewer(full: number, step: () => Promise<number>): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS && await step() === full; round++);
}

const MOST_ROUNDS = 20;

function toFinish(outcome: Outcome) {
  if (outcome.status !== "completed") return outcome;
  const { status, text, data } = outcome;
  return { status, result: { text, data } };
}

/** A person who cancels a task sees it stop within a second. */
const WATCH_MS = 400;
const TIDY_MS = 5_000;
const COMPACT_MS = 5 * 60_000;
const FORGET_AT_ONCE = 500;
const SPILL_MS = 1_000;
/** Well below the pace in one channel. */
const SLACK_MS = 250;
const AFTER_ERROR_MS = 1_000;
/** How long work in hand may go on after the signal, and how long giving the rest back may take. */
const GRACE_MS = 3_000;
const GIVE_BACK_MS = 2_000;

/** Works until the signal is aborted, then gives back what is unfinished. Never rejects. */
export async function work(services: Services, signal: AbortSignal): Promise<void> {
  const { bells, log, database } = services;
  await services.ready;
  if (signal.aborted) return;
  const worker = createWorker(services);
  // Slack was switched off: nothing is wrong with it any more.
  if (!services.slack) clearObstacle(database).catch(() => {});
  log.info("worker.started", { worker: worker.id, agent: services.agent.name });

  /** Repeats a step; `rest` is what to wait for when there was nothing to do. */
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
  const every = (ms: number, step: () => Promise<unknown>) =>
    repeat(() => step().then(() => 0), () => pause(ms, signal));

  const loops = Promise.all([
    repeat(() => worker.takeMessages(POLL_MS, signal), () => Promise.resolve()),
    repeat(() => worker.runTasks(signal), () => bells.tasks.wait(POLL_MS, signal)),
    repeat(() => worker.tellPeople(signal), () => bells.notifications.wait(POLL_MS, signal)),
    services.slack && repeat(() => worker.tellSlack(signal), () => pause(SLACK_MS, signal)),
    every(HEARTBEAT_MS, () => worker.beat()),
    every(WATCH_MS, () => worker.watch()),
    every(TIDY_MS, () => worker.tidy()),
    every(services.jobs.collectEveryMs, () => worker.collect()),
    every(COMPACT_MS, () => tidyEmbedded(database)),
    services.spill && repeat(() => worker.moveSpill(), () => pause(SPILL_MS, signal)),
  ]);
  // A frozen store holds up a loop for longer than there is time.
  await Promise.race([
    loops.then(() => worker.idle()),
    untilAborted(signal).then(() => pause(GRACE_MS)),
  ]);
  await deadline("give work back", GIVE_BACK_MS, worker.stop())
    .catch((error) => log.warn("worker.stop_failed", { error: errorText(error) }));
  log.info("worker.stopped", { worker: worker.id });
}

/**
 * Works off what is waiting and returns, for hosts that give no time in the
 * background (Deno Deploy): at most `maxMs` milliseconds and `maxItems` messages.
 *
 * @returns how many messages were settled.
 */
export async function drain(
  services: Services,
  { maxMs, maxItems }: { maxMs: number; maxItems: number },
): Promise<number> {
  const signal = AbortSignal.timeout(maxMs);
  const worker = createWorker(services);
  const over = new AbortController();
  const beating = beatUntil(worker, services.log, over.signal);
  let settled = 0;
  try {
    while (!signal.aborted && settled < maxItems) {
      let done = await worker.moveSpill();
      const taken = await worker.takeMessages(0, signal);
      settled += taken;
      done += taken + await worker.runTasks(signal);
      await Promise.race([worker.idle(), untilAborted(signal)]);
      done += await worker.collect();
      done += await worker.tellPeople(signal) + await worker.tellSlack(signal);
      await Promise.race([worker.idle(), untilAborted(signal)]);
      if (done === 0) break;
    }
  } finally {
    over.abort();
    await beating;
    await worker.stop();
  }
  return settled;
}

/** Without heartbeats the leases of a long task run out, and another takes it. */
async function beatUntil(worker: Worker, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await worker.beat()
      .catch((error) => log.warn("worker.step_failed", { error: errorText(error) }));
    await pause(HEARTBEAT_MS, signal);
  }
}
