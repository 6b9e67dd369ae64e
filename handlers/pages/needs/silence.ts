import { Hono } from "hono";
import { tellAfter } from "../../../lib/monitor/silence/heard.ts";
import type { Services } from "../../../lib/services.ts";
import type { Env } from "../../caller.ts";
import { notFound, Problem } from "../../problem.ts";
import { readForm } from "../form.ts";

/** As long as slots are kept is more than anybody waits. */
const MOST_HOURS = 24 * 60;

/** The form on a source's page: after how many hours its silence is told. */
export function silencePages({ services: { database } }: { services: Services }): Hono<Env> {
  const app = new Hono<Env>();
  app.post("/sources/:name/silence", async (c) => {
    const source = c.req.param("name").toLowerCase();
    const text = (await readForm(c.req.raw)).get("hours")?.trim() ?? "";
    const hours = text === "" ? undefined : Number(text);
    if (hours !== undefined && !(hours >= 0.5 && hours <= MOST_HOURS)) {
      throw new Problem(
        400,
        "bad_request",
        "That is no number of hours",
        `Type one from 0.5 to ${MOST_HOURS}, or nothing to have it told by the weeks before`,
      );
    }
    if (!await tellAfter(database, { source, hours })) {
      throw notFound("source that was heard lately");
    }
    return c.redirect(`/sources/${encodeURIComponent(source)}`, 303);
  });
  return app;
}
