import { z } from "@hono/zod-openapi";
import type { Pauses } from "../../../lib/ingress/pauses.ts";
import type { Services } from "../../../lib/services.ts";
import { listBatch, listTrials } from "../../../lib/task/trial/trial.ts";
import { requireMessage } from "../../../lib/work/verify/require_message.ts";
import { actorOf, noteAct } from "../../acts.ts";
import {
  conflict,
  createApi,
  createRoute,
  dropped,
  json,
  missing,
  refusals,
} from "../../openapi.ts";
import { requireSource } from "../../require_source.ts";
import { idParam } from "../../schemas/fields.ts";
import {
  sourceTrialOrder,
  trial,
  trialBatch,
  trialOrder,
  trials,
  wholeTrial,
} from "../../schemas/trial.ts";
import { requireTrial, stopTrial, tryMessage, trySource } from "./start.ts";

/** Kept messages given to the model once more, without any effect. */
export function trialApi(parts: { services: Services; pauses: Pauses }) {
  const { services } = parts;
  const { database } = services;
  return createApi()
    .openapi(TRY, async (c) => {
      const message = await requireMessage(database, c.req.valid("param").id);
      const asked = c.req.valid("json");
      const id = await tryMessage(services, message, { asked, actor: actorOf(c) });
      noteAct(c, { detail: { model: asked.model, trial_id: id } });
      return c.json(await requireTrial(services, id), 201);
    })
    .openapi(LIST, async (c) => {
      const { message_id } = await requireMessage(database, c.req.valid("param").id);
      return c.json({ items: await listTrials(database, message_id) }, 200);
    })
    .openapi(
      READ,
      async (c) => c.json(await requireTrial(services, c.req.valid("param").id), 200),
    )
    .openapi(
      CANCEL,
      async (c) => c.json(await stopTrial(services, c.req.valid("param").id), 200),
    )
    .openapi(TRY_SOURCE, async (c) => {
      const source = await requireSource(parts, c.req.valid("param").name);
      const { count, ...asked } = c.req.valid("json");
      const { batchId, begun } = await trySource(services, source, {
        asked,
        count,
        actor: actorOf(c),
      });
      noteAct(c, {
        detail: { model: asked.model, batch_id: batchId, messages: begun.size },
      });
      return c.json({ batch_id: batchId, items: await listBatch(database, batchId) }, 201);
    });
}

const TRY = createRoute({
  method: "post",
  path: "/api/messages/{id}/try",
  operationId: "tryMessage",
  summary: "Give a kept message to the model once more, with nothing that it does having an effect",
  description:
    "It runs in a worker, as in `AGENT_MODE=observe`, and counts in all budgets. It is " +
    "no task: nothing lists, counts or tells of it but these routes",
  request: {
    params: idParam,
    body: { content: { "application/json": { schema: trialOrder } }, required: true },
  },
  responses: {
    201: json("The trial, just begun", wholeTrial),
    ...missing,
    ...conflict,
    ...dropped,
    ...refusals,
  },
});

const LIST = createRoute({
  method: "get",
  path: "/api/messages/{id}/trials",
  operationId: "listTrials",
  summary: "A message's trials that are kept, newest first",
  request: { params: idParam },
  responses: { 200: json("All of them", trials), ...missing, ...refusals },
});

const READ = createRoute({
  method: "get",
  path: "/api/trials/{id}",
  operationId: "getTrial",
  summary: "One trial with its timeline, which says what would have been done",
  request: { params: idParam },
  responses: { 200: json("The trial", wholeTrial), ...missing, ...refusals },
});

const CANCEL = createRoute({
  method: "post",
  path: "/api/trials/{id}/cancel",
  operationId: "cancelTrial",
  summary: "Stop a trial that has not ended",
  request: { params: idParam },
  responses: { 200: json("The trial", trial), ...missing, ...conflict, ...refusals },
});

const TRY_SOURCE = createRoute({
  method: "post",
  path: "/api/sources/{name}/try",
  operationId: "trySource",
  summary: "Try a source's newest messages, all with the same instruction",
  request: {
    params: z.object({
      name: z.string().openapi({ param: { name: "name", in: "path" }, example: "github" }),
    }),
    body: { content: { "application/json": { schema: sourceTrialOrder } }, required: true },
  },
  responses: {
    201: json("The trials, just begun", trialBatch),
    ...missing,
    ...conflict,
    ...refusals,
  },
});
