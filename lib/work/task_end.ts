import type { Outcome } from "../agent/agent.ts";
import { createBatcher } from "../async/batch.ts";
import type { Ending } from "../jobs/jobs.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { isRowError, writeEach } from "../store/row_error.ts";
import { isStoreAway } from "../store/store_away.ts";
import type { Destination } from "../task/destination.ts";
import type { ClaimedTask } from "../task/claim.ts";
import { type Finish, finishTasks } from "../task/finish.ts";

/** What every end of a turn at a task says: whose it was, and who is to be told. */
export type TurnAtTask = Pick<Finish, "taskId" | "epoch" | "actor" | "tell">;

/** Writes ends together: says of each whether the turn was still the task's newest. */
export interface Finisher {
  add(finish: Finish): Promise<boolean>;
}

/** As many as one claim of messages: one statement ends them all. */
const FINISHES_AT_ONCE = 64;
/** An error is shown in lists and told in notifications. */
const MOST_ERROR = 1_000;
/** After the store has failed in the middle of a turn, the task is taken again this soon. */
const AGAIN_SECONDS = 1;

export function createFinisher(
  { database }: Pick<Services, "database">,
): Finisher {
  return createBatcher<Finish, boolean>(
    (finishes) =>
      writeEach(finishes, async (some) => {
        const ended = await finishTasks(database, some);
        return some.map((finish) => ended.has(finish.taskId));
      }),
    { items: FINISHES_AT_ONCE },
  );
}

/** Where the outcome of a source's tasks is told. */
export function destinationsFor(
  { channels }: Pick<Services, "channels">,
  source: string,
): Destination[] {
  return channels.flatMap((channel) => channel.destinations({ source }));
}

/** A turn of this worker's own agent. */
export function turnAt(
  services: Pick<Services, "agent" | "channels" | "sources">,
  task: ClaimedTask,
): TurnAtTask {
  const { name: source } = services.sources.find(task.webhookType);
  return {
    taskId: task.id,
    epoch: task.epoch,
    actor: services.agent.name,
    tell: destinationsFor(services, source),
  };
}

export function toFinish(turn: TurnAtTask, outcome: Outcome): Finish {
  if (outcome.status !== "completed") return { ...turn, ...outcome };
  const { status, text, data, readsAll } = outcome;
  return { ...turn, status, result: { text, data }, readsAll };
}

/** What a turn that threw comes to: the store's failure is never the task's. */
export function toFailure(turn: TurnAtTask, error: unknown): Finish {
  return isStoreAway(error)
    ? { ...turn, status: "later", afterSeconds: AGAIN_SECONDS, reason: errorText(error) }
    : failedWith(turn, "agent_failed", errorText(error));
}

/** The result cannot be stored, so that is what came of the task. */
export function toRefusedResult(turn: TurnAtTask, message: string): Finish {
  return failedWith(turn, "result_refused", message);
}

function failedWith(turn: TurnAtTask, code: string, message: string): Finish {
  return { ...turn, status: "failed", error: { code, message: message.slice(0, MOST_ERROR) } };
}

/** Ends a task that somebody else has worked on. What cannot be stored fails it. */
export async function keepEnding(
  services: Pick<Services, "channels">,
  finisher: Finisher,
  { id: taskId, epoch, source, actor, end }: Ending,
): Promise<void> {
  const turn = { taskId, epoch, actor, tell: destinationsFor(services, source) };
  try {
    await finisher.add({ ...turn, ...end });
  } catch (error) {
    if (!isRowError(error)) throw error;
    const message = `what came of it cannot be stored: ${errorText(error)}`;
    await finisher.add(toRefusedResult(turn, message));
  }
}
