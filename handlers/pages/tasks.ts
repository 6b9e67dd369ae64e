import { type Context, Hono } from "hono";
import { decideApproval, listApprovals, readApproval } from "../../lib/task/approval.ts";
import type { Act } from "../../lib/people/audit.ts";
import type { Database } from "../../lib/store/database.ts";
import { isId } from "../../lib/store/id.ts";
import { findMessages } from "../../lib/message/message.ts";
import { readSubjectOf } from "../../lib/message/subject/subject.ts";
import { listTaskNotifications } from "../../lib/notify/search.ts";
import type { Services } from "../../lib/services.ts";
import {
  answerTask,
  cancelTask,
  listTaskEvents,
  readTask,
  reassignTask,
  retryTask,
  type Task,
} from "../../lib/task/task.ts";
import { searchTasks, type TaskSearch } from "../../lib/task/search.ts";
import { listActsOn } from "../../lib/people/audit_search.ts";
import { listUsers, readUser } from "../../lib/people/user.ts";
import { actorOf, noteAct } from "../acts.ts";
import { wake } from "../api/tasks.ts";
import type { Env } from "../caller.ts";
import { asked, oneOf, ownPath, queryOf, readForm, requireKnown } from "./form.ts";
import { groupIn, readGroups } from "./group.ts";
import { taskFilter, toTaskSearch } from "../schemas/task_filter.ts";
import { readFrame } from "./frame.ts";
import { notFound, Problem } from "../problem.ts";
import { createNames, listChoices } from "../../sources/rules/names.ts";
import { taskList, type TaskQuery } from "../views/task/list.ts";
import { taskPage } from "../views/task/page.ts";

/** As many as the list of messages shows. */
const MOST_ROWS = 50;
/** More would be no choice to look through. */
const MOST_PEOPLE = 100;
/** Of what people did to it; the audit log has the rest. */
const MOST_ACTS = 10;
/** As many characters as the API takes. */
const MOST_ANSWER = 10_000;
/** The largest integer that the store's column holds. */
const MOST_QUESTION = 2_147_483_647;

/** `/tasks`, a task's page, and its buttons. */
export function taskPages({ services }: { services: Services }): Hono<Env> {
  const { database } = services;
  const nameOf = createNames(services.sources);
  const app = new Hono<Env>();

  app.get("/tasks", async (c) => {
    const frame = await readFrame(c, database, "tasks");
    const group = groupIn(c);
    const query: TaskQuery = { ...queryOf(taskFilter, (name) => asked(c, name)), ...group };
    requireKnown(c, { ...query });
    const [found, people] = await Promise.all([
      searchTasks(database, { ...searchOf(query), ...group }, MOST_ROWS),
      listUsers(database, { limit: MOST_PEOPLE }),
    ]);
    const sources = listChoices(services.sources);
    const subjects = await readGroups(database, found.items, query);
    return c.html(taskList({ frame, found, people, query, subjects, sources, nameOf }));
  });

  app.get("/tasks/:id", async (c) => {
    const task = await requireTask(database, c);
    const frame = await readFrame(c, database, "tasks");
    const around = await readAround(database, task);
    return c.html(taskPage({ frame, task, sourceName: nameOf(task), ...around }));
  });

  for (const [action, act] of Object.entries(ACTIONS)) {
    app.post(`/tasks/:id/${action}`, async (c) => {
      const task = await requireTask(database, c);
      const form = await readForm(c.req.raw);
      await act(services, task, { form, actor: actorOf(c), note: (more) => noteAct(c, more) });
      return c.redirect(ownPath(form.get("back"), `/tasks/${task.id}`), 303);
    });
  }
  return app;
}

/** A button that was pressed: what was typed and chosen there, by whom, and where to say more of it. */
interface Press {
  form: URLSearchParams;
  actor: string;
  note: (more: Partial<Act>) => void;
}

/** What the buttons of a task's page do. */
type TaskAction = (services: Services, task: Task, press: Press) => Promise<void>;

const ACTIONS: Record<string, TaskAction> = {
  cancel,
  retry,
  answer,
  decide,
  reassign,
  wake: (services, { id }, { actor }) => wake(services, { id, actor }),
};

async function requireTask(database: Database, c: Context<Env>): Promise<Task> {
  const id = c.req.param("id") ?? "";
  const found = isId(id) ? await readTask(database, id) : undefined;
  if (!found) throw notFound("task");
  return found;
}

/** What a task's page shows beside the task itself. */
async function readAround(database: Database, { id, message_id }: Task) {
  const [[message], events, approvals, acts, notifications, people, subject] = await Promise.all([
    findMessages(database, [message_id]),
    listTaskEvents(database, id),
    listApprovals(database, id),
    listActsOn(database, id, MOST_ACTS),
    listTaskNotifications(database, id),
    listUsers(database, { limit: MOST_PEOPLE }),
    readSubjectOf(database, { table: "tasks", id }),
  ]);
  return { message, subject, events, approvals, acts, notifications, people };
}

async function cancel({ database }: Services, task: Task, { actor }: Press): Promise<void> {
  if (await cancelTask(database, { id: task.id, actor })) return;
  throw tooLate(task, "cancelled");
}

async function retry({ database, bells }: Services, task: Task, { actor }: Press): Promise<void> {
  if (!await retryTask(database, { id: task.id, actor })) throw tooLate(task, "retried");
  bells.tasks.ring();
}

async function answer(
  { database, bells }: Services,
  task: Task,
  { form, actor }: Press,
): Promise<void> {
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
  if (!await answerTask(database, { id: task.id, text, actor, questionId })) {
    if (task.question_id !== null && task.question_id !== questionId) throw otherQuestion();
    throw tooLate(task, "answered");
  }
  bells.tasks.ring();
}

async function decide(
  { database, bells }: Services,
  task: Task,
  { form, actor, note }: Press,
): Promise<void> {
  const id = form.get("approval_id") ?? "";
  const decision = oneOf(form.get("decision") ?? undefined, ["approve", "deny"] as const);
  const approval = isId(id) ? await readApproval(database, id) : undefined;
  if (!decision || approval?.task_id !== task.id) throw notFound("approval");
  note({ act: decision, detail: { approval_id: id } });
  if (!await decideApproval(database, { id, decision, actor })) {
    const { state } = await readApproval(database, id) ?? approval;
    throw new Problem(
      409,
      "already_decided",
      `There is nothing to decide any more: this approval is ${state}`,
      "The task's page shows who decided, and when",
    );
  }
  bells.tasks.ring();
}

async function reassign(
  { database }: Services,
  task: Task,
  { form, actor, note }: Press,
): Promise<void> {
  const userId = form.get("assigned_to") ?? "";
  if (!isId(userId) || !await readUser(database, userId)) throw notFound("user");
  note({ detail: { assigned_to: userId } });
  if (!await reassignTask(database, { id: task.id, userId, actor })) {
    throw notFound("task");
  }
}

function searchOf({ before, ...filter }: TaskQuery): TaskSearch {
  return { ...toTaskSearch(taskFilter.parse(filter)), before };
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
