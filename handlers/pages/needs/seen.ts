import { Hono } from "hono";
import { markSeen } from "../../../lib/monitor/needs/seen.ts";
import { markRead } from "../../../lib/notify/notification.ts";
import { isId } from "../../../lib/store/id.ts";
import type { Services } from "../../../lib/services.ts";
import { actorOf, noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { seen } from "../../schemas/needs.ts";
import { readForm } from "../form.ts";

/** Far more than the page shows at once. */
const MOST = 100;

/** The buttons that mark a group as seen, or all that is shown. */
export function seenPages({ services: { database } }: { services: Services }): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/needs/seen", async (c) => {
    const form = await readForm(c.req.raw);
    const latest = form.getAll("latest");
    const groups = form.getAll("key").map((key, at) =>
      seen.safeParse({ key, latest: latest[at] ?? "" })
    );
    const notices = form.getAll("notice").map(String);
    const count = groups.length + notices.length;
    const isRight = count > 0 && count <= MOST && groups.every(({ success }) => success) &&
      notices.every(isId);
    if (!isRight) {
      throw new Problem(
        400,
        "bad_request",
        "The form does not say what was seen",
        "Open Otto's first page again and mark it there",
      );
    }
    for (const { data } of groups) if (data) await markSeen(database, { ...data, by: actorOf(c) });
    for (const id of notices) await markRead(database, id);
    if (count > 1) noteAct(c, { detail: { count } });
    return c.redirect("/#needs", 303);
  });
  return app;
}
