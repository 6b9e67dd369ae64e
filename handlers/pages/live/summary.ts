import { listWorkers } from "../../../lib/monitor/heartbeat.ts";
import { readUnanswered } from "../../../lib/monitor/model_provider.ts";
import { openThroughput } from "../../../lib/monitor/stats/throughput.ts";
import type { Services } from "../../../lib/services.ts";
import { cached } from "../../../lib/async/cached.ts";
import type { Stats } from "../../../lib/monitor/stats/stats.ts";
import type { Pauses } from "../../../lib/ingress/pauses.ts";
import { readTurnedAway } from "../../../lib/ingress/turned_away.ts";
import { createLabels, labelFor } from "../../../sources/rules/names.ts";
import { lanes } from "../../views/live/lanes.ts";
import { readNeeds } from "../../../lib/monitor/needs/needs.ts";
import { needsLink } from "../../views/page.ts";
import { needsPanel } from "../../views/live/needs.ts";
import { notes } from "../../views/live/notes.ts";
import type { Html } from "../../views/page.ts";

/** What stands above the list. However many watch, it is read for all of them at once. */
export interface Summary {
  lanes(): Promise<Html>;
  notes(): Promise<Html>;
  /** How many of them: the link to them. */
  bell(): Promise<Html>;
  /** `fresh` for whoever has just answered, and looks. */
  needs(options?: { fresh: boolean }): Promise<Html>;
}

/** As often as the stream looks. */
const FRESH_MS = 2_000;

export function createSummary(
  { services, readStats, pauses }: {
    services: Services;
    readStats: () => Promise<Stats>;
    pauses: Pauses;
  },
): Summary {
  const { config, agent, database, sources } = services;
  const workers = cached(() => listWorkers(database), { freshMs: FRESH_MS });
  const throughput = openThroughput(database);
  const needs = cached(() => readNeeds(database), { freshMs: FRESH_MS });
  const turnedAway = cached(() => readTurnedAway(database), { freshMs: FRESH_MS });
  const unanswered = cached(() => readUnanswered(database), { freshMs: FRESH_MS });
  const labelOf = createLabels(sources);
  const words = () => ({
    labelOf,
    timeZone: config.timeZone,
    now: new Date(),
  });
  return {
    async lanes() {
      const [stats, passed] = await Promise.all([readStats(), throughput()]);
      return await lanes(stats, passed);
    },
    async needs({ fresh } = { fresh: false }) {
      return await needsPanel(await (fresh ? readNeeds(database) : needs()), words());
    },
    bell: async () => await needsLink((await needs()).count),
    async notes() {
      const paused = pauses.names();
      const [alive, { queue }, unansweredSince, away] = await Promise.all([
        workers(),
        readStats(),
        unanswered(),
        paused.length > 0 ? turnedAway() : new Map<string, number>(),
      ]);
      return await notes({
        isWorked: alive.some((worker) => worker.alive),
        worksInline: config.worksInline,
        hasModel: agent.name !== "digest",
        spilled: queue.spilled,
        unansweredSince,
        paused: paused.map((name) => ({
          name,
          label: labelFor(sources, name),
          turnedAway: away.get(name) ?? 0,
        })),
      });
    },
  };
}
