import { listWorkers } from "../lib/heartbeat.ts";
import type { Services } from "../lib/services.ts";
import { readStats } from "../lib/stats.ts";
import { lanes } from "./views/lanes.ts";
import { notes } from "./views/notes.ts";
import type { Html } from "./views/page.ts";

/** What stands above the list. However many watch, it is read for all of them at once. */
export interface Summary {
  lanes(): Promise<Html>;
  notes(): Promise<Html>;
}

const FRESH_MS = 2_000;
/** Counting a big inbox takes long, and inside the process stops everything: at most a tenth of the time. */
const REST = 10;

export function createSummary(services: Services): Summary {
  const { config, agent, database } = services;
  const stats = shared(() => readStats(services));
  const workers = shared(() => listWorkers(database));
  return {
    lanes: async () => await lanes(await stats()),
    async notes() {
      const [alive, { queue }] = await Promise.all([workers(), stats()]);
      return await notes({
        isWorked: alive.some((worker) => worker.alive),
        worksInline: config.worksInline,
        hasModel: agent.name !== "digest",
        spilled: queue.spilled,
      });
    },
  };
}

/** Reads again only after a while, the longer the more it took. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined;
  let freshUntil = 0;
  return () => {
    if (latest && Date.now() < freshUntil) return latest;
    const startedAt = Date.now();
    freshUntil = Infinity;
    latest = read();
    latest.then(
      () => freshUntil = Date.now() + Math.max(FRESH_MS, (Date.now() - startedAt) * REST),
      () => freshUntil = 0,
    );
    return latest;
  };
}
