import { z } from "@hono/zod-openapi";
import { secretsOf } from "../../lib/config/config.ts";
import type { Pauses } from "../../lib/ingress/pauses.ts";
import type { Services } from "../../lib/services.ts";
import { labelOf, trustOf, variableOf } from "../../sources/rules/registry.ts";
import { createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { sourceInfo } from "../schemas/source.ts";
import { requireSource } from "../require_source.ts";

const nameParam = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, example: "github" }),
});

interface SourceParts {
  services: Services;
  pauses: Pauses;
}

/** `/api/sources`: who may send, how they prove it, and whether they are let in. */
export function sourceApi(parts: SourceParts) {
  const { services: { sources }, pauses } = parts;

  async function set(name: string, paused: boolean) {
    requireSource(sources.all, name);
    await pauses.set(name, paused);
    return infoOf(parts, name);
  }

  return createApi()
    .openapi(
      LIST,
      (c) => c.json({ items: Object.keys(sources.all).map((name) => infoOf(parts, name)) }, 200),
    )
    .openapi(PAUSE, async (c) => c.json(await set(c.req.valid("param").name, true), 200))
    .openapi(RESUME, async (c) => c.json(await set(c.req.valid("param").name, false), 200));
}

function infoOf(
  { services: { config, sources }, pauses }: SourceParts,
  name: string,
): z.infer<typeof sourceInfo> {
  const source = sources.all[name];
  const secrets = secretsOf(config, name, source.secretVariable).length;
  return {
    name,
    label: labelOf({ name, source }),
    url: `${config.publicUrl ?? ""}/webhook/${name}`,
    variable: source.verify ? variableOf({ name, source }) : null,
    secrets,
    signatures: trustOf(source, { secrets, requireVerified: config.requireVerified }),
    paused_since: pauses.since(name) ?? null,
  };
}

const LIST = createRoute({
  method: "get",
  path: "/api/sources",
  operationId: "listSources",
  summary: "All sources: their URL, their secret's variable, whether they are paused",
  responses: {
    200: json("All of them", z.object({ items: z.array(sourceInfo) })),
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
