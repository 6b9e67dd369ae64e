import { Hono } from "hono";
import type { Env } from "../../caller.ts";
import { requireSource } from "../../require_source.ts";
import type { PageOptions } from "../options.ts";

/** The buttons on a source's page that pause and resume it. */
export function pausePages(parts: Pick<PageOptions, "services" | "pauses">): Hono<Env> {
  const app = new Hono<Env>();
  for (const [action, paused] of [["pause", true], ["resume", false]] as const) {
    app.post(`/sources/:name/${action}`, async (c) => {
      const name = await requireSource(parts, c.req.param("name"));
      await parts.pauses.set(name, paused);
      return c.redirect(`/sources/${name}`, 303);
    });
  }
  return app;
}
