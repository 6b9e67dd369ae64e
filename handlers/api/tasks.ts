import { z } from "@hono/zod-openapi";
import {
  type Approval,
  decideApproval,
  listApprovals,
  readApproval,
} from "../../lib/task/approval.ts";
import { isId } from "../../lib/store/id.ts";
import { listNotifications } from "../../lib/notify/notification.ts";
import type { Services } from "../../lib/services.ts";
import {
  answerTask,
  cancelTask,
  listTaskEvents,
  listTasks,
  readTask,
  reassignTask,
  retryTask,
  type Task,
  TASK_STATUSES,
} from "../../lib/task/task.ts";
import { readUser } from "../../lib/people/user.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { notFound, Problem } from "../problem.ts";
import { idParam, listOf, page } from "../schemas/fields.ts";
import { task, taskAnswer, taskChange, taskDecision, wholeTask } from "../schemas/task.ts";

const filter = z.object({
  ...page,
  status: z.enum(TASK_STATUSES).optional(),
  source: z.string().max(64).optional(),
  assigned_to: z.string().refine(isId, { error: "must be a user's id" }).optional(),
});

/** Who did it, in a task's timeline. */
const ADMIN = "admin";

/** `/api/tasks`: list, read, reassign, cancel, retry, answer, approve, deny. */
export function tasks({ services: { database, bells } }: { services: Services }) {
  async function theTask(id: string): Promise<Task> {
    const found = await readTask(database, id);
    if (!found) throw notFound("task");
    return found;
  }

  async function decide(taskId: string, approvalId: string, decision: "approve" | "deny") {
    const approval = await readApproval(database, approvalId);
    if (approval?.task_id !== taskId) throw noApproval();
    if (!await decideApproval(database, { id: approvalId, decision, actor: ADMIN })) {
      throw alreadyDecided(await readApproval(database, approvalId) ?? approval);
    }
    bells.tasks.ring();
  }

  return createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/tasks",
        summary: "Tasks, newest first",
        request: { query: filter },
        responses: { 200: json("A page of tasks", listOf(task)), ...refusals },
      }),
      async (c) => {
        const { cursor, ...query } = c.req.valid("query");
        const items = await listTasks(database, { ...query, before: cursor });
        return c.json(
          { items, next: items.length === query.limit ? items.at(-1)!.id : null },
          200,
        );
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/api/tasks/{id}",
        summary: "One task with its approvals, timeline and notifications",
        request: { params: idParam },
        responses: { 200: json("The task", wholeTask), ...missing, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const [found, approvals, events, notifications] = await Promise.all([
          theTask(id),
          listApprovals(database, id),
          listTaskEvents(database, id),
          listNotifications(database, { task_id: id, limit: 100 }),
        ]);
        return c.json({ ...found, approvals, events, notifications }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "patch",
        path: "/api/tasks/{id}",
        summary: "Give a task to somebody else",
        request: {
          params: idParam,
          body: { content: { "application/json": { schema: taskChange } }, required: true },
        },
        responses: { 200: json("The task", task), ...missing, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const { assigned_to: userId } = c.req.valid("json");
        if (!await readUser(database, userId)) {
          throw new Problem(
            400,
            "user_not_found",
            "A task cannot be given to a user who does not exist",
            "Users are listed at /api/users",
          );
        }
        if (!await reassignTask(database, { id, userId, actor: ADMIN })) throw notFound("task");
        return c.json(await theTask(id), 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/cancel",
        summary: "Stop a task that has not ended",
        request: { params: idParam },
        responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        if (!await cancelTask(database, { id, actor: ADMIN })) {
          throw wrongStatus("cancelled", await theTask(id), "one that has not ended");
        }
        return c.json(await theTask(id), 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/retry",
        summary: "Start a failed or cancelled task again",
        request: { params: idParam },
        responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        if (!await retryTask(database, { id, actor: ADMIN })) {
          throw wrongStatus("retried", await theTask(id), "a failed or cancelled one");
        }
        bells.tasks.ring();
        return c.json(await theTask(id), 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/answer",
        summary: "Answer the question that a task waits with",
        request: {
          params: idParam,
          body: { content: { "application/json": { schema: taskAnswer } }, required: true },
        },
        responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const { text, question_id: questionId } = c.req.valid("json");
        if (!await answerTask(database, { id, text, actor: ADMIN, questionId })) {
          const approval = (await listApprovals(database, id)).find(isPending);
          if (approval) throw needsDecision(approval);
          const found = await theTask(id);
          if (found.question_id !== null) throw otherQuestion(found.question_id, questionId);
          throw wrongStatus("answered", found, "one that waits for an answer");
        }
        bells.tasks.ring();
        return c.json(await theTask(id), 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/approve",
        summary: "Let a task's agent make one tool call, with the arguments shown",
        request: decision,
        responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        await decide(id, c.req.valid("json").approval_id, "approve");
        return c.json(await theTask(id), 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/deny",
        summary: "Refuse a task's agent one tool call",
        request: decision,
        responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        await decide(id, c.req.valid("json").approval_id, "deny");
        return c.json(await theTask(id), 200);
      },
    );
}

const decision = {
  params: idParam,
  body: { content: { "application/json": { schema: taskDecision } }, required: true },
};

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
