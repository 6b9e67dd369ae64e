import type { z } from "@hono/zod-openapi";
import {
  type Approval,
  decideApproval,
  listApprovals,
  readApproval,
} from "../../lib/task/approval.ts";
import { listTaskNotifications } from "../../lib/notify/search.ts";
import type { Services } from "../../lib/services.ts";
import type { Database } from "../../lib/store/database.ts";
import {
  answerTask,
  cancelTask,
  listTaskEvents,
  readTask,
  reassignTask,
  retryTask,
  type Task,
} from "../../lib/task/task.ts";
import { wakeTask } from "../../lib/task/wait.ts";
import { searchTasks } from "../../lib/task/search.ts";
import { readUser } from "../../lib/people/user.ts";
import { actorOf, noteAct } from "../acts.ts";
import { createApi } from "../openapi.ts";
import { notFound, Problem } from "../problem.ts";
import { foundPage } from "../schemas/fields.ts";
import type { taskAnswer } from "../schemas/task.ts";
import { toTaskSearch } from "../schemas/task_filter.ts";
import * as routes from "./task_routes.ts";

/** `/api/tasks`: list, read, reassign, cancel, retry, answer, approve, deny. */
export function tasks({ services }: { services: Services }) {
  const { database } = services;
  return createApi()
    .openapi(routes.LIST, async (c) => {
      const { cursor, limit, group, ...filter } = c.req.valid("query");
      const search = { ...toTaskSearch(filter), group, before: cursor };
      return c.json(foundPage(await searchTasks(database, search, limit)), 200);
    })
    .openapi(
      routes.READ,
      async (c) => c.json(await readWhole(database, c.req.valid("param").id), 200),
    )
    .openapi(routes.REASSIGN, async (c) => {
      const { id } = c.req.valid("param");
      const { assigned_to: userId } = c.req.valid("json");
      noteAct(c, { act: "reassign", detail: { assigned_to: userId } });
      await reassign(database, { id, userId, actor: actorOf(c) });
      return c.json(await requireTask(database, id), 200);
    })
    .openapi(routes.CANCEL, async (c) => {
      const { id } = c.req.valid("param");
      await cancel(database, { id, actor: actorOf(c) });
      return c.json(await requireTask(database, id), 200);
    })
    .openapi(routes.RETRY, async (c) => {
      const { id } = c.req.valid("param");
      await retry(services, { id, actor: actorOf(c) });
      return c.json(await requireTask(database, id), 200);
    })
    .openapi(routes.WAKE, async (c) => {
      const { id } = c.req.valid("param");
      await wake(services, { id, actor: actorOf(c) });
      return c.json(await requireTask(database, id), 200);
    })
    .openapi(routes.ANSWER, async (c) => {
      const { id } = c.req.valid("param");
      await answer(services, { id, actor: actorOf(c), ...c.req.valid("json") });
      return c.json(await requireTask(database, id), 200);
    })
    .openapi(routes.APPROVE, async (c) => {
      const { id } = c.req.valid("param");
      const { approval_id: approvalId } = c.req.valid("json");
      noteAct(c, { detail: { approval_id: approvalId } });
      await decide(services, { id, approvalId, decision: "approve", actor: actorOf(c) });
      return c.json(await requireTask(database, id), 200);
    })
    .openapi(routes.DENY, async (c) => {
      const { id } = c.req.valid("param");
      const { approval_id: approvalId } = c.req.valid("json");
      noteAct(c, { detail: { approval_id: approvalId } });
      await decide(services, { id, approvalId, decision: "deny", actor: actorOf(c) });
      return c.json(await requireTask(database, id), 200);
    });
}

async function requireTask(database: Database, id: string): Promise<Task> {
  const found = await readTask(database, id);
  if (!found) throw notFound("task");
  return found;
}

async function readWhole(database: Database, id: string) {
  const [found, approvals, events, notifications] = await Promise.all([
    requireTask(database, id),
    listApprovals(database, id),
    listTaskEvents(database, id),
    listTaskNotifications(database, id),
  ]);
  return { ...found, approvals, events, notifications };
}

