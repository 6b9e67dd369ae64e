import { conflict, createRoute, json, missing, refusals } from "../openapi.ts";
import { idParam, page, searchOf } from "../schemas/fields.ts";
import { group } from "../schemas/filter.ts";
import { taskFilter } from "../schemas/task_filter.ts";
import { task, taskAnswer, taskChange, taskDecision, wholeTask } from "../schemas/task.ts";

const decision = {
  params: idParam,
  body: { content: { "application/json": { schema: taskDecision } }, required: true },
};

export const LIST = createRoute({
  method: "get",
  path: "/api/tasks",
  operationId: "listTasks",
  summary: "Tasks that match, newest first",
  description: "One request looks through so many tasks and no more, and says so: `stopped`",
  request: { query: taskFilter.extend({ group, ...page }) },
  responses: { 200: json("A page of tasks", searchOf(task)), ...refusals },
});

export const READ = createRoute({
  method: "get",
  path: "/api/tasks/{id}",
  operationId: "getTask",
  summary: "One task with its approvals, timeline and notifications",
  request: { params: idParam },
  responses: { 200: json("The task", wholeTask), ...missing, ...refusals },
});

export const REASSIGN = createRoute({
  method: "patch",
  path: "/api/tasks/{id}",
  operationId: "reassignTask",
  summary: "Give a task to somebody else",
  request: {
    params: idParam,
    body: { content: { "application/json": { schema: taskChange } }, required: true },
  },
  responses: { 200: json("The task", task), ...missing, ...refusals },
});

export const CANCEL = createRoute({
  method: "post",
  path: "/api/tasks/{id}/cancel",
  operationId: "cancelTask",
  summary: "Stop a task that has not ended",
  request: { params: idParam },
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});

export const RETRY = createRoute({
  method: "post",
  path: "/api/tasks/{id}/retry",
  operationId: "retryTask",
  summary: "Start a failed or cancelled task again",
  request: { params: idParam },
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});

export const WAKE = createRoute({
  method: "post",
  path: "/api/tasks/{id}/wake",
  operationId: "wakeTask",
  summary: "Let a task go on that waits for an event, or was put off",
  request: { params: idParam },
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});

export const ANSWER = createRoute({
  method: "post",
  path: "/api/tasks/{id}/answer",
  operationId: "answerTask",
  summary: "Answer the question that a task waits with",
  request: {
    params: idParam,
    body: { content: { "application/json": { schema: taskAnswer } }, required: true },
  },
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});

export const APPROVE = createRoute({
  method: "post",
  path: "/api/tasks/{id}/approve",
  operationId: "approveCall",
  summary: "Let a task's agent make one tool call, with the arguments shown",
  request: decision,
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});

export const DENY = createRoute({
  method: "post",
  path: "/api/tasks/{id}/deny",
  operationId: "denyCall",
  summary: "Refuse a task's agent one tool call",
  request: decision,
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});
