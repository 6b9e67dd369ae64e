import { z } from "@hono/zod-openapi";
import { conflict, createRoute, json, missing, refusals } from "../../openapi.ts";
import { MOST_DEPTH } from "../../../lib/arq/pickle/value.ts";
import { isTooDeep } from "../../../sources/kit/nesting.ts";
import { MOST_WAIT_MINUTES, USUAL_WAIT_MINUTES } from "../../../lib/task/wait.ts";
import { isId } from "../../../lib/store/id.ts";
import { count, id, idParam, time } from "../../schemas/fields.ts";
import { subjectRole } from "../../schemas/subject.ts";
import { task } from "../../schemas/task.ts";

const epoch = z.number().int().min(0).openapi({ description: "From the answer to the claim" });
/** What a worker adds in JSON: as deep as what its function may return. */
const data = z.any().refine((value) => !isTooDeep(value, MOST_DEPTH), {
  error: `must not be nested over ${MOST_DEPTH} deep`,
}).optional();
const text = (most: number) => z.string().max(most);

export const claimBody = z.object({
  try: z.number().int().min(1).max(1_000_000).default(1).openapi({
    description: 'The job\'s try, `ctx["job_try"]` in ARQ: a claim takes over from earlier ones, ' +
      "but not from a later try",
  }),
  worker: text(200).min(1).default("external").openapi({ description: "Who works on it" }),
  continues: z.boolean().default(false).openapi({
    description: "The worker goes on with later messages about the same: it reads them, and ends " +
      "the task with `seen`. Without it they become a new task after the end",
  }),
});
const messageId = z.string().refine(isId, { error: "must be the `seen` of an earlier answer" });
export const newsBody = z.object({
  messages: z.array(z.object({
    id,
    received_at: time,
    role: subjectRole,
    closes: z.boolean().openapi({ description: "What the task is about is over" }),
    event: z.string().nullable().openapi({ example: "check_suite.completed" }),
    title: z.string().nullable(),
    payload: z.any().openapi({
      description: "What was received, null where it was dropped by its age: do not trust it",
    }),
  })).openapi({ description: "Later messages about the same; from now on they are read" }),
  audiences: z.array(z.string()).openapi({
    description: "Who alone may read what this task was told, where not all may who read what it " +
      "is about: names. Answer those alone, or nobody",
    example: [],
  }),
  seen: id.openapi({ description: "Up to where that is: for the result, or to read on" }),
  new_messages: count.openapi({ description: "How many are left for the next answer" }),
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
  ...newsBody.partial().shape,
  audiences: newsBody.shape.audiences,
}).openapi("Claim");
export const eventBody = z.object({
  epoch,
  text: text(10_000).min(1),
  data,
});
const end = {
  epoch,
  seen: messageId.optional().openapi({
    description: "Up to where the worker has read: where there is newer, 409 `task_has_news` and " +
      "nothing ends. Without it the end is final, and what is unread becomes a new task",
  }),
};
export const resultBody = z.discriminatedUnion("status", [
  z.object({
    ...end,
    status: z.literal("completed"),
    text: text(1_000_000),
    data,
  }),
  z.object({
    ...end,
    status: z.literal("failed"),
    error: z.object({
      code: text(100).min(1).default("agent_failed"),
      message: text(1_000).min(1),
    }),
  }),
  z.object({
    ...end,
    status: z.literal("waiting_event"),
    minutes: z.number().int().min(1).max(MOST_WAIT_MINUTES).default(USUAL_WAIT_MINUTES),
    events: z.array(text(100).min(1)).max(10).default([]).openapi({
      description: "Names of events, `*` is any text; without any, whatever comes",
      example: ["check_suite.*"],
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
    200: json(
      "It was written",
      z.object({
        status: z.literal("noted"),
        new_messages: count.openapi({
          description: "How many later messages about the same nobody has read",
        }),
      }),
    ),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

export const NEWS = createRoute({
  method: "get",
  path: "/api/tasks/{id}/messages",
  operationId: "readTaskMessages",
  summary: "Read the later messages of a task that was claimed with `continues`",
  security,
  request: {
    params: idParam,
    query: z.object({
      epoch: z.coerce.number().int().min(0).openapi({
        description: "From the answer to the claim",
      }),
      after: messageId.optional().openapi({
        description: "The `seen` of the answer before. Without it they come from the first one on",
      }),
    }),
  },
  responses: {
    200: json("Those that nobody has read, and those that were handed out after `after`", newsBody),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

export const RESULT = createRoute({
  method: "post",
  path: "/api/tasks/{id}/result",
  operationId: "finishTask",
  summary: "End a task that was claimed, or let it wait for the next message; may be repeated",
  security,
  request: { params: idParam, body: body(resultBody) },
  responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
});
