import { Hono } from "hono";
import { isId } from "../../lib/store/id.ts";
import { markAllRead, markRead, retryNotification } from "../../lib/notify/notification.ts";
import { findNotificationIds } from "../../lib/notify/search.ts";
import { startBulkAction } from "../../lib/work/bulk/bulk_action.ts";
import { fixRows } from "../../lib/work/bulk/fix_rows.ts";
import { actorOf, noteAct } from "../acts.ts";
import { MOST_AT_ONCE } from "../schemas/many.ts";
import type { Services } from "../../lib/services.ts";
import type { Env } from "../caller.ts";
import { notFound } from "../problem.ts";
import { readForm } from "./form.ts";

/** The buttons of notifications: one read, all read, told once more. */
export function notificationPages(
  { services: { database } }: { services: Services },
): Hono<Env> {
  const app = new Hono<Env>();

  app.post("/notifications/read", async (c) => {
    const newest = (await readForm(c.req.raw)).get("newest") ?? "";
    if (!isId(newest)) return c.redirect("/", 303);
    const find = (most: number, before = newest) =>
      findNotificationIds(database, { unread: true, before }, most);
    if ((await find(MOST_AT_ONCE)).next === undefined) {
      await markAllRead(database, newest);
      return c.redirect("/", 303);
    }
    // One statement for so many would hold up everybody else.
    await markRead(database, newest);
    const filter = { unread: "true" };
    const { id } = await fixRows(database, {
      action: "read",
      filter,
      actor: actorOf(c),
      find,
    });
    await startBulkAction(database, id);
    noteAct(c, { ids: [id], thing: "bulk action" });
    return c.redirect(`/bulk/${id}`, 303);
  });

  app.post("/notifications/:id/read", async (c) => {
    const id = c.req.param("id");
    if (!isId(id) || !await markRead(database, id)) throw notFound("notification");
    return c.redirect("/", 303);
  });

  app.post("/notifications/:id/retry", async (c) => {
    const id = c.req.param("id");
    if (!isId(id) || !await retryNotification(database, id)) throw notFound("notification");
    return c.redirect("/system", 303);
  });
  return app;
}
