import { type Context, Hono } from "hono";
import { decideApproval, listApprovals, readApproval } from "../../lib/task/approval.ts";
import { isId } from "../../lib/store/id.ts";
import { findMessages } from "../../lib/message/message.ts";
import { listNotifications } from "../../lib/notify/notification.ts";
import type { Services } from "../../lib/services.ts";
import {
  answerTask,
  cancelTask,
  listTaskEvents,
  readTask,
  reassignTask,
  retryTask,
  type Task,
  TASK_STATUSES,
} from "../../lib/task/task.ts";
import { searchTasks, type TaskSearch } from "../../lib/task/search.ts";
import { listUsers, readUser } from "../../lib/people/user.ts";
import type { Env } from "../caller.ts";
import { asked, batchOf, oneOf, readForm } from "./form.ts";
import { readFrame } from "./frame.ts";
import { notFound, Problem } from "../problem.ts";
import { createNames, listChoices } from "../../sources/rules/names.ts";
import { SINCE } from "../views/parts/filters.ts";
import { taskList, type TaskQuery } from "../views/task/list.ts";
import { taskPage } from "../views/task/page.ts";

const MOST_ROWS = 50;
const MOST_PEOPLE = 100;
const MOST_ANSWER = 10_000;
/** An integer of the store. */
const MOST_QUESTION = 2_147_483_647;
/** Who did it, in a task's timeline. */
const ADMIN = "admin";

/** `/tasks` and what can be done there. */
export function taskPages(
  { services: { database, bells, sources } }: { services: Services },
): Hono<Env> {
  const nameOf = createNames(sources);
  const app = new Hono<Env>();

  app.get("/tasks", async (c) => {
    const frame = await readFrame(c, database, "tasks");
    const query = queryOf(c);
    const [{ items, next, stopped }, people] = await Promise.all([
      searchTasks(database, searchOf(query), MOST_ROWS),
      listUsers(database, { limit: MOST_PEOPLE }),
    ]);
    return c.html(
      taskList({
        frame,
        tasks: items,
        people,
        query,
        sources: listChoices(sources),
        nameOf,
        next,
        stopped,
      }),
    );
  });

  app.get("/tasks/:id", async (c) => {
    const task = await theTask(c);
    const frame = await readFrame(c, database, "tasks");
    const [[message], events, approvals, notifications, people] = await Promise.all([
      findMessages(database, [task.message_id]),
      listTaskEvents(database, task.id),
      listApprovals(database, task.id),
      listNotifications(database, { task_id: task.id, limit: 100 }),
      listUsers(database, { limit: MOST_PEOPLE }),
    ]);
    const sourceName = nameOf(task);
    return c.html(
      taskPage({ frame, task, sourceName, message, events, approvals, notifications, people }),
    );
  });

  app.post("/tasks/:id/cancel", async (c) => {
    const task = await theTask(c);
    if (!await cancelTask(database, { id: task.id, actor: ADMIN })) {
      throw tooLate(task, "cancelled");
    }
    return c.redirect(`/tasks/${task.id}`, 303);
  });

  app.post("/tasks/:id/retry", async (c) => {
    const task = await theTask(c);
    if (!await retryTask(database, { id: task.id, actor: ADMIN })) throw tooLate(task, "retried");
    bells.tasks.ring();
    return c.redirect(`/tasks/${task.id}`, 303);
  });

  app.post("/tasks/:id/answer", async (c) => {
    const task = await theTask(c);
    const form = await readForm(c.req.raw);
    const text = form.get("text")?.trim().slice(0, MOST_ANSWER) ?? "";
    if (text === "") {
      throw new Problem(400, "bad_request", "The answer is empty", "Write what the agent asks for");
    }
    const questionId = Number(form.get("question_id") ?? NaN);
    if (!Number.isInteger(questionId) || questionId > MOST_QUESTION) {
      throw new Problem(
        400,
        "bad_request",
        "The answer does not say which question it is for",
        "Open the task's page again and answer there",
      );
    }
    if (!await answerTask(database, { id: task.id, text, actor: ADMIN, questionId })) {
      if (task.question_id !== null && task.question_id !== questionId) throw otherQuestion();
      throw tooLate(task, "answered");
    }
    bells.tasks.ring();
    return c.redirect(`/tasks/${task.id}`, 303);
  });

  app.post("/tasks/:id/decide", async (c) => {
    const task = await theTask(c);
    const form = await readForm(c.req.raw);
    const id = form.get("approval_id") ?? "";
    const decision = oneOf(form.get("decision") ?? undefined, ["approve", "deny"] as const);
    const approval = isId(id) ? await readApproval(database, id) : undefined;
    if (!decision || approval?.task_id !== task.id) throw notFound("approval");
    if (!await decideApproval(database, { id, decision, actor: ADMIN })) {
      const { state } = await readApproval(database, id) ?? approval;
      throw new Problem(
        409,
        "already_decided",
        `There is nothing to decide any more: this approval is ${state}`,
        "The task's page shows who decided, and when",
      );
    }
    bells.tasks.ring();
    return c.redirect(`/tasks/${task.id}`, 303);
  });

  app.post("/tasks/:id/reassign", async (c) => {
    const task = await theTask(c);
    const userId = (await readForm(c.req.raw)).get("assigned_to") ?? "";
    if (!isId(userId) || !await readUser(database, userId)) throw notFound("user");
    if (!await reassignTask(database, { id: task.id, userId, actor: ADMIN })) {
      throw notFound("task");
    }
    return c.redirect(`/tasks/${task.id}`, 303);
  });

  async function theTask(c: Context<Env>): Promise<Task> {
    const id = c.req.param("id") ?? "";
    const found = isId(id) ? await readTask(database, id) : undefined;
    if (!found) throw notFound("task");
    return found;
  }
  return app;
}

function queryOf(c: Context<Env>): TaskQuery {
  const id = (name: string) => {
    const text = asked(c, name);
    return text && isId(text) ? text : undefined;
  };
  return Object.fromEntries(
    Object.entries({
      q: asked(c, "q"),
      status: oneOf(asked(c, "status"), ["open", ...TASK_STATUSES]),
      source: asked(c, "source"),
      assigned_to: id("assigned_to"),
      since: oneOf(asked(c, "since"), SINCE.map((each) => each.value)),
      batch: batchOf(asked(c, "batch"))?.join(".."),
      before: id("before"),
    }).filter(([, each]) => each),
  );
}

function searchOf({ q, status, source, assigned_to, since, batch, before }: TaskQuery): TaskSearch {
  const seconds = SINCE.find(({ value }) => value === since)?.seconds;
  return {
    text: q,
    status: status as TaskSearch["status"],
    source,
    assigned_to,
    since: seconds === undefined ? undefined : new Date(Date.now() - seconds * 1_000),
    batch: batchOf(batch),
    before,
  };
}

function otherQuestion(): Problem {
  return new Problem(
    409,
    "wrong_status",
    "The question that this answers does not wait any more: the task asks another one now",
    "Nothing was changed. Look at its page again and answer what it asks there",
  );
}

function tooLate({ status }: Task, done: string): Problem {
  return new Problem(
    409,
    "wrong_status",
    `A task that is ${status.replaceAll("_", " ")} cannot be ${done}`,
    "It may have changed meanwhile: look at its page again",
  );
}
