import { z } from "@hono/zod-openapi";
import { secretsOf } from "../../lib/config/config.ts";
import type { Pauses } from "../../lib/ingress/pauses.ts";
import type { Services } from "../../lib/services.ts";
import { labelOf, trustOf, variableOf } from "../../sources/rules/registry.ts";
import { createApi, createRoute, json, missing, refusals } from "../openapi.ts";
import { Problem } from "../problem.ts";
import { sourceInfo } from "../schemas.ts";

const nameParam = z.object({
  name: z.string().openapi({ param: { name: "name", in: "path" }, example: "github" }),
});

/** `/api/sources`: who may send, how they prove it, and whether they are let in; and the buttons of their pages. */
export function sourceApi(
  { services: { config, sources }, pauses }: { services: Services; pauses: Pauses },
) {
  const { all } = sources;

  function requireSource(name: string): void {
    if (!Object.hasOwn(all, name)) throw noSource();
  }

  function infoOf(name: string): z.infer<typeof sourceInfo> {
    const source = all[name];
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

  const app = createApi()
    .openapi(
      createRoute({
        method: "get",
        path: "/api/sources",
        summary: "All sources: their URL, their secret's variable, whether they are paused",
        responses: {
          200: json("All of them", z.object({ items: z.array(sourceInfo) })),
          ...refusals,
        },
      }),
      (c) => c.json({ items: Object.keys(all).map(infoOf) }, 200),
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/sources/{name}/pause",
        summary: "Take nothing of a source for now: it is answered with 503, to send again later",
        request: { params: nameParam },
        responses: { 200: json("It is paused", sourceInfo), ...missing, ...refusals },
      }),
      async (c) => c.json(await set(c.req.valid("param").name, true), 200),
    )
    .openapi(
      createRoute({
        method: "post",
        path: "/api/sources/{name}/resume",
        summary: "Take a source's webhooks again",
        request: { params: nameParam },
        responses: { 200: json("It is taken again", sourceInfo), ...missing, ...refusals },
      }),
      async (c) => c.json(await set(c.req.valid("param").name, false), 200),
    );
  for (const [action, paused] of [["pause", true], ["resume", false]] as const) {
    app.post(`/sources/:name/${action}`, async (c) => {
      const { name } = await set(c.req.param("name"), paused);
      return c.redirect(`/sources/${name}`, 303);
    });
  }
  return app;

  async function set(name: string, paused: boolean) {
    requireSource(name);
    await pauses.set(name, paused);
    return infoOf(name);
  }
}

export function noSource(): Problem {
  return new Problem(
    404,
    "source_not_found",
    "There is no source of this name",
    "All that Otto knows are listed at Sources; anything else is taken too, as generic",
  );
}
