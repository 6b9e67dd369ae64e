import type { Database } from "../store/database.ts";
import { readClock } from "../store/clock.ts";
import { pause as wait } from "../async/deadline.ts";
import { errorText, type Log } from "../process/log.ts";
import { forgetTurnedAway } from "./turned_away.ts";
import { sourceNameOf } from "../../sources/rules/names.ts";
import { GENERIC, type Registry } from "../../sources/rules/registry.ts";

/** Sources that take nothing for now, as a person has asked, by their one names. */
export interface Pauses {
  /** Since when a source is paused; undefined when it is not. Costs nothing: it is known. */
  since(source: string): Date | undefined;
  /** Those that are paused, by name. */
  names(): string[];
  /** Remembers it for all processes, and at once for this one. */
  set(source: string, paused: boolean): Promise<void>;
}

/**
 * What keeps a webhook of this type out: its source's name and since when that is paused, or what
 * nobody knows as a whole.
 */
export function pauseOf(
  pauses: Pick<Pauses, "since">,
  sources: Registry,
  type: string,
): { name: string; since: Date } | undefined {
  const { name: source } = sources.find(type);
  const names = source === GENERIC ? [sourceNameOf(sources, type), GENERIC] : [source];
  return names.flatMap((name) => {
    const since = pauses.since(name);
    return since ? [{ name, since }] : [];
  })[0];
}

/** A person who pauses a source expects it to be so when the page has answered; nothing rings here. */
const POLL_MS = 1_000;
/** Before a source's name in the table of settings. */
const PREFIX = "paused:";

/**
 * Knows what is paused. Other processes that serve hear of a change within
 * about a second; while the store is away what was known last counts.
 */
export function openPauses(
  { database, log, ready, stop }: {
    database: Database;
    log: Log;
    ready: Promise<void>;
    stop: AbortSignal;
  },
): Pauses {
  let known = new Map<string, Date>();
  /** Grows with every change of ours: what was read before it is old. */
  let changes = 0;

  async function read(): Promise<void> {
    const before = changes;
    const rows = await database.query(
      "read what is paused",
      (sql) =>
        sql<{ source: string; since: string }[]>`
        select substr(name, ${PREFIX.length + 1}) as source, value as since
        from settings where name like ${PREFIX + "%"}`,
    );
    if (changes !== before) return;
    known = new Map(rows.map(({ source, since }) => [source, new Date(since)]));
  }

  async function follow(): Promise<void> {
    await ready;
    let isAway = false;
    while (!stop.aborted) {
      try {
        await read();
        isAway = false;
      } catch (error) {
        if (!isAway) log.warn("pauses.not_read", { error: errorText(error) });
        isAway = true;
      }
      // Nobody else opens the database that lies inside this process.
      if (database.kind === "embedded" && !isAway) return;
      await wait(POLL_MS, stop);
    }
  }
  follow().catch(() => {});

  return {
    since: (source) => known.get(source),
    names: () => [...known.keys()],
    async set(source, paused) {
      const { now: since } = await readClock(database);
      await database.query(
        "pause a source",
        (sql) =>
          paused
            ? sql`insert into settings (name, value) values (${
              PREFIX + source
            }, ${since.toISOString()})
              on conflict (name) do nothing`
            : sql`delete from settings where name = ${PREFIX + source}`,
      );
      await forgetTurnedAway(database, source);
      changes++;
      if (!paused) known.delete(source);
      else if (!known.has(source)) known.set(source, since);
      log.info(paused ? "source.paused" : "source.resumed", { source });
    },
  };
}
