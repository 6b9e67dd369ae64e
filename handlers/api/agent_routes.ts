import { z } from "@hono/zod-openapi";
import { conflict, createRoute, json, missing, refusals } from "../openapi.ts";
import { idParam } from "../schemas/fields.ts";
import { task } from "../schemas/task.ts";

const epoch = z.number().int().min(0).openapi({ description: "From the answer to the claim" });
const text = (most: number) => z.string().max(most);

export const claimBody = z.object({
  try: z.number().int().min(1).max(1_000_000).default(1).openapi({
    description: 'The job\'s try, `ctx["job_try"]` in ARQ: a later one takes over an earlier one',
  }),
  worker: text(200).min(1).default("external").openapi({ description: "Who works on it" }),
});
export const claimed = z.object({
  task_id: z.string(),
  epoch,
  title: z.string(),
  description: z.string(),
  source: z.string(),
  webhook_type: z.string(),
  verified: z.boolean(),
  received_at: z.date(),
  payload: z.any().openapi({ description: "What was received: do not trust it" }),
}).openapi("Claim");
export const eventBody = z.object({
  epoch,
  text: text(10_000).min(1),
  data: z.any().optional(),
});
export const resultBody = z.discriminatedUnion("status", [
  z.object({
    epoch,
    status: z.literal("completed"),
    text: text(1_000_000),
    data: z.any().optional(),
  }),
  z.object({
    epoch,
    status: z.literal("failed"),
    error: z.object({
      code: text(100).min(1).default("agent_failed"),
      message: text(1_000).min(1),
    }),
  }),
]);

const security = [{ task: [] }];

const body = <T extends z.ZodType>(schema: T) => ({
  content: { "application/json": { schema } },
  required: true,
});

export const CLAIM = createRoute({
  method: "post",
  path: "/api/tasks/{id}/claim",
  operationId: "claimTask",
  summary: "Start a task whose job an external agent has; 409 when stale or taken",
  security,
  request: { params: idParam, body: body(claimBody) },
  responses: {
    200: json("The task and its payload", claimed),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

export const PROGRESS = createRoute({
  method: "post",
  path: "/api/tasks/{id}/events",
  operationId: "addTaskEvent",
  summary: "Write a step into the timeline of a task that was claimed",
  security,
  request: { params: idParam, body: body(eventBody) },
  responses: {
    200: json("It was written", z.object({ status: z.literal("noted") })),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

export const RESULT = createRoute({
  method: "post",
  path: "/api/tasks/{id}/result",
  operationId: "finishTask",
  summary: "End a task that was claimed; may be repeated",
  security,
  request: { params: idParam, body: body(resultBody) },
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});
