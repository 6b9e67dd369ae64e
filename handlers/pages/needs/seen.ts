import { Hono } from "hono";
import { markSeen } from "../../../lib/monitor/needs/seen.ts";
import type { Services } from "../../../lib/services.ts";
import type { Env } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { seen } from "../../schemas/needs.ts";
import { readForm } from "../form.ts";

/** The button that marks a group as seen. */
export function seenPages({ services: { database } }: { services: Services }): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/needs/seen", async (c) => {
    const form = seen.safeParse(Object.fromEntries(await readForm(c.req.raw)));
    if (!form.success) {
      throw new Problem(
        400,
        "bad_request",
        "The form does not say what was seen",
        "Open Otto's first page again and mark it there",
      );
    }
    await markSeen(database, { ...form.data, by: "admin" });
    return c.redirect("/#needs", 303);
  });
  return app;
}
