import { type Context, Hono } from "hono";
import { readInstruction } from "../../../lib/agent/run/run.ts";
import { findMessages } from "../../../lib/message/message.ts";
import type { Services } from "../../../lib/services.ts";
import { isId } from "../../../lib/store/id.ts";
import { listTaskEvents, readTask } from "../../../lib/task/task.ts";
import { listBatches } from "../../../lib/task/trial/batch.ts";
import { MOST_BATCH } from "../../../lib/task/trial/start.ts";
import {
  listBatch,
  listTrials,
  type Trial,
  type WholeTrial,
} from "../../../lib/task/trial/trial.ts";
import { requireMessage } from "../../../lib/work/verify/require_message.ts";
import { createNames, sourceNameOf } from "../../../sources/rules/names.ts";
import { GENERIC } from "../../../sources/rules/registry.ts";
import { actorOf, noteAct } from "../../acts.ts";
import {
  requireTriable,
  requireTrial,
  requireTrials,
  stopTrial,
  tryMessage,
  trySource,
} from "../../api/trials/start.ts";
import type { Env } from "../../caller.ts";
import { notFound, Problem } from "../../problem.ts";
import { requireSource, requireSourceName } from "../../require_source.ts";
import { trialOrder } from "../../schemas/trial.ts";
import { trialPage } from "../../views/trial/compare.ts";
import type { TrialChoices } from "../../views/trial/form.ts";
import { messageTrials } from "../../views/trial/list.ts";
import { type BatchRow, sourceTrials } from "../../views/trial/source.ts";
import { toldTask, toldTrial } from "../../views/trial/told.ts";
import { asked, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import type { PageOptions } from "../options.ts";
import { askedIn, choicesFor, keptSettings } from "./choices.ts";

/** Kept messages tried with another instruction or model, and what came of it side by side. */
export function trialPages(
  parts: Pick<PageOptions, "services" | "pauses" | "sourceInfos">,
): Hono<Env> {
  const { services } = parts;
  const { database, sources } = services;
  const nameOf = createNames(sources);
  const app = new Hono<Env>();

  app.get("/messages/:id/trials", async (c) => {
    const message = await requireMessage(database, c.req.param("id"));
    const frame = await readFrame(c, database, "messages");
    const { message_id, webhook_type, verification } = message;
    const problem = problemOf(() => requireTriable(services, message));
    return c.html(messageTrials({
      frame,
      message,
      sourceName: nameOf(message),
      choices: problem ? undefined : choicesFor(services, sources.find(webhook_type).name, {
        verified: verification === "verified",
      }),
      trials: await listTrials(database, message_id),
      problem,
    }));
  });

  app.post("/messages/:id/trials", async (c) => {
    const message = await requireMessage(database, c.req.param("id"));
    const form = await readForm(c.req.raw);
    const { name } = sources.find(message.webhook_type);
    const verified = message.verification === "verified";
    const asked = requireAsked(form, requireChoices(services, name, { verified }));
    const id = await tryMessage(services, message, { asked, actor: actorOf(c) });
    noteAct(c, { act: "try", detail: { model: asked.model, trial_id: id } });
    return c.redirect(`/trials/${id}`, 303);
  });

  app.get("/trials/:id", async (c) => {
    const trial = await requireTrial(services, idOf(c));
    const frame = await readFrame(c, database, "messages");
    return c.html(trialPage({ frame, ...await readCompared(services, trial, asked(c, "with")) }));
  });

  app.post("/trials/:id/cancel", async (c) => {
    const { id } = await stopTrial(services, idOf(c));
    return c.redirect(`/trials/${id}`, 303);
  });

  app.get("/sources/:name/trials", async (c) => {
    const name = requireSourceName(sources, c.req.param("name"));
    const frame = await readFrame(c, database, "sources");
    const batch = asked(c, "batch");
    if (batch !== undefined && !isId(batch)) throw notFound("batch of trials");
    const source = sources.find(name).name;
    const { label, secrets } = await parts.sourceInfos.of(name);
    return c.html(sourceTrials({
      frame,
      name,
      label,
      choices: choicesFor(services, source, { verified: secrets > 0 }),
      batches: await listBatches(database, {
        source,
        type: source === GENERIC && name !== GENERIC ? name : undefined,
      }),
      batch,
      rows: batch ? await readRows(services, await listBatch(database, batch)) : [],
      problem: problemOf(() => requireTrials(services)),
    }));
  });

  app.post("/sources/:name/trials", async (c) => {
    const name = await requireSource(parts, c.req.param("name"));
    const form = await readForm(c.req.raw);
    const { secrets } = await parts.sourceInfos.of(name);
    const verified = secrets > 0;
    const choices = requireChoices(services, sources.find(name).name, { verified });
    const asked = requireAsked(form, choices);
    const { batchId, begun } = await trySource(services, name, {
      asked,
      count: countIn(form),
      actor: actorOf(c),
    });
    noteAct(c, {
      act: "try",
      detail: { model: asked.model, batch_id: batchId, messages: begun.size },
    });
    return c.redirect(`/sources/${name}/trials?batch=${batchId}`, 303);
  });
  return app;
}

/** What a trial's page shows: itself beside what really came of the message, or another trial. */
async function readCompared(services: Services, trial: WholeTrial, against: string | undefined) {
  const { database, sources } = services;
  const [[message], all] = await Promise.all([
    findMessages(database, [trial.message_id]),
    listTrials(database, trial.message_id),
  ]);
  if (!message) throw notFound("message");
  const other = against === undefined ? undefined : all.find(({ id }) => id === against);
  if (against !== undefined && !other) throw notFound("trial");
  const task = message.task_id === null ? undefined : await readTask(database, message.task_id);
  const left = other ? toldTrial(await requireTrial(services, other.id)) : task && toldTask(
    task,
    await listTaskEvents(database, task.id),
    await readInstruction(database, task.id),
  );
  return {
    trial,
    sourceName: sourceNameOf(sources, message.webhook_type),
    title: message.title ?? `${message.webhook_type} webhook`,
    left,
    right: toldTrial(trial),
    noTask: message.reason,
    others: all.filter(({ id }) => id !== trial.id),
    against: other?.id,
    hasTask: task !== undefined,
    keep: keptSettings(services, trial, { verified: message.verification === "verified" }),
  };
}

async function readRows(
  { database }: Services,
  trials: readonly Trial[],
): Promise<BatchRow[]> {
  const messages = await findMessages(database, trials.map(({ message_id }) => message_id));
  return await Promise.all(trials.map(async (trial) => {
    const message = messages.find(({ message_id }) => message_id === trial.message_id);
    return {
      trial,
      title: message?.title ?? trial.message_id,
      task: message?.task_id ? await readTask(database, message.task_id) : undefined,
    };
  }));
}

/** @throws {Problem} 409 where no model works. */
function requireChoices(
  services: Services,
  source: string,
  message: { verified: boolean },
): TrialChoices {
  requireTrials(services);
  return choicesFor(services, source, message)!;
}

/** @throws {Problem} 400 when what was typed is too much. */
function requireAsked(form: URLSearchParams, choices: TrialChoices) {
  const asked = askedIn(form, choices);
  const checked = trialOrder.safeParse(asked);
  if (checked.success) return asked;
  const [{ path, message }] = checked.error.issues;
  throw new Problem(
    400,
    "bad_request",
    `“${path.join(".")}” is not right: ${message}`,
    "Go back and change it",
  );
}

/** @throws {Problem} 400 when it is none. */
function countIn(form: URLSearchParams): number {
  const count = Number(form.get("count") ?? NaN);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_BATCH) return count;
  throw new Problem(
    400,
    "bad_request",
    `So many messages cannot be tried at once`,
    `1 to ${MOST_BATCH} can`,
  );
}

function idOf(c: Context<Env>): string {
  const id = c.req.param("id") ?? "";
  if (!isId(id)) throw notFound("trial");
  return id.toLowerCase();
}

/** What stands in the way; undefined where nothing does. */
function problemOf(look: () => void): Problem | undefined {
  try {
    look();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error;
  }
}
