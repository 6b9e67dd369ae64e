import { Hono } from "hono";
import { listRejected } from "../../../lib/message/quarantine.ts";
import { searchMessages } from "../../../lib/message/search/search.ts";
import { readHeard } from "../../../lib/monitor/silence/heard.ts";
import { readSourceSeries } from "../../../lib/monitor/stats/source_series.ts";
import { createNames } from "../../../sources/rules/names.ts";
import { GENERIC } from "../../../sources/rules/registry.ts";
import type { Env } from "../../caller.ts";
import { requireSourceName } from "../../require_source.ts";
import { listSampled } from "../../webhook/sample.ts";
import { CHART_SPANS } from "../../views/source/chart.ts";
import { sourceList } from "../../views/source/list.ts";
import { sourcePage } from "../../views/source/page.ts";
import { asked, oneOf, originFor } from "../form.ts";
import { readFrame } from "../frame.ts";
import type { PageOptions } from "../options.ts";
import { readRows } from "../rows.ts";

/** Enough to see that it works; all of them are a link away. */
const LATEST = 8;

/** `/sources`: who sends, how they prove it, what came. */
export function sourcePages(
  { services, offeredSecrets, sourceInfos }: Pick<
    PageOptions,
    "services" | "offeredSecrets" | "sourceInfos"
  >,
): Hono<Env> {
  const { config, database, sources } = services;
  const parts = { database, nameOf: createNames(sources), reader: services.reader };

  const app = new Hono<Env>();
  app.get("/sources", async (c) => {
    const frame = await readFrame(c, database, "sources");
    const infos = await sourceInfos.all();
    return c.html(sourceList({ frame, infos, search: asked(c, "q", 64) }));
  });

  app.get("/sources/:name", async (c) => {
    const name = requireSourceName(sources, c.req.param("name"));
    if (name !== c.req.param("name")) return c.redirect(`/sources/${name}`, 302);
    const frame = await readFrame(c, database, "sources");
    const span = oneOf(asked(c, "span"), CHART_SPANS.map(({ value }) => value)) ?? "24h";
    const [info, series, rejected, heard, { items }] = await Promise.all([
      sourceInfos.of(name),
      readSourceSeries(database, name, span),
      listRejected(database, name, 1),
      readHeard(database, name),
      searchMessages(database, { source: name }, { limit: LATEST, sources: [] }),
    ]);
    return c.html(sourcePage({
      frame,
      info,
      url: originFor(config, c.req.raw) + info.path,
      settings: sources.settingsOf(info.isKnown ? name : GENERIC),
      // A reader could sign with one of them.
      offered: frame.isReader ? [] : offeredSecrets.of(name),
      heard,
      rejected,
      series,
      span,
      sampled: info.isKnown
        ? listSampled(services).find((each) => each.name === name)
        : info.stats?.last && { name, label: info.label, missing: undefined },
      rows: await readRows(parts, items),
    }));
  });
  return app;
}
