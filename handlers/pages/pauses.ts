import { Hono } from "hono";
import type { Pauses } from "../../lib/ingress/pauses.ts";
import type { Registry } from "../../sources/rules/registry.ts";
import type { Env } from "../caller.ts";
import { requireSource } from "../require_source.ts";

/** The buttons on a source's page that pause and resume it. */
export function pausePages(
  { sources, pauses }: { sources: Registry; pauses: Pauses },
): Hono<Env> {
  const app = new Hono<Env>();
  for (const [action, paused] of [["pause", true], ["resume", false]] as const) {
    app.post(`/sources/:name/${action}`, async (c) => {
      const name = c.req.param("name");
      requireSource(sources.all, name);
      await pauses.set(name, paused);
      return c.redirect(`/sources/${name}`, 303);
    });
  }
  return app;
}
