import { Hono } from "hono";
import { markNoticesRead, markSeen } from "../../../lib/monitor/needs/seen.ts";
import { isId } from "../../../lib/store/id.ts";
import type { Services } from "../../../lib/services.ts";
import { actorOf, noteAct } from "../../acts.ts";
import type { Env } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { seen } from "../../schemas/needs.ts";
import { readForm } from "../form.ts";

/** Far more than the page shows at once. */
const MOST_GROUPS = 100;

/** The buttons that mark a group as seen, or all that is shown. */
export function seenPages({ services: { database } }: { services: Services }): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/needs/seen", async (c) => {
    const form = await readForm(c.req.raw);
    const latest = form.getAll("latest");
    const groups = form.getAll("key").map((key, at) =>
      seen.safeParse({ key, latest: latest[at] ?? "" })
    );
    const newest = form.get("notices_to");
    const isRight = groups.length <= MOST_GROUPS && groups.every(({ success }) => success) &&
      (newest === null ? groups.length > 0 : isId(newest));
    if (!isRight) {
      throw new Problem(
        400,
        "bad_request",
        "The form does not say what was seen",
        "Open Otto's first page again and mark it there",
      );
    }
    for (const { data } of groups) if (data) await markSeen(database, { ...data, by: actorOf(c) });
    const notices = newest === null ? 0 : await markNoticesRead(database, newest);
    if (newest !== null) noteAct(c, { detail: { count: groups.length + notices } });
    return c.redirect("/#needs", 303);
  });
  return app;
}
