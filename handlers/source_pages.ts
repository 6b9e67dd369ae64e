import { Hono } from "hono";
import { secretsOf } from "../lib/config.ts";
import { listRefusals } from "../lib/refusal_log.ts";
import { searchMessages } from "../lib/message_search.ts";
import type { Services } from "../lib/services.ts";
import { shared } from "../lib/shared.ts";
import { readSourceStats } from "../lib/source_stats.ts";
import { labelOf, variableOf } from "../sources/registry.ts";
import type { Env } from "./caller.ts";
import { readFrame } from "./frame.ts";
import { readRows } from "./page_rows.ts";
import { Problem } from "./problem.ts";
import { listSampled } from "./sample.ts";
import { createNames } from "../sources/names.ts";
import { sourceList, type SourceView } from "./views/source_list.ts";
import { sourcePage } from "./views/source_page.ts";

const FRESH_MS = 2_000;
const LATEST = 8;

/** `/sources`: who sends, how they prove it, what came. */
export function sourcePages(
  { services, originFor }: { services: Services; originFor: (request: Request) => string },
): Hono<Env> {
  const { config, database, sources } = services;
  const all = { ...sources.all, generic: sources.generic };
  const parts = { database, nameOf: createNames(sources) };
  const readStats = shared(() => readSourceStats(database), { freshMs: FRESH_MS });
  const readRefusals = shared(() => listRefusals(database), { freshMs: FRESH_MS });
  const sampled = listSampled(services);

  async function readViews(origin: string): Promise<SourceView[]> {
    const [stats, refusals] = await Promise.all([readStats(), readRefusals()]);
    return Object.entries(all).map(([name, source]) => ({
      name,
      source,
      label: name === "generic" ? "Anything else" : labelOf({ name, source }),
      url: `${origin}/webhook/${name === "generic" ? "any-name" : name}`,
      secrets: secretsOf(config, name, source.secretVariable).length,
      variable: source.verify ? variableOf({ name, source }) : undefined,
      requiresVerified: config.requireVerified,
      stats: stats.find((each) => each.source === name),
      refusal: refusals.find((each) => each.source === name),
    }));
  }

  const app = new Hono<Env>();
  app.get("/sources", async (c) => {
    const frame = await readFrame(c, database, "sources");
    return c.html(sourceList({ frame, views: await readViews(originFor(c.req.raw)) }));
  });

  app.get("/sources/:name", async (c) => {
    const name = c.req.param("name");
    if (!Object.hasOwn(all, name)) {
      throw new Problem(
        404,
        "source_not_found",
        "There is no source of this name",
        "All that Otto knows are listed at Sources; anything else is taken too",
      );
    }
    const frame = await readFrame(c, database, "sources");
    const [views, { items }] = await Promise.all([
      readViews(originFor(c.req.raw)),
      searchMessages(database, { source: name }, { limit: LATEST, sources: [] }),
    ]);
    return c.html(sourcePage({
      frame,
      view: views.find((each) => each.name === name)!,
      sampled: sampled.find((each) => each.name === name),
      rows: await readRows(parts, items),
    }));
  });
  return app;
}
