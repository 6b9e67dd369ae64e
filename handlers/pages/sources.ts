import { Hono } from "hono";
import { secretsOf } from "../../lib/config/config.ts";
import { countRejected } from "../../lib/message/quarantine.ts";
import { listRefusals } from "../../lib/ingress/refusal_log.ts";
import { searchMessages } from "../../lib/message/search/search.ts";
import { cached } from "../../lib/async/cached.ts";
import { readHeard } from "../../lib/monitor/silence/heard.ts";
import { readSourceStats } from "../../lib/ingress/stats.ts";
import { sources as known } from "../../sources/mod.ts";
import { GENERIC, labelOf, variableOf } from "../../sources/rules/registry.ts";
import type { Env } from "../caller.ts";
import { originFor } from "./form.ts";
import { readFrame } from "./frame.ts";
import type { PageOptions } from "./options.ts";
import { readRows } from "./rows.ts";
import { listSampled } from "../webhook/sample.ts";
import { requireSource } from "../require_source.ts";
import { createNames } from "../../sources/rules/names.ts";
import { sourceList, type SourceView } from "../views/source/list.ts";
import { sourcePage } from "../views/source/page.ts";

/** However many look, the store is asked at most this often. */
const FRESH_MS = 2_000;
/** Enough to see that it works; all of them are a link away. */
const LATEST = 8;

/** `/sources`: who sends, how they prove it, what came. */
export function sourcePages(
  { services, pauses, offeredSecrets }: Pick<
    PageOptions,
    "services" | "pauses" | "offeredSecrets"
  >,
): Hono<Env> {
  const { config, database, sources } = services;
  const parts = { database, nameOf: createNames(sources), reader: services.reader };
  const readStats = cached(() => readSourceStats(database), { freshMs: FRESH_MS });
  const readRefusals = cached(() => listRefusals(database), { freshMs: FRESH_MS });

  async function readViews(origin: string): Promise<SourceView[]> {
    const [stats, refusals] = await Promise.all([readStats(), readRefusals()]);
    return Object.entries(sources.all).map(([name, source]) => ({
      name,
      source,
      label: name === GENERIC ? "Anything else" : labelOf({ name, source }),
      url: `${origin}/webhook/${name === GENERIC ? "any-name" : name}`,
      secrets: secretsOf(config, name, source.secretVariable).length,
      variable: source.verify ? variableOf({ name, source }) : undefined,
      requiresVerified: config.requireVerified,
      isOwn: !Object.hasOwn(known, name) && name !== GENERIC,
      pausedSince: pauses.since(name),
      stats: stats.find((each) => each.source === name),
      refusal: refusals.find((each) => each.source === name),
    }));
  }

  const app = new Hono<Env>();
  app.get("/sources", async (c) => {
    const frame = await readFrame(c, database, "sources");
    return c.html(sourceList({ frame, views: await readViews(originFor(config, c.req.raw)) }));
  });

  app.get("/sources/:name", async (c) => {
    const name = c.req.param("name");
    requireSource(sources.all, name);
    const frame = await readFrame(c, database, "sources");
    const [views, { items }] = await Promise.all([
      readViews(originFor(config, c.req.raw)),
      searchMessages(database, { source: name }, { limit: LATEST, sources: [] }),
    ]);
    return c.html(sourcePage({
      frame,
      view: views.find((each) => each.name === name)!,
      settings: sources.settingsOf(name),
      // A reader could sign with one of them.
      offered: frame.isReader ? [] : offeredSecrets.of(name),
      heard: await readHeard(database, name),
      kept: await countRejected(database, name),
      sampled: listSampled(services).find((each) => each.name === name),
      rows: await readRows(parts, items),
    }));
  });
  return app;
}
