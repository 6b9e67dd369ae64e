import { z } from "@hono/zod-openapi";
import { APPROVAL_STATES } from "../../lib/task/approval.ts";
import { isId } from "../../lib/store/id.ts";
import { TASK_PHASES } from "../../lib/message/search/phase.ts";
import { TASK_STATUSES } from "../../lib/task/task.ts";
import { count, id, time, timeOrNull } from "./fields.ts";
import { notification } from "./notification.ts";
import { subjectRef } from "./subject.ts";

export const task = z.object({
  id,
  message_id: id,
  source: z.string(),
  webhook_type: z.string(),
  title: z.string(),
  description: z.string(),
  status: z.enum(TASK_STATUSES),
  phase: z.enum(TASK_PHASES),
  assigned_to: z.object({ id, email: z.string(), name: z.string() }),
  result: z.object({ text: z.string(), data: z.unknown() }).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  question: z.string().nullable(),
  question_id: z.number().int().nullable().openapi({
    description: "Send it with the answer: it tells this question from the task's next one",
  }),
  waiting_for: z.object({ events: z.array(z.string()), until: time }).nullable().openapi({
    description: "The events (globs, any where there are none) that a task in `waiting_event` " +
      "waits for, and until when",
  }),
  put_off: z.object({ until: time, reason: z.string() }).nullable().openapi({
    description:
      "Until when a task in `pending` was put off, and why: a budget is used up, or the " +
      "model's provider is away. POST /api/tasks/{id}/wake lets it try at once",
  }),
  subject: subjectRef.nullable().openapi({ description: "What it is about" }),
  messages: count.openapi({
    description: "How many messages it is of: made of, and come for it later",
  }),
  unread: count.openapi({
    description: "Of the later ones those that its agent has not read, and will not once it has " +
      "ended. While a person is asked, they are newer than what is asked",
  }),
  created_at: time,
  started_at: timeOrNull,
  finished_at: timeOrNull,
  waited_ms: z.number().int().openapi({
    description: "How long it has waited for people: no part of the work",
  }),
}).openapi("Task");

export const taskChange = z.strictObject({
  assigned_to: z.string().refine(isId, { error: "must be a user's id" }),
}).openapi("TaskChange");

const taskEvent = z.object({
  id,
  task_id: id,
  at: time,
  kind: z.string().openapi({ example: "started" }),
  actor: z.string(),
  data: z.unknown(),
  content: z.string().nullable().openapi({
    description: "What the model said in this step, or what the tool answered: its beginning, " +
      "secrets taken out. Null when nothing was said, and after `BODY_RETENTION_DAYS`",
  }),
}).openapi("TaskEvent");

const approval = z.object({
  id,
  task_id: id,
  tool: z.string().openapi({ example: "reassign_task" }),
  arguments: z.unknown().openapi({ description: "Exactly what the tool would be called with" }),
  rule: z.string().openapi({ description: "Why the policy asks" }),
  state: z.enum(APPROVAL_STATES),
  requested_at: time,
  expires_at: time,
  decided_by: z.string().nullable(),
  decided_at: timeOrNull,
}).openapi("Approval");

export const taskAnswer = z.strictObject({
  text: z.string().trim().min(1).max(10_000),
  question_id: z.number().int().min(0).max(2_147_483_647).optional().openapi({
    description: "The task's `question_id` as it was read with the question. With it a request " +
      "may be repeated: it never answers the next question. Without it, whatever the task asks " +
      "when the answer comes is answered",
  }),
}).openapi("TaskAnswer");

export const taskDecision = z.strictObject({
  approval_id: z.string().refine(isId, { error: "must be the id of one of the task's approvals" }),
}).openapi("TaskDecision");

export const wholeTask = task.extend({
  approvals: z.array(approval),
  events: z.array(taskEvent),
  notifications: z.array(notification),
}).openapi("WholeTask");
