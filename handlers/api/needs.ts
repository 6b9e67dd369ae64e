import { z } from "@hono/zod-openapi";
import { readNeeds } from "../../lib/monitor/needs/needs.ts";
import { markSeen } from "../../lib/monitor/needs/seen.ts";
import { describeSilence } from "../../lib/monitor/silence/words.ts";
import { createLabels } from "../../sources/rules/names.ts";
import type { Services } from "../../lib/services.ts";
import { actorOf } from "../acts.ts";
import { createApi, createRoute, json, refusals } from "../openapi.ts";
import { needs, seen } from "../schemas/needs.ts";

/** `/api/needs`: what waits for a person, as Otto's first page shows it. */
export function needsApi({ services }: { services: Services }) {
  const { config, database, sources } = services;
  return createApi()
    .openapi(READ, async (c) => {
      const found = await readNeeds(database);
      const words = {
        labelOf: createLabels(sources),
        timeZone: config.timeZone,
        now: new Date(),
      };
      return c.json({
        ...found,
        silences: found.silences.map((silence) => ({
          key: silence.key,
          kind: silence.kind,
          sources: silence.sources,
          since: silence.since,
          text: `${describeSilence(silence, words)} ${silence.because}`,
          latest: silence.began_at.toISOString(),
          seen: silence.seen,
        })),
        troubles: found.troubles.map(({ latest_at: _, ...trouble }) => trouble),
      }, 200);
    })
    .openapi(SEEN, async (c) => {
      await markSeen(database, { ...c.req.valid("json"), by: actorOf(c) });
      return c.json({ seen: true as const }, 200);
    });
}

const READ = createRoute({
  method: "get",
  path: "/api/needs",
  operationId: "getNeeds",
  summary:
    "What waits for a person: questions, silent sources, the day's troubles by their reasons",
  responses: { 200: json("Now", needs), ...refusals },
});

const SEEN = createRoute({
  method: "post",
  path: "/api/needs/seen",
  operationId: "markNeedSeen",
  summary: "Mark a group as seen: it is not counted any more until something else comes",
  request: {
    body: { required: true, content: { "application/json": { schema: seen } } },
  },
  responses: { 200: json("It is seen", z.object({ seen: z.literal(true) })), ...refusals },
});
