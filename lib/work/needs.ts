import { createLabels } from "../../sources/rules/names.ts";
import { callOutside } from "../monitor/outside/outside.ts";
import { tellNeeds } from "../monitor/needs/tell.ts";
import { isReached } from "../monitor/outside/reached.ts";
import { watchSilence } from "../monitor/silence/watch.ts";
import { noteServing } from "../monitor/silence/unheard.ts";
import { pause } from "../async/deadline.ts";
import { errorText } from "../process/log.ts";
import type { Services } from "../services.ts";
import { takeTurn } from "../store/turn.ts";

/** How often it is looked: whoever is needed hears of it within a minute. */
export const NEEDS_MS = 15_000;
/** One process of many does it, each time another perhaps. */
const TELL = { name: "tell needs", seconds: 12 };
const SILENCE = { name: "watch silence", seconds: 55 };

/** A worker's turn: who is silent, and what is to be told beyond the page. */
export async function watchNeeds(
  { config, database, sources }: Pick<Services, "config" | "database" | "sources">,
): Promise<void> {
  const { timeZone } = config;
  // First, since nobody who is needed waits for what is counted.
  if (await takeTurn(database, TELL)) {
    await tellNeeds({
      database,
      routes: config.notifyRoutes,
      labelOf: createLabels(sources),
      timeZone,
    });
  }
  if (await takeTurn(database, SILENCE)) {
    await watchSilence({
      database,
      timeZone,
      hoursOf: (source) =>
        Object.hasOwn(sources.all, source)
          ? sources.settingsOf(source).tell_after_hours
          : undefined,
      isReached: () => isReached(config),
    });
  }
}

/** The turn of a process that takes messages: says so, here and outside. */
export async function sayServing(services: Services): Promise<void> {
  await noteServing(services.database);
  await callOutside(services);
}

/** Repeats {@link sayServing} until the signal is aborted. Never rejects. */
export async function keepSaying(services: Services, signal: AbortSignal): Promise<void> {
  await services.ready.catch(() => {});
  let isAway = false;
  while (!signal.aborted) {
    try {
      await sayServing(services);
      isAway = false;
    } catch (error) {
      if (!isAway) services.log.warn("serving.not_said", { error: errorText(error) });
      isAway = true;
    }
    await pause(NEEDS_MS, signal);
  }
}
