import { z } from "@hono/zod-openapi";
import { isId } from "../lib/id.ts";
import { listNotifications } from "../lib/notification.ts";
import type { Services } from "../lib/services.ts";
import {
  cancelTask,
  listTaskEvents,
  listTasks,
  readTask,
  reassignTask,
  retryTask,
  type Task,
  TASK_STATUSES,
} from "../lib/task.ts";
import { readUser } from "../lib/user.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "./api.ts";
import { notFound, Problem } from "./problem.ts";
import { idParam, listOf, page, task, taskChange, wholeTask } from "./schemas.ts";

const filter = z.object({
  ...page,
  status: z.enum(TASK_STATUSES).optional(),
  source: z.string().max(64).optional(),
  assigned_to: z.string().refine(isId, { error: "must be a user's id" }).optional(),
});

/** Who did it, in a task's timeline. */
const ADMIN = "admin";

/** `/api/tasks`: list, read, reassign, cancel, retry. */
export function tasks({ services: { database, bells } }: { services: Services }) {
  async function theTask(id: string): Promise<Task> {
    const found = await readTask(database, id);
    if (!found) throw notFound("task");
    return found;
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
        summary: "One task with its timeline and notifications",
        request: { params: idParam },
        responses: { 200: json("The task", wholeTask), ...missing, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const [found, events, notifications] = await Promise.all([
          theTask(id),
          listTaskEvents(database, id),
          listNotifications(database, { task_id: id, limit: 100 }),
        ]);
        return c.json({ ...found, events, notifications }, 200);
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