async function reassign(
  database: Database,
  given: { id: string; userId: string; actor: string },
): Promise<void> {
  if (!await readUser(database, given.userId)) {
    throw new Problem(
      400,
      "user_not_found",
      "A task cannot be given to a user who does not exist",
      "Users are listed at /api/users",
    );
  }
  if (!await reassignTask(database, given)) throw notFound("task");
}

/** Which task, and who acts on it as its timeline shows them. */
interface TaskInHand {
  id: string;
  actor: string;
}

/** Stops a task; @throws {Problem} 404, or 409 when it has ended. */
async function cancel(database: Database, { id, actor }: TaskInHand): Promise<void> {
  if (await cancelTask(database, { id, actor })) return;
  throw wrongStatus("cancelled", await requireTask(database, id), "one that has not ended");
}

/** Starts a task again; @throws {Problem} 404, or 409 unless it has failed or was cancelled. */
async function retry(
  { database, bells }: Services,
  { id, actor }: TaskInHand,
): Promise<void> {
  if (!await retryTask(database, { id, actor })) {
    throw wrongStatus("retried", await requireTask(database, id), "a failed or cancelled one");
  }
  bells.tasks.ring();
}

/** Wakes a task; @throws {Problem} 404, or 409 unless it waits for an event, or was put off. */
export async function wake(
  { database, bells }: Services,
  { id, actor }: TaskInHand,
): Promise<void> {
  if (!await wakeTask(database, { id, actor })) {
    const could = "one that waits for an event or was put off";
    throw wrongStatus("woken", await requireTask(database, id), could);
  }
  bells.tasks.ring();
}

async function answer(
  { database, bells }: Services,
  { id, actor, text, question_id: questionId }: TaskInHand & z.infer<typeof taskAnswer>,
): Promise<void> {
  if (!await answerTask(database, { id, text, actor, questionId })) {
    throw await whyNotAnswered(database, id, questionId);
  }
  bells.tasks.ring();
}

async function whyNotAnswered(
  database: Database,
  id: string,
  questionId: number | undefined,
): Promise<Problem> {
  const approval = (await listApprovals(database, id)).find(isPending);
  if (approval) return needsDecision(approval);
  const found = await requireTask(database, id);
  return found.question_id !== null
    ? otherQuestion(found.question_id, questionId)
    : wrongStatus("answered", found, "one that waits for an answer");
}

async function decide(
  { database, bells }: Services,
  { id, actor, approvalId, decision }: TaskInHand & {
    approvalId: string;
    decision: "approve" | "deny";
  },
): Promise<void> {
  const approval = await readApproval(database, approvalId);
  if (approval?.task_id !== id) throw noApproval();
  if (!await decideApproval(database, { id: approvalId, decision, actor })) {
    throw alreadyDecided(await readApproval(database, approvalId) ?? approval);
  }
  bells.tasks.ring();
}

const isPending = ({ state }: Approval) => state === "pending";

function noApproval(): Problem {
  return new Problem(
    404,
    "approval_not_found",
    "This task has no approval with this id",
    "GET /api/tasks/{id} lists a task's approvals",
  );
}

function needsDecision({ id, tool }: Approval): Problem {
  return new Problem(
    409,
    "needs_decision",
    `The task does not wait for an answer: it asks whether it may call ${tool}`,
    `POST /api/tasks/{id}/approve or /deny with {"approval_id": "${id}"}`,
  );
}

function otherQuestion(asked: number, meant?: number): Problem {
  return new Problem(
    409,
    "wrong_status",
    `The task does not wait with question ${meant} any more: it asks question ${asked} now`,
    "Nothing was changed. GET /api/tasks/{id} shows its question and the question_id to answer with",
  );
}

function alreadyDecided({ state, tool }: Approval): Problem {
  return new Problem(
    409,
    "wrong_state",
    `An approval that is ${state} cannot be decided on (it is about ${tool})`,
    "Only a pending one of a task that waits can be; each is good for one decision",
  );
}

function wrongStatus(what: string, { status }: Task, right: string): Problem {
  return new Problem(
    409,
    "wrong_status",
    `A task that is ${status} cannot be ${what}`,
    `Only ${right} can be`,
  );
}
