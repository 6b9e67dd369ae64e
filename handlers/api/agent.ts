import { z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { claimByHttp, noteProgress, readStanding } from "../../lib/jobs/report.ts";
import { openTaskTokens } from "../../lib/jobs/task_token.ts";
import { secretsIn } from "../../lib/config/config.ts";
import { isId } from "../../lib/store/id.ts";
import { readMessage } from "../../lib/message/message.ts";
import { createRedactor, redactTexts } from "../../lib/redaction/redact.ts";
import type { Services } from "../../lib/services.ts";
import { readTask } from "../../lib/task/task.ts";
import { type Finish, finishTasks } from "../../lib/task/claim.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import type { Env } from "../caller.ts";
import { payloadOf } from "./messages.ts";
import { notFound, Problem } from "../problem.ts";
import { idParam } from "../schemas/fields.ts";
import { task } from "../schemas/task.ts";

const MOST_BYTES = 16 * 1024 * 1024;
/** Who did it, in a task's timeline. */
const AGENT = "agent";

type AgentEnv = Env & { Variables: { round: number } };

const epoch = z.number().int().min(0).openapi({ description: "From the answer to the claim" });
const text = (most: number) => z.string().max(most);

const claimBody = z.object({
  try: z.number().int().min(1).max(1_000_000).default(1).openapi({
    description: 'The job\'s try, `ctx["job_try"]` in ARQ: a later one takes over an earlier one',
  }),
  worker: text(200).min(1).default("external").openapi({ description: "Who works on it" }),
});
const claimed = z.object({
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
const eventBody = z.object({
  epoch,
  text: text(10_000).min(1),
  data: z.any().optional(),
});
const resultBody = z.discriminatedUnion("status", [
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

/**
 * What an external agent may do with the token in its task's job: claim the
 * task, write into its timeline, and end it.
 */
export function agent({ services }: { services: Services }) {
  const { database, channels, bells } = services;
  const tokens = openTaskTokens(database);
  const redact = createRedactor(secretsIn(services.config));

  const requireToken: MiddlewareHandler<AgentEnv> = async (c, next) => {
    const id = c.req.param("id") ?? "";
    const [, token] = /^Bearer (\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    const round = token && isId(id) ? await tokens.read(id, token) : undefined;
    if (round === undefined) {
      throw new Problem(
        401,
        "wrong_task_token",
        "The token of this task's job is missing or wrong",
        "Send Authorization: Bearer with the job's argument `token`; it is good for its task alone",
        { "www-authenticate": 'Bearer realm="otto task"' },
      );
    }
    c.set("round", round);
    await next();
  };

  const app = createApi<AgentEnv>();
  for (const step of ["claim", "events", "result"]) {
    app.use(`/api/tasks/:id/${step}`, requireToken, bodyLimit({ maxSize: MOST_BYTES }));
  }
  const security = [{ task: [] }];
  const body = <T extends z.ZodType>(schema: T) => ({
    content: { "application/json": { schema } },
    required: true,
  });

  return app
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/claim",
        summary: "Start a task whose job an external agent has; 409 when stale or taken",
        security,
        request: { params: idParam, body: body(claimBody) },
        responses: {
          200: json("The task and its payload", claimed),
          ...missing,
          ...conflict,
          ...refusals,
        },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const { try: jobTry, worker } = c.req.valid("json");
        const claim = await claimByHttp(database, { id, round: round(c), jobTry, worker });
        if (claim.state === "missing") throw notFound("task");
        if (claim.state === "stale") throw stale();
        if (claim.state === "taken") {
          throw new Problem(
            409,
            "task_taken",
            "The task was claimed before by this try of its job or a later one",
            "Leave it to that worker; a new try of the job may claim it again",
          );
        }
        const found = await readTask(database, id);
        const received = found && await readMessage(database, found.message_id);
        if (!received) throw notFound("task");
        return c.json({
          task_id: id,
          epoch: claim.epoch,
          title: found.title,
          description: found.description,
          source: found.source,
          webhook_type: received.webhook_type,
          verified: received.verification === "verified",
          received_at: received.received_at,
          payload: payloadOf(received.body, received.headers.get("content-type")),
        }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/events",
        summary: "Write a step into the timeline of a task that was claimed",
        security,
        request: { params: idParam, body: body(eventBody) },
        responses: {
          200: json("It was written", z.object({ status: z.literal("noted") })),
          ...missing,
          ...conflict,
          ...refusals,
        },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const step = redactTexts(c.req.valid("json"), redact);
        if (
          !await noteProgress(database, {
            ...step,
            data: step.data ?? null,
            id,
            round: round(c),
          })
        ) {
          if (!await readStanding(database, id)) throw notFound("task");
          throw stale();
        }
        return c.json({ status: "noted" as const }, 200);
      },
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/tasks/{id}/result",
        summary: "End a task that was claimed; may be repeated",
        security,
        request: { params: idParam, body: body(resultBody) },
        responses: { 200: json("The task", task), ...missing, ...conflict, ...refusals },
      }),
      async (c) => {
        const { id } = c.req.valid("param");
        const result = redactTexts(c.req.valid("json"), redact);
        const standing = await readStanding(database, id);
        if (!standing) throw notFound("task");
        const tell = channels.flatMap((channel) =>
          channel.destinations({ source: standing.source })
        );
        const end = { taskId: id, epoch: result.epoch, actor: AGENT, tell };
        const finish: Finish = result.status === "completed"
          ? {
            ...end,
            status: "completed",
            result: { text: result.text, data: result.data ?? null },
          }
          : { ...end, status: "failed", error: result.error };
        const ended = standing.round === round(c)
          ? await finishTasks(database, [finish])
          : new Set<string>();
        bells.notifications.ring();
        // Told before with the same epoch, whose answer was lost on the way: that is what we have.
        const again = standing.epoch === result.epoch && standing.status === result.status;
        if (!ended.has(id) && !again) throw stale();
        return c.json((await readTask(database, id))!, 200);
      },
    );
}

function round(c: Context): number {
  return c.get("round");
}

function stale(): Problem {
  return new Problem(
    409,
    "task_stale",
    "The task is not this job's any more: it has ended, was cancelled, retried or taken over",
    "Stop working on it; what it needs now is in the queue",
  );
}
