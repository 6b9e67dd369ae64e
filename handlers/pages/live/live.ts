import { Hono } from "hono";
import { searchMessages } from "../../../lib/message/search/search.ts";
import { createNames } from "../../../sources/rules/names.ts";
import type { Env } from "../../caller.ts";
import { home, MOST_ROWS } from "../../views/live/home.ts";
import { listSampled } from "../../webhook/sample.ts";
import { originFor } from "../form.ts";
import { readFrame } from "../frame.ts";
import type { PageOptions } from "../options.ts";
import { readRows } from "../rows.ts";
import { createPageStream } from "./stream.ts";
import { createSummary } from "./summary.ts";

/** `/`, where everything is on its way, and its stream. */
export function livePages(options: PageOptions): Hono<Env> {
  const { services } = options;
  const { config, database, sources } = services;
  const parts = { database, nameOf: createNames(sources), reader: services.reader };
  const summary = createSummary(options);
  const openStream = createPageStream({ ...options, summary });
  const sampled = listSampled(services);
  const app = new Hono<Env>();

  app.get("/", async (c) => {
    const frame = await readFrame(c, database, "live");
    const [{ items: messages }, lanes, notes, needs] = await Promise.all([
      searchMessages(database, {}, { limit: MOST_ROWS, sources: [] }),
      summary.lanes(),
      summary.notes(),
      summary.needs({ fresh: true }),
    ]);
    const rows = await readRows(parts, messages);
    const url = `${originFor(config, c.req.raw)}/webhook/demo`;
    return c.html(home({ frame, rows, lanes, notes, needs, sampled, url }));
  });

  app.get(
    "/live",
    (c) =>
      openStream(c.req.raw, {
        cursor: c.req.header("last-event-id") ?? c.req.query("after"),
        mayStay: c.get("who")?.mayStay,
      }),
  );
  return app;
}
