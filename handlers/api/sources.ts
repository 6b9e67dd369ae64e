import { z } from "@hono/zod-openapi";
import type { Pauses } from "../../lib/ingress/pauses.ts";
import type { SourceInfo, SourceInfos } from "../../lib/monitor/sources.ts";
import type { Services } from "../../lib/services.ts";
import { trustOf } from "../../sources/rules/registry.ts";
import { conflict, createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { sourceInfo, triedSecret } from "../schemas/source.ts";
import { requireSource } from "../require_source.ts";
import { MOST_SECRET_LENGTH, trySecret } from "../../lib/work/verify/try_secret.ts";
import type { Verifier } from "../../lib/work/verify/verifier.ts";

const nameParam = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, example: "github" }),
});

interface SourceParts {
  services: Services;
  pauses: Pauses;
  sourceInfos: SourceInfos;
  verifier: Verifier;
}

/** `/api/sources`: who may send, how they prove it, what came, and whether they are let in. */
export function sourceApi(parts: SourceParts) {
  const { services, pauses, sourceInfos } = parts;

  async function set(asked: string, paused: boolean) {
    const name = await requireSource(parts, asked);
    await pauses.set(name, paused);
    return shown(services, await sourceInfos.of(name));
  }

  return createApi()
    .openapi(
      LIST,
      async (c) =>
        c.json({ items: (await sourceInfos.all()).map((info) => shown(services, info)) }, 200),
    )
    .openapi(TRY, async (c) => {
      const name = await requireSource(parts, c.req.valid("param").name);
      return c.json(await trySecret(parts, name, c.req.valid("json").secret), 200);
    })
    .openapi(PAUSE, async (c) => c.json(await set(c.req.valid("param").name, true), 200))
    .openapi(RESUME, async (c) => c.json(await set(c.req.valid("param").name, false), 200));
}

function shown({ config }: Services, info: SourceInfo): z.infer<typeof sourceInfo> {
  const { name, label, source, path, stats, secrets, variable } = info;
  const { taken = 0, refused = 0, failed = 0, kept, last } = stats ?? {};
  return {
    name,
    label,
    url: `${config.publicUrl ?? ""}${path}`,
    known: info.isKnown,
    variable: variable ?? null,
    secrets,
    set: info.set,
    signatures: trustOf(source, { secrets, requireVerified: config.requireVerified }),
    state: info.state,
    refusing: info.refusing ?? null,
    paused_since: info.pausedSince ?? null,
    turned_away: info.turnedAway,
    last_24_hours: { taken, refused, failed },
    refused_kept: kept?.count ?? 0,
    last_message_id: last?.message_id ?? null,
    last_received_at: last?.at ?? null,
  };
}

const LIST = createRoute({
  method: "get",
  path: "/api/sources",
  operationId: "listSources",
  summary: "All sources, known ones and names that came: what is set, what came, how they are",
  responses: {
    200: json("All of them", z.object({ items: z.array(sourceInfo) })),
    ...refusals,
  },
});

const TRY = createRoute({
  method: "post",
  path: "/api/sources/{name}/try-secret",
  operationId: "trySecret",
  summary: "Try a value against what was refused of a source: it is neither stored nor logged",
  request: {
    params: nameParam,
    body: {
      content: {
        "application/json": {
          schema: z.object({ secret: z.string().min(1).max(MOST_SECRET_LENGTH) }),
        },
      },
      required: true,
    },
  },
  responses: {
    200: json("What it opens", triedSecret),
    ...missing,
    ...conflict,
    ...refusals,
  },
});

const PAUSE = createRoute({
  method: "post",
  path: "/api/sources/{name}/pause",
  operationId: "pauseSource",
  summary: "Take nothing of a source for now: it is answered with 503, to send again later",
  request: { params: nameParam },
  responses: { 200: json("It is paused", sourceInfo), ...missing, ...refusals },
});

const RESUME = createRoute({
  method: "post",
  path: "/api/sources/{name}/resume",
  operationId: "resumeSource",
  summary: "Take a source's webhooks again",
  request: { params: nameParam },
  responses: { 200: json("It is taken again", sourceInfo), ...missing, ...refusals },
});
