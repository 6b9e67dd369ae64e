import { actorOf } from "../../acts.ts";
import { Hono } from "hono";
import type { Env } from "../../caller.ts";
import { release, type ReleaseParts } from "../../../lib/work/verify/release.ts";

/** The button on the page of a message that was refused: lets it in, and shows it. */
export function releasePages(parts: ReleaseParts): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/messages/:id/release", async (c) => {
    const { message_id } = await release(parts, c.req.param("id"), actorOf(c));
    return c.redirect(`/messages/${message_id}`, 303);
  });
  return app;
}
