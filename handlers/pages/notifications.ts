import { Hono } from "hono";
import { isId } from "../../lib/store/id.ts";
import { markRead, retryNotification } from "../../lib/notify/notification.ts";
import type { Services } from "../../lib/services.ts";
import type { Env } from "../caller.ts";
import { notFound } from "../problem.ts";
import { ownPath, readForm } from "./form.ts";

/** The buttons of notifications: seen, and told once more. */
export function notificationPages(
  { services: { database } }: { services: Services },
): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/notifications/:id/read", async (c) => {
    const id = c.req.param("id");
    if (!isId(id) || !await markRead(database, id)) throw notFound("notification");
    return c.redirect("/", 303);
  });

  app.post("/notifications/:id/retry", async (c) => {
    const id = c.req.param("id");
    const back = (await readForm(c.req.raw)).get("back");
    if (!isId(id) || !await retryNotification(database, id)) throw notFound("notification");
    return c.redirect(ownPath(back, "/system"), 303);
  });
  return app;
}
