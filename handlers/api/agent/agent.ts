import type { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { claimByHttp, noteProgress, readClaimState } from "../../../lib/jobs/report/report.ts";
import { takeOverInbox } from "../../../lib/jobs/report/inbox.ts";
import { openTaskTokens, type TaskTokens } from "../../../lib/jobs/task_token.ts";
import { redactorOf } from "../../../lib/config/secrets_in.ts";
import type { Database } from "../../../lib/store/database.ts";
import { isId } from "../../../lib/store/id.ts";
import { readMessage } from "../../../lib/message/message.ts";
import { readAudiences } from "../../../lib/message/subject/audience.ts";
import { redactTexts } from "../../../lib/redaction/redact.ts";
import type { Services } from "../../../lib/services.ts";
import { readTask } from "../../../lib/task/task.ts";
import { createApi } from "../../openapi.ts";
import type { Env } from "../../caller.ts";
import { shownMessage } from "../../shown_message.ts";
import { payloadOf } from "../messages.ts";
import { notFound, Problem } from "../../problem.ts";
import { handOut } from "./news.ts";
import { stale } from "./refusals.ts";
import { finish } from "./result.ts";
import * as routes from "./routes.ts";

/** The most that a worker sends: a result may hold a million characters of text, and data beside it. */
const MOST_BYTES = {
  claim: 1024 ** 2,
  events: 1024 ** 2,
  messages: 1024 ** 2,
  result: 16 * 1024 ** 2,
};

/** Which round of its task a token is for: a retry begins another one. */
type AgentEnv = Env & { Variables: { round: number } };

/** A task, and the round of it that the caller's job is for. */
interface Job {
  id: string;
  round: number;
}

/**
 * What an external agent may do with the token in its task's job: claim the
 * task, write into its timeline, read what came later, and end it.
 */
export function agent({ services }: { services: Services }) {
  const { database } = services;
  const redact = redactorOf(services.config);
  const requireToken = createTokenGuard(openTaskTokens(database));
  const app = createApi<AgentEnv>();
  for (const [step, maxSize] of Object.entries(MOST_BYTES)) {
    const onError = () => refuseSize(maxSize);
    app.use(`/api/tasks/:id/${step}`, requireToken, bodyLimit({ maxSize, onError }));
  }
  return app
    .openapi(routes.CLAIM, async (c) => {
      const job = { id: c.req.valid("param").id, round: c.get("round") };
      return c.json(await claim(services, job, c.req.valid("json")), 200);
    })
    .openapi(routes.PROGRESS, async (c) => {
      const job = { id: c.req.valid("param").id, round: c.get("round") };
      const unread = await note(database, job, redactTexts(c.req.valid("json"), redact));
      return c.json({ status: "noted" as const, new_messages: unread }, 200);
    })
    .openapi(routes.NEWS, async (c) => {
      const { id } = c.req.valid("param");
      const { epoch, after = null } = c.req.valid("query");
      return c.json(await handOut(services, { id, round: c.get("round"), epoch }, after), 200);
    })
    .openapi(routes.RESULT, async (c) => {
      const job = { id: c.req.valid("param").id, round: c.get("round") };
      return c.json(await finish(services, job, redactTexts(c.req.valid("json"), redact)), 200);
    });
}

function refuseSize(most: number): never {
  throw new Problem(
    413,
    "body_too_large",
    `The body is larger than ${most} bytes`,
    "Keep it elsewhere, and send where it is",
  );
}

function createTokenGuard(tokens: TaskTokens): MiddlewareHandler<AgentEnv> {
  return async (c, next) => {
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
}

/** Starts the task, and reads what the agent is to work on. */
async function claim(
  services: Services,
  job: Job,
  { try: jobTry, worker, continues }: z.infer<typeof routes.claimBody>,
): Promise<z.infer<typeof routes.claimed>> {
  const { database, sources } = services;
  const claim = await claimByHttp(database, { ...job, jobTry, worker });
  if (claim.state === "missing") throw notFound("task");
  if (claim.state === "stale") throw stale();
  if (claim.state === "taken") {
    throw new Problem(
      409,
      "task_taken",
      "The task was claimed by a later try of its job",
      "Leave it to that worker",
    );
  }
  const { epoch } = claim;
  if (continues || claim.continued) {
    await takeOverInbox(database, [{ id: job.id, epoch }], { by: "worker", continues });
  }
  const news = continues
    ? await handOut(services, { ...job, epoch })
    : { audiences: await readAudiences(database, job.id) };
  const found = await readTask(database, job.id);
  const kept = found && await readMessage(database, found.message_id);
  if (!kept) throw notFound("task");
  const received = shownMessage(sources, kept);
  return {
    task_id: job.id,
    epoch,
    title: found.title,
    description: found.description,
    source: found.source,
    webhook_type: received.webhook_type,
    verified: received.verification === "verified",
    received_at: received.received_at,
    payload: payloadOf(received.body, received.headers),
    ...news,
  };
}

async function note(
  database: Database,
  job: Job,
  step: z.infer<typeof routes.eventBody>,
): Promise<number> {
  const unread = await noteProgress(database, { ...step, data: step.data ?? null, ...job });
  if (unread !== undefined) return unread;
  if (!await readClaimState(database, job.id)) throw notFound("task");
  throw stale();
}
