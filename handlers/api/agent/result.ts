import type { z } from "@hono/zod-openapi";
import { readClaimState } from "../../../lib/jobs/report/report.ts";
import { readWorkerNews, type WorkerClaim } from "../../../lib/jobs/report/inbox.ts";
import { endsWait, waitUntil, whyNoWait } from "../../../lib/jobs/report/wait.ts";
import type { Services } from "../../../lib/services.ts";
import { type Finish, finishTasks } from "../../../lib/task/finish.ts";
import { readTask, type Task } from "../../../lib/task/task.ts";
import { notFound } from "../../problem.ts";
import { hasNews, notContinuing, stale, waitDenied } from "./refusals.ts";
import type { resultBody } from "./routes.ts";

/** Who did it, in a task's timeline. */
const AGENT = "agent";

type Result = z.infer<typeof resultBody>;

/**
 * Ends a task or lets it wait; the same result may be sent again when its answer was lost on the
 * way. With `seen` it ends only where its worker has read all that has come.
 */
export async function finish(
  services: Services,
  job: { id: string; round: number },
  result: Result,
): Promise<Task> {
  const { database, channels } = services;
  const { id, round } = job;
  while (true) {
    const current = await readClaimState(database, id);
    if (!current) throw notFound("task");
    const wasEndedSo = current.epoch === result.epoch && current.status === result.status;
    if (wasEndedSo) return (await readTask(database, id))!;
    if (current.round !== round) throw stale();
    const looks = result.status === "waiting_event" || result.seen !== undefined;
    const news = looks ? await requireRead(services, { ...job, epoch: result.epoch }, result) : {};
    const tell = channels.flatMap((channel) => channel.destinations({ source: current.source }));
    const turn = { taskId: id, epoch: result.epoch, actor: AGENT, tell, ...news };
    const ended = await finishTasks(database, [await toFinish(services, turn, result)]);
    if (ended.has(id)) return (await readTask(database, id))!;
    // Else something has come since: it is looked for again, until it is found or all is read.
    if (!looks) throw stale();
  }
}

/**
 * @returns how much had come when nothing was left to be read of it.
 * @throws {Problem} where there is something to be read, or the task may not wait.
 */
async function requireRead(
  { database, sources, budgetsOf: limitsOf }: Services,
  claim: WorkerClaim,
  result: Result,
): Promise<{ unlessNews: number }> {
  const { seen } = result;
  const found = await readWorkerNews(database, claim, seen);
  if (!found) throw stale();
  if (!found.continues) throw notContinuing();
  const waits = result.status === "waiting_event" ? result : undefined;
  const unseen = waits ? endsWait(found, waits) : found.messages;
  if (unseen.length > 0) throw hasNews(unseen.length, { ...claim, seen });
  if (waits) {
    const task = { id: claim.id, isClosed: found.isClosed, minutes: waits.minutes };
    const denied = await whyNoWait(database, { sources, limitsOf }, task);
    if (denied !== undefined) throw waitDenied(denied);
  }
  return { unlessNews: found.news };
}

async function toFinish(
  { database }: Services,
  turn: Pick<Finish, "taskId" | "epoch" | "actor" | "tell" | "unlessNews">,
  result: Result,
): Promise<Finish> {
  switch (result.status) {
    case "completed": {
      const { status, text, data = null } = result;
      return { ...turn, status, result: { text, data } };
    }
    case "failed":
      return { ...turn, status: result.status, error: result.error };
    case "waiting_event":
      return {
        ...turn,
        status: result.status,
        events: result.events,
        until: await waitUntil(database, result),
        news: turn.unlessNews ?? 0,
        // The epoch of a claim waits once.
        waitKey: `worker:${turn.epoch}`,
      };
  }
}
